/** Goal: the node as its operator meets it: real processes, signals, two at once, a kill in between. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { presetShape } from "../../bench/models/presets.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import { ask, withFolder } from "../node/_support.ts";
import { finish, program, signal, start, untilReady } from "./_program.ts";
import type { RuntimeJson } from "./_program.ts";

test("skep up, status, chat, log verify and down work as processes", () =>
  withFolder(async (home) => {
    const up = start(["up"], { home });
    const info = await untilReady(up, home);
    const status = await finish(["status", "--json"], { home });
    assert.equal(status.code, 0, status.text);
    assert.equal(JSON.parse(status.text).hid, info.hid);
    const chat = await finish(["chat", "--max-tokens", "8", "Once upon a time"], { home });
    assert.equal(chat.code, 0, chat.text);
    const curl = /^ {2}(curl .*)$/m.exec(up.printed())?.[1];
    assert(curl !== undefined, up.printed());
    answersInShell(curl);
    const down = await finish(["down"], { home });
    assert.equal(down.code, 0, down.text);
    assert.equal(await up.exit, 0, up.printed());
    assert.equal(existsSync(join(home, "state/runtime.json")), false);
    const verify = await finish(["log", "verify", "--json"], { home });
    assert.equal(verify.code, 0, verify.text);
    assert(JSON.parse(verify.text).events >= 2);
  }));

/** The banner's line, pasted into a shell; machines without curl skip it. */
function answersInShell(curl: string): void {
  if (spawnSync("curl", ["--version"]).status !== 0) return;
  const { stdout } = spawnSync("sh", ["-c", curl], { encoding: "utf8" });
  assert.equal(typeof JSON.parse(stdout).choices[0].message.content, "string");
}

test("of daemons started at the same instant exactly one wins, the others exit with 3", () =>
  withFolder(async (home) => {
    const all = [start(["up"], { home }), start(["up"], { home }), start(["up"], { home })];
    const losers = await Promise.race([
      nOf(all.map((one) => one.exit), 2),
      sleep(60_000, undefined, { ref: false }),
    ]);
    assert.deepEqual(losers, [3, 3], all.map((one) => one.printed()).join("\n---\n"));
    const winner = all.find((one) => one.child.exitCode === null);
    assert(winner !== undefined);
    await untilReady(winner, home);
    for (const loser of all.filter((one) => one !== winner)) {
      assert.match(
        loser.printed(),
        /^Error: Cannot start the node as a node is already running: .*\n$/,
      );
    }
    signal(winner, "SIGTERM");
    assert.equal(await winner.exit, 0, winner.printed());
  }));

/** The first `count` results. */
function nOf<T>(promises: readonly Promise<T>[], count: number): Promise<T[]> {
  return new Promise((resolve) => {
    const done: T[] = [];
    for (const promise of promises) {
      promise.then((value) => {
        done.push(value);
        if (done.length === count) resolve(done);
      });
    }
  });
}

test("a node that does not answer is told in one sentence; after kill -9 the next start works, keeps the key, and the journal verifies", () =>
  withFolder(async (home) => {
    const first = start(["up"], { home });
    const before = await untilReady(first, home);
    assert.equal((await chatOf(before)).status, 200);
    process.kill(before.pid, "SIGSTOP");
    try {
      const asked = [["status"], ["down"], ["chat", "Hi"]].map((args) => finish(args, { home }));
      for (const { code, text } of await Promise.all(asked)) {
        assert.equal(code, 1, text);
        assert.match(text, /^Error: The node with process id \d+ does not answer within [^\n]*\n$/);
      }
    } finally {
      signal(first, "SIGKILL");
    }
    assert.equal(await first.exit, "SIGKILL");
    assert(existsSync(join(home, "state/runtime.json")), "a killed node leaves it");
    assert.equal((await finish(["status"], { home })).code, 3);
    const second = start(["up"], { home });
    const after = await untilReady(second, home);
    assert.equal(after.hid, before.hid);
    assert.equal((await chatOf(after)).status, 200);
    signal(second, "SIGINT");
    assert.equal(await second.exit, 0, second.printed());
    assert.equal((await finish(["log", "verify"], { home })).code, 0);
  }));

function chatOf(info: RuntimeJson): Promise<{ status: number }> {
  return ask({ addresses: info.addresses });
}

test("SIGTERM lets a running answer finish; a second one ends the node at once", () =>
  withFolder(async (home) => {
    const model = join(home, "slow.gguf");
    writeRandomModel({ shape: presetShape("15m"), type: "q8_0", seed: 1, path: model });
    const drained = start(["up", "--model", model], { home });
    const answer = await beginAnswer(await untilReady(drained, home), 40);
    signal(drained, "SIGTERM");
    const text = await answer.rest();
    assert.match(text, /data: \[DONE\]/);
    assert.equal(await drained.exit, 0, drained.printed());

    const forced = start(["up", "--model", model], { home });
    const cut = await beginAnswer(await untilReady(forced, home), 220);
    signal(forced, "SIGTERM");
    await sleep(150);
    const startedMs = performance.now();
    signal(forced, "SIGTERM");
    await cut.rest().catch(() => "");
    assert.equal(await forced.exit, 0, forced.printed());
    assert(performance.now() - startedMs < 5_000);
    assert.match(forced.printed(), /Stopping is forced/);
    assert.equal((await finish(["log", "verify"], { home })).code, 0);
  }));

/** Starts a streamed answer and waits for its first piece. */
async function beginAnswer(
  info: RuntimeJson,
  tokens: number,
): Promise<{ rest(): Promise<string> }> {
  const response = await fetch(`${info.addresses.api}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "slow",
      stream: true,
      max_tokens: tokens,
      messages: [{ role: "user", content: "Hi" }],
    }),
  });
  assert.equal(response.status, 200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const first = await reader.read();
  let text = decoder.decode(first.value, { stream: true });
  return {
    rest: async (): Promise<string> => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += decoder.decode(value, { stream: true });
      }
    },
  };
}

test("skep up --detach returns when the node is ready; restart keeps its flags, and flags given to it win", () =>
  withDetached(async (home) => {
    const model = join(home, "own.gguf");
    copyFileSync(embedded, model);
    const config = join(home, "other.toml");
    writeFileSync(config, "[inference]\nslots = 3\n");
    const args = ["--model", model, "--config", config, "--set", "inference.queueMax=5"];
    const listen = `127.0.0.1:${await freePort()}`;
    const up = await finish(["up", "--detach", "--json", ...args, "--listen", listen], { home });
    assert.equal(up.code, 0, up.text);
    const first = JSON.parse(up.text);
    assert.equal(await servedBy(up.text), "own");
    const twice = await finish(["up", "--detach"], { home });
    assert.equal(twice.code, 3, twice.text);
    await refusesRestarts(home);
    assert.equal(JSON.parse((await finish(["status", "--json"], { home })).text).pid, first.pid);
    const again = await finish(["restart", "--json", "--set", "inference.queueMax=6"], { home });
    assert.equal(again.code, 0, again.text);
    const second = JSON.parse(again.text);
    assert.notEqual(second.pid, first.pid);
    assert.equal(second.hid, first.hid);
    assert.equal(second.addresses.api, `http://${listen}`);
    assert.equal(await servedBy(again.text), "own");
    const startedWith =
      JSON.parse(readFileSync(join(home, "state/runtime.json"), "utf8")).startedWith;
    assert.deepEqual(startedWith, {
      set: { "inference.queueMax": 6, "inference.model": model, "api.listen": listen },
      configFile: config,
    });
    const added = await finish(["model", "add", embedded, "--name", "tales"], { home });
    assert.equal(added.code, 0, added.text);
    const other = ["--listen", "127.0.0.1:0", "--model", "tales"];
    const third = await finish(["restart", "--json", ...other], { home });
    assert.equal(third.code, 0, third.text);
    assert.notEqual(JSON.parse(third.text).addresses.api, `http://${listen}`);
    assert.equal(await servedBy(third.text), "tales");
    const fourth = await finish(["restart", "--json"], { home });
    assert.equal(await servedBy(fourth.text), "tales");
    assert.equal((await finish(["down"], { home })).code, 0);
    assert.match(readFileSync(join(home, "state/skep.log"), "utf8"), /"message":"Ready"/);
  }));

/** An empty folder, whose node of the background is gone afterwards, whatever fails. */
function withDetached(use: (home: string) => Promise<void>): Promise<void> {
  return withFolder(async (home) => {
    try {
      await use(home);
    } finally {
      const path = join(home, "state/runtime.json");
      if (existsSync(path)) process.kill(JSON.parse(readFileSync(path, "utf8")).pid, "SIGKILL");
    }
  });
}

/** Flags that cannot be followed leave the running node as it is. */
async function refusesRestarts(home: string): Promise<void> {
  writeFileSync(join(home, "bad.gguf"), "no model");
  const wrong = [
    ["--set", "inference.slots=many"],
    ["--model", join(home, "bad.gguf")],
    ["--model", join(home, "none.gguf")],
    ["--model", "unknown"],
  ];
  for (const args of wrong) {
    const { code, text } = await finish(["restart", ...args], { home });
    assert.equal(code, args[0] === "--set" ? 2 : 1, text);
    assert.match(text, /^Error: Cannot [^\n]*\n/);
  }
}

/** The first model of the node that said this when it was ready. */
async function servedBy(said: string): Promise<string> {
  const models = await fetch(`${JSON.parse(said).addresses.api}/v1/models`);
  return (await models.json()).data[0].id;
}

const embedded = fileURLToPath(
  new URL("../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("skep up --detach says at once that it cannot write its log", () =>
  withFolder(async (home) => {
    mkdirSync(join(home, "state/skep.log"), { recursive: true });
    const { code, text } = await finish(["up", "--detach"], { home });
    assert.equal(code, 1);
    assert.match(text, /^Error: Cannot open ".*skep\.log" as it is a directory\n$/);
  }));

test("skep up and up --detach say why the node did not start, in one sentence", () =>
  withFolder(async (home) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    try {
      for (const more of [[], ["--detach"]]) {
        const inUse = await finish(["up", "--listen", listen, ...more], { home });
        assert.equal(inUse.code, 1, inUse.text);
        assert.match(inUse.text.replaceAll(/^.*"INFO".*\n/gm, ""), /^Error: [^\n]*in use[^\n]*\n$/);
        assert(inUse.text.includes(`${listen} (api.listen, set by --listen)`), inUse.text);
      }
    } finally {
      taken.close();
    }
    const model = join(home, "bad.gguf");
    writeFileSync(model, "no model");
    for (const more of [[], ["--detach"]]) {
      const { code, text } = await finish(["up", "--model", model, ...more], { home });
      assert.equal(code, 1);
      assert.match(text, /^Error: [^\n]*'GGUF'\n$/);
    }
  }));

test("skep up with a bad configuration exits with 1 and creates nothing", () =>
  withFolder(async (home) => {
    const environment = { SKEP_LOG_LEVEL: "loud", SKEP_API_LISTEN: "x" };
    const { code, text } = await finish(["up"], { home, environment });
    assert.equal(code, 1);
    assert.match(text, /2 violations:\n.*SKEP_\w+: .*\n.*SKEP_\w+: /);
    assert.deepEqual(readdirSync(home), []);
  }));

test("a reader that goes away does not make skep print an error", () => {
  const script = `"$@" config schema | head -c 1 >/dev/null; echo done`;
  const { stdout, stderr } = spawnSync("sh", ["-c", script, "sh", ...program], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  assert.equal(stdout, "done\n");
});
