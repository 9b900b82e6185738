/** The platform's functions, in a process of its own where that is what matters. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import * as platform from "../../src/platform/mod.ts";

const door = new URL("../../src/platform/mod.ts", import.meta.url).href;

/** Runs a module in a new process of this runtime; Deno gets no permission that is not named. */
async function run(
  code: string,
  options: { readonly allow?: readonly string[]; readonly input?: string } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const script = `import * as platform from ${JSON.stringify(door)};\n${code}`;
  const url = `data:text/javascript,${encodeURIComponent(script)}`;
  const args = platform.runtimeName() === "deno"
    ? ["run", "--no-prompt", "--no-lock", ...options.allow ?? [], url]
    : ["--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { stdio: "pipe" });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => out += chunk);
  child.stderr.on("data", (chunk) => err += chunk);
  child.stdin.end(options.input ?? "");
  const ended = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code: ended, out, err };
}

test("the runtime is named with its version", () => {
  assert.equal(platform.runtimeName(), "Deno" in globalThis ? "deno" : "node");
  assert.match(platform.runtimeVersion(), /^\d+\.\d+\.\d+/);
});

test("importing the platform and asking for what needs no permission needs none", async () => {
  const { code, out, err } = await run(`
    platform.memoryUsage(); platform.isTerminal("stdout"); platform.terminalSize();
    platform.platformName(); platform.pid(); platform.args(); platform.runtimeVersion();
    platform.onSignal("SIGHUP", () => {})();
    platform.writeOut("fine");`);
  assert.deepEqual([code, out], [0, "fine"], err);
});

test("env() touches only the name that is asked for", async () => {
  const { out, err } = await run(`platform.writeOut(String(platform.env("SKEP_TEST_NAME")));`, {
    allow: ["--allow-env=SKEP_TEST_NAME"],
  });
  assert.equal(out, "undefined", err);
});

test("writeOut() loses nothing at an exit right after it, however slow the reader", async () => {
  const { code, out } = await run(`
    platform.writeOut("x".repeat(3_000_000) + "end"); platform.exit(7);`);
  assert.equal(code, 7);
  assert.equal(out.length, 3_000_003);
  assert.ok(out.endsWith("end"));
});

test("writeOut() says when nobody reads any more, and does not end the process", async () => {
  const script = `import * as platform from ${JSON.stringify(door)};
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ok = platform.writeOut("x".repeat(1_000_000));
    platform.exit(ok ? 1 : 42);`;
  const url = `data:text/javascript,${encodeURIComponent(script)}`;
  const args = platform.runtimeName() === "deno"
    ? ["run", "--no-prompt", url]
    : ["--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  child.stdout?.destroy();
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 42);
});

test("setExitCode() is what the process ends with by itself", async () => {
  assert.equal((await run("platform.setExitCode(3);")).code, 3);
});

test("holdOpen() keeps the process until it is released", async () => {
  const { out } = await run(`
    const release = platform.holdOpen();
    const timer = setTimeout(() => { platform.writeOut("later"); release(); }, 50);
    if (typeof timer === "object") timer.unref(); else Deno.unrefTimer(timer);`);
  assert.equal(out, "later");
});

test("onSignal() gets the signal instead of the end, until it is taken off", async () => {
  const { code, out } = await run(
    `
    const release = platform.holdOpen();
    const off = platform.onSignal("SIGTERM", () => { platform.writeOut("told"); off(); release(); });
    const { default: process } = await import("node:process");
    process.kill(platform.pid(), "SIGTERM");`,
    { allow: ["--allow-run"] },
  );
  assert.deepEqual([code, out], [0, "told"]);
});

test("stdinLines() gives the lines of standard input", async () => {
  const code =
    `for await (const line of platform.stdinLines()) platform.writeOut("[" + line + "]");`;
  const { out } = await run(code, { input: "a\r\nb\n\nlast" });
  assert.equal(out, "[a][b][][last]");
});

test("runCommand() gives code and output, and a missing program is an error", async () => {
  const command = { program: "sh", args: ["-c", "echo hello; exit 3"] };
  assert.deepEqual(await platform.runCommand(command), { code: 3, output: "hello\n" });
  await assert.rejects(platform.runCommand({ program: "/no/such/program", args: [] }));
});

test("spawnDetached() starts a program that goes on by itself, and sees its end", async () => {
  const going = await platform.spawnDetached({ program: "sleep", args: ["30"] });
  assert.equal(going.exitCode(), undefined);
  process.kill(going.pid, "SIGKILL");
  const ending = await platform.spawnDetached({ program: "sh", args: ["-c", "exit 7"] });
  for (let i = 0; i < 500 && [going, ending].some((one) => one.exitCode() === undefined); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual([going.exitCode(), ending.exitCode()], [128, 7]);
  await assert.rejects(platform.spawnDetached({ program: "/no/such/program", args: [] }));
});

test("mayRun() is true for a process that may", async () => {
  assert.equal(await platform.mayRun(platform.executablePath()), true);
});

test("serviceCommand() runs this program, under Deno with leave to tell systemd", () => {
  const { program, args } = platform.serviceCommand(["up"]);
  assert.equal(program, process.execPath);
  assert.equal(args.at(-1), "up");
  if (platform.runtimeName() === "node") return;
  assert.ok(args.includes("--allow-run=systemd-notify"));
  assert.ok(args.some((arg) => /^--allow-env=.*,NOTIFY_SOCKET,WATCHDOG_USEC$/.test(arg)));
});

test("directories, memory and the rest are plausible", () => {
  assert.ok(platform.cwd().startsWith("/"));
  assert.ok(platform.homeDirectory().startsWith("/"));
  assert.ok(platform.temporaryDirectory().startsWith("/"));
  assert.ok(platform.executablePath().startsWith("/"));
  assert.equal(platform.userId(), process.getuid?.());
  const { residentBytes, heapUsedBytes } = platform.memoryUsage();
  assert.ok(residentBytes > heapUsedBytes && heapUsedBytes > 1e6);
  assert.ok(platform.totalMemory() > residentBytes);
});
