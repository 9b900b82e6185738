/** Goal: every command explains itself, wrong lines are refused, and codes are as documented. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { exitCodes } from "../../src/cli/mod.ts";
import { versionLine } from "../../src/node/mod.ts";
import { withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

const commands: readonly (readonly string[])[] = [
  ["up"],
  ["chat"],
  ["status"],
  ["down"],
  ["restart"],
  ["config"],
  ["config", "show"],
  ["config", "schema"],
  ["config", "path"],
  ["model"],
  ["model", "inspect"],
  ["model", "add"],
  ["model", "list"],
  ["model", "verify"],
  ["log"],
  ["log", "status"],
  ["log", "tail"],
  ["log", "range"],
  ["log", "verify"],
  ["log", "heads"],
  ["receipt"],
  ["receipt", "list"],
  ["receipt", "show"],
  ["receipt", "export"],
  ["verify"],
  ["invite"],
  ["join"],
  ["leave"],
  ["peer"],
  ["peer", "list"],
  ["peer", "add"],
  ["peer", "rm"],
  ["peer", "trust"],
  ["plan"],
  ["top"],
  ["service"],
  ["service", "list"],
  ["service", "info"],
  ["call"],
  ["sim"],
  ["systemd-unit"],
];

for (const command of commands) {
  test(`skep ${command.join(" ")} --help explains the command, with an example of it`, async () => {
    const { code, out, err } = await skep([...command, "--help"]);
    assert.equal(code, 0);
    assert.equal(err, "");
    const examples = out.slice(out.indexOf("Examples:"));
    assert(examples.includes(`  skep ${command.join(" ")}`), out);
    assert(Math.max(...out.split("\n").map((line) => line.trimEnd().length)) <= 80, out);
  });
}

test("skep without a command prints the help, and a group alone prints its own", async () => {
  const alone = await skep([]);
  assert.equal(alone.code, 0);
  assert.deepEqual(alone, await skep(["--help"]));
  const words = alone.out.replaceAll(/\s+/g, " ");
  for (const code of Object.values(exitCodes)) assert.match(words, new RegExp(`[:;] ${code} `));
  assert.match(alone.out, /\n {2}up .*\n {2}chat .*\n {2}status /s);
  assert.deepEqual(await skep(["log"]), await skep(["log", "--help"]));
});

test("skep version and --version print exactly one line", async () => {
  for (const args of [["version"], ["--version"], ["-V"]]) {
    const { code, out } = await skep(args);
    assert.equal(code, 0);
    assert.equal(out, `${versionLine}\n`);
  }
});

test("skep status and down say that no node runs, with exit code 3, and create nothing", () =>
  withFolder(async (folder) => {
    const home = `${folder}/none`;
    for (const command of ["status", "down"]) {
      const { code, out } = await skep([command, "--home", home]);
      assert.equal(code, 3);
      assert.match(out, /^No node is running for .*/);
      assert.equal(out.includes("skep up"), command === "status");
    }
    const json = await skep(["status", "--json"], { environment: { SKEP_HOME: home } });
    assert.deepEqual(JSON.parse(json.out), { running: false });
    assert.equal(json.code, 3);
    assert.equal(existsSync(home), false);
  }));

test("skep log reads an empty journal, and says so of one that is not there", () =>
  withFolder(async (home) => {
    const absent = await skep(["log", "verify", "--home", home]);
    assert.equal(absent.code, 1);
    assert.match(absent.err, /^Error: Cannot verify a journal as there is none: [^\n]*\n$/);
    mkdirSync(`${home}/state/journal`, { recursive: true });
    const verify = await skep(["log", "verify", "--home", home, "--json"]);
    assert.equal(verify.code, 0);
    assert.equal(JSON.parse(verify.out).events, 0);
    assert.deepEqual(await skep(["log", "tail", "--home", home]), { code: 0, out: "", err: "" });
    assert.equal(JSON.parse((await skep(["log", "status", "--home", home, "--json"])).out).seq, 0);
  }));

test("skep log heads shows what is kept of the journals of others, and fails on a fork", () =>
  withFolder(async (home) => {
    const none = await skep(["log", "heads", "--home", home]);
    assert.deepEqual([none.code, none.out], [0, ""]);
    const head = { size: 7, root: "ab".repeat(32), tsMs: 5, signature: "cd".repeat(64) };
    const log = {
      key: "ef".repeat(32),
      head,
      state: "ok",
      provenFrom: 3,
      evidence: [],
      findings: 0,
    };
    const fork = { kind: "fork", atMs: 1, earlier: head, later: head, why: "it did" };
    const put = (logs: unknown): void => {
      mkdirSync(`${home}/state/mesh`, { recursive: true });
      writeFileSync(`${home}/state/mesh/log-heads.json`, JSON.stringify(logs));
    };
    put([log]);
    const good = await skep(["log", "heads", "--home", home]);
    assert.equal(good.code, 0);
    assert.match(good.out, /ok, 7 events at 1970-01-01T00:00:00.005Z, proven since 3\n$/);
    put([{ ...log, state: "fork", evidence: [fork], findings: 1 }]);
    const bad = await skep(["log", "heads", "--home", home, "--json"]);
    assert.deepEqual([bad.code, JSON.parse(bad.out).peers[0].state], [1, "fork"]);
    assert.match((await skep(["log", "heads", "--home", home])).out, /fork: it did\n$/);
    put([{ ...log, state: "good" }]);
    const damaged = await skep(["log", "heads", "--home", home]);
    assert.match(damaged.err, /^Error: Cannot show heads as [^\n]* can't be read: [^\n]*\n$/);
  }));

test("skep config show names each value's source, and a wrong one fails as skep up does", () =>
  withFolder(async (home) => {
    const environment = { SKEP_HOME: home, SKEP_LOG_LEVEL: "debug" };
    const { out } = await skep(["config", "show", "--json"], { environment });
    const settings = JSON.parse(out);
    assert.deepEqual(settings["log.level"], { value: "debug", from: "SKEP_LOG_LEVEL" });
    assert.equal(settings["api.listen"].from, "default");
    const wrong = { SKEP_HOME: home, SKEP_API_LISTEN: "0.0.0.0:1" };
    for (const args of [["config", "show"], ["up"]]) {
      const { code, err } = await skep(args, { environment: wrong });
      assert.equal(code, 1);
      assert.match(err, /SKEP_API_LISTEN: api\.listen: .*loopback/);
    }
    assert.equal(existsSync(`${home}/state`), false);
    const flag = await skep(["up", "--home", home, "--listen", "x", "--set", "log.form=7"]);
    assert.match(flag.err, /--listen: api\.listen/);
    assert.match(flag.err, /--set: log\.form/);
  }));

test("skep config schema prints a strict JSON Schema with a description for every setting", async () => {
  const { out } = await skep(["config", "schema"]);
  const schema = JSON.parse(out);
  assert.equal(schema.additionalProperties, false);
  for (const [name, section] of Object.entries<Record<string, never>>(schema.properties)) {
    assert.equal(section["additionalProperties"], false, name);
    for (
      const [key, setting] of Object.entries<Record<string, never>>(section["properties"] ?? {})
    ) {
      assert.equal(typeof setting["description"], "string", `${name}.${key}`);
    }
  }
});

test("skep config path prints places below --home, relative ones from the working directory", async () => {
  const { out } = await skep(["config", "path", "--home", "some/where", "--json"]);
  assert.equal(JSON.parse(out).keyFile, "/some/where/state/node.key");
});

test("skep model inspect describes the embedded model and refuses what is no model", async () => {
  const embedded = await skep(["model", "inspect", "--json"]);
  assert.equal(embedded.code, 0);
  assert.equal(JSON.parse(embedded.out).executable, true);
  assert.match((await skep(["model", "inspect"])).out, /This release can run it/);
  const roomy = await skep(["model", "inspect"], { availableBytes: 9e9 });
  assert.match(roomy.out, /memory +needs [\d.]+ MB with .*; this machine has 9.0 GB left\n/);
  const small = await skep(["model", "inspect"], { availableBytes: 1e6 });
  assert.equal(small.code, 0);
  assert.match(small.out, /this machine has 1.0 MB left\n.*too little memory left now\n$/s);
  const unknown = await skep(["model", "inspect"], { availableBytes: undefined });
  assert.match(unknown.out, /with the shortest context\nThis release can run it\n$/);
  const missing = await skep(["model", "inspect", "/nowhere.gguf"]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /^Error: .*nowhere\.gguf/);
});

test("skep completions prints a script for each shell, and refuses others", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await skep(["completions", shell]);
    assert.equal(code, 0);
    assert.match(out, /skep/);
  }
  assert.equal((await skep(["completions", "tcsh"])).code, 2);
  assert.match((await skep(["completions", "bash", "up", "--mo"])).out, /--model/);
});

test("colours are for terminals without NO_COLOR or SKEP_NO_COLOR", () =>
  withFolder(async (home) => {
    const args = ["config", "show", "--home", home];
    const colour = /\p{Cc}\[\d+m/u;
    assert.match((await skep(args, { terminal: true })).out, colour);
    assert.doesNotMatch((await skep(args)).out, colour);
    for (const name of ["NO_COLOR", "SKEP_NO_COLOR"]) {
      const environment = { [name]: "1" };
      assert.doesNotMatch((await skep(args, { terminal: true, environment })).out, colour);
    }
  }));

test("skep systemd-unit names the program and asks for readiness and watchdog", async () => {
  const { out } = await skep(["systemd-unit", "--program", "/opt/skep"]);
  assert.match(out, /^ExecStart=\/opt\/skep up$/m);
  assert.match(out, /^Type=notify$/m);
  assert.match(out, /^WatchdogSec=\d+$/m);
  const own = await skep(["systemd-unit"]);
  assert.match(own.out, /^ExecStart="\/opt\/my skep\/100%%" run \$\$x up$/m);
});

test("skep systemd-unit lets Deno write the node's folders only, and names them to the unit", () =>
  withFolder(async (home) => {
    const program = { program: "/x/_npx/1/deno", args: ["run", "--allow-write", "main.ts"] };
    mkdirSync(`${home}/state`);
    const { code, out, err } = await skep(["systemd-unit"], {
      program,
      environment: { SKEP_HOME: home },
    });
    assert.equal(code, 0);
    assert.match(err, /^Warning: [^\n]*npx[^\n]*\n$/);
    const folders = /--allow-write=(\S+) /.exec(out)?.[1]?.split(",") ?? [];
    assert(folders.includes(`${home}/state`), out);
    assert(folders.every((folder) => folder.startsWith(`${home}/`)), out);
    assert(out.includes(`\nEnvironment="SKEP_HOME=${home}"\n`), out);
  }));

/** The modules that `from` imports before anything runs, itself among them. */
function importedBy(from: URL, seen: Map<string, string> = new Map()): Map<string, string> {
  if (seen.has(from.href)) return seen;
  const text = readFileSync(from, "utf8");
  seen.set(from.href, text);
  for (
    const [, path = ""] of text.matchAll(/^(?:import(?! type)|export|\})[^;]*? from "(\.[^"]+)"/gm)
  ) {
    importedBy(new URL(path, from), seen);
  }
  return seen;
}

test("an old Node can load what tells it that it is too old", () => {
  const modules = importedBy(new URL("../../src/main.ts", import.meta.url));
  assert(modules.size > 40, `${modules.size} modules`);
  for (const [href, text] of modules) {
    assert.doesNotMatch(text, /^\s*(?:await )?using \w+ =/m, href);
    assert.doesNotMatch(text, /^(?:const|export const) .*withResolvers|from "node:sqlite"/m, href);
  }
});
