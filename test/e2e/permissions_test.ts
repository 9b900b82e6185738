/**
 * The documented permissions are the task's, and a node boots, answers and stops with exactly them.
 *
 * The node runs in a process of its own, as permissions are a process's; so it is always Deno's,
 * also when this file runs under Node.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { IROH_FLAG } from "../../npm/permissions.ts";
import {
  askChat,
  startProgram,
  stopCleanly,
  waitUntilReady,
  withEmptyFolder,
} from "../../npm/smoke.ts";
import { TOP } from "../../npm/tools.ts";
import { ENVIRONMENT_ALLOWED, PERMISSION_FLAGS } from "../../src/platform/mod.ts";

/** `deno task test:node` says which Deno it is; otherwise one on the path. */
const DENO = process.versions["deno"] === undefined
  ? process.env["SKEP_DENO"] ?? "deno"
  : process.execPath;

const hasDeno = spawnSync(DENO, ["--version"]).status === 0;

function tasks(): Readonly<Record<string, string>> {
  const manifest: { tasks: Record<string, { command: string }> } = JSON.parse(
    readFileSync(join(TOP, "deno.json"), "utf8"),
  );
  return Object.fromEntries(
    Object.entries(manifest.tasks).map(([name, { command }]) => [name, command]),
  );
}

/** A user's environment with two folders of their own and one by default, as XDG has it. */
function userEnvironment(home: string): Record<string, string> {
  return {
    HOME: home,
    PATH: process.env["PATH"] ?? "",
    DENO_DIR: process.env["DENO_DIR"] ?? join(process.env["HOME"] ?? home, ".cache", "deno"),
    XDG_STATE_HOME: join(home, "s"),
    XDG_RUNTIME_DIR: join(home, "r"),
    SKEP_API_LISTEN: "127.0.0.1:0",
  };
}

/** Runs a command that may do anything. */
function skep(
  args: readonly string[],
  env: Record<string, string>,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const flags = ["run", "--allow-all", "--no-check", join(TOP, "src/main.ts")];
  return spawnSync(DENO, [...flags, ...args], { env, encoding: "utf8" });
}

test("no task allows everything, and those that run programs name their permissions", () => {
  for (const [name, command] of Object.entries(tasks())) {
    assert.doesNotMatch(command, /(^|\s)(-A|--allow-all)\b/, name);
    if (!/\bdeno run\b/.test(command)) continue;
    assert.match(command, /--no-prompt .*--allow-/, name);
  }
});

test("the task start has the permissions of src/platform/permissions.ts and writes its own folders", () => {
  const start = tasks()["start"] ?? "";
  const [roots = ""] = /\$\([^)]*\)/.exec(start) ?? [];
  const flags = start.replace(roots, "ROOTS").split(" ").filter((word) => word.startsWith("--"));
  assert.deepEqual(flags.sort(), [...PERMISSION_FLAGS, "--allow-write=ROOTS"].sort());
  assert.ok(roots.includes("npm/roots.ts"));
  assert.ok(start.endsWith("src/main.ts up"));
  const [head = ""] = start.split(" src/main.ts up");
  assert.equal(tasks()["start:iroh"], `${head} ${IROH_FLAG} src/main.ts up`);
});

test("CONTRIBUTING.md names each environment pattern that is allowed", () => {
  const text = readFileSync(join(TOP, "CONTRIBUTING.md"), "utf8");
  for (const pattern of ENVIRONMENT_ALLOWED) assert.ok(text.includes(`\`${pattern}\``), pattern);
});

test("a node boots, answers and stops with exactly the task's permissions", {
  skip: !hasDeno && "there is no Deno here; `deno task test:node` hands its own on",
  timeout: 120_000,
}, () =>
  withEmptyFolder(async (home) => {
    const env = userEnvironment(home);
    mkdirSync(join(home, "r"), { mode: 0o700 });
    const running = startProgram([DENO, "task", "start"], { cwd: TOP, env });
    const api = await waitUntilReady(running, join(home, "s", "skep", "runtime.json"));
    assert.match(await askChat(api), /\S/);
    const invited = skep(["invite", "--json"], env);
    assert.equal(invited.status, 0, invited.stderr);
    assert.ok(JSON.parse(invited.stdout).addresses.length > 0, invited.stdout);
    await stopCleanly(running);
    assert.doesNotMatch(running.printed(), /NotCapable|Requires \w+ access/);
    assert.ok(existsSync(join(home, ".local", "share", "skep")), "the data folder is HOME's");
  }));

test("a node that may not see the machine's addresses invites this machine alone, and says why", {
  skip: !hasDeno && "there is no Deno here; `deno task test:node` hands its own on",
  timeout: 120_000,
}, () =>
  withEmptyFolder(async (home) => {
    const env = { ...userEnvironment(home), SKEP_HOME: home, SKEP_NETWORK_IROH: "false" };
    const flags = PERMISSION_FLAGS.filter((flag) => !flag.startsWith("--allow-sys"));
    const command = [
      DENO,
      "run",
      ...flags,
      `--allow-write=${home}`,
      join(TOP, "src/main.ts"),
      "up",
    ];
    const running = startProgram(command, { cwd: TOP, env });
    await waitUntilReady(running, join(home, "state", "runtime.json"));
    const { status, stdout, stderr } = skep(["invite"], env);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^skep1[a-z2-7]+\n$/);
    assert.match(stderr, /^Note: .*--allow-sys=networkInterfaces.*\nNote: Only this machine .*\n$/);
    await stopCleanly(running);
  }));

test(
  "with the documented permissions nothing starts in the background, and one sentence says why",
  {
    skip: !hasDeno && "there is no Deno here; `deno task test:node` hands its own on",
  },
  () =>
    withEmptyFolder(async (home) => {
      await Promise.resolve();
      const flags = ["run", ...PERMISSION_FLAGS, `--allow-write=${home}`, join(TOP, "src/main.ts")];
      for (const command of [["up", "--detach"], ["restart"]]) {
        const { status, stdout, stderr } = spawnSync(DENO, [...flags, ...command], {
          env: userEnvironment(home),
          encoding: "utf8",
        });
        assert.equal(status, 1);
        assert.equal(stdout, "");
        assert.match(
          stderr,
          /^Error: Cannot start a node in the background .*--allow-run[^\n]*\n$/,
        );
      }
    }),
);
