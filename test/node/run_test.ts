/** Goal: the boot order as promised, each failure one sentence that leaves nothing half done. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { defineCall } from "../../src/kernel/mod.ts";
import type { Service } from "../../src/kernel/mod.ts";
import { NodeError, run, version } from "../../src/node/mod.ts";
import { refusePlatform } from "../../src/node/_platform_check.ts";
import { realClock } from "../../src/ports/mod.ts";
import type { Clock } from "../../src/ports/mod.ts";
import { MemoryNetwork, ModelledDisk } from "../../src/sim/mod.ts";
import { ask, bootIn, environmentOf, withFolder } from "./_support.ts";

async function nodeErrorOf(promise: Promise<unknown>): Promise<NodeError> {
  try {
    await promise;
  } catch (thrown) {
    assert(thrown instanceof NodeError, String(thrown));
    assert(!/\n\s*at /.test(thrown.message), "a sentence, no stack");
    return thrown;
  }
  assert.fail("it did not fail");
}

test("run() boots a node that answers, writes runtime.json, and takes all back at the end", () =>
  withFolder(async (home) => {
    const node = await bootIn(home);
    const runtimeFile = join(home, "state/runtime.json");
    const info = JSON.parse(readFileSync(runtimeFile, "utf8"));
    assert.equal(statSync(runtimeFile).mode & 0o777, 0o600);
    assert.equal(info.pid, node.status().pid);
    assert.equal(info.version, version);
    assert.equal(info.hid, node.hid);
    assert.deepEqual(info.addresses, { ...node.addresses });
    assert.equal(statSync(join(home, "state/node.key")).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(home, "state/node.key")).length, 32);
    assert.equal(statSync(join(home, "run")).mode & 0o777, 0o700);
    const answer = await ask(node);
    assert.equal(answer.status, 200);
    assert(answer.text.length > 0);
    const states = node.status().services.map(({ name, state }) => `${name} ${state}`);
    const names = [
      "control",
      "journal",
      "inference",
      "models",
      "network",
      "parts",
      "placement",
      "api",
    ];
    assert.deepEqual(states, names.map((name) => `${name} ready`));
    await node.stop();
    await node.closed;
    assert.equal(existsSync(runtimeFile), false);
    assert.equal(existsSync(join(home, "run/control/rpc.sock")), false);
    await assert.rejects(fetch(`${node.addresses["api"]}/health`));
    await node.stop();
  }));

test("run() keeps its identity and its journal from one life to the next", () =>
  withFolder(async (home) => {
    const first = await bootIn(home);
    await ask(first);
    await first.stop();
    const second = await bootIn(home);
    assert.equal(second.hid, first.hid);
    const journal = await second.call("control", "journal.status") as { seq: number };
    assert(journal.seq >= 2);
    await second.stop();
  }));

test("two nodes in one process share nothing", () =>
  withFolder((one) =>
    withFolder(async (two) => {
      const lines: string[] = [];
      const a = await bootIn(one, { log: { write: (line) => void lines.push(line) } });
      await using b = await bootIn(two);
      assert.notEqual(a.hid, b.hid);
      assert.notEqual(a.addresses["api"], b.addresses["api"]);
      const before = lines.length;
      assert.equal((await ask(b)).status, 200);
      assert.equal(lines.length, before, "the other's log is not ours");
      const metrics = await (await fetch(`${a.addresses["api"]}/metrics`)).text();
      assert.match(metrics, /skep_service_ready\{service="inference"\} 1/);
      assert.doesNotMatch(metrics, /skep_\w*requests\w*\{[^}]*\} [1-9]/);
      await a.stop();
      assert.equal((await ask(b)).status, 200);
    })
  ));

test("run() refuses a second node for one state, and says who holds it", () =>
  withFolder(async (home) => {
    await using node = await bootIn(home);
    const error = await nodeErrorOf(bootIn(home));
    assert.equal(error.code, "already-running");
    assert.match(error.message, new RegExp(`process ${node.status().pid}`));
    assert.match(error.message, /since 20.*sockets in /);
    assert.equal((await ask(node)).status, 200);
  }));

test("run() refuses a socket directory in which another node answers", () =>
  withFolder((one) =>
    withFolder(async (two) => {
      const environment = environmentOf({ SKEP_SOCKET_DIR: join(one, "run") });
      await using first = await bootIn(one);
      const error = await nodeErrorOf(bootIn(two, { environment }));
      assert.equal(error.code, "already-running");
      assert.match(error.message, /SKEP_SOCKET_DIR/);
      assert.equal((await ask(first)).status, 200);
    })
  ));

test("run() creates nothing when the configuration is wrong, and names every violation", () =>
  withFolder(async (folder) => {
    const home = join(folder, "home");
    const configFile = join(folder, "skep.toml");
    writeFileSync(configFile, '[api]\nlisten = "0.0.0.0:80"\n\n[log]\nlevle = "info"\n');
    const environment = environmentOf({ SKEP_INFERENCE_SLOTS: "many" });
    const error = await nodeErrorOf(
      run({ node: { drainMsMax: 0 } }, { home, configFile, environment }),
    );
    assert.equal(error.code, "config");
    const places = error.violations.map(({ place, path }) => `${place} ${path}`).sort();
    assert.deepEqual(places, [
      `${configFile}:2 api.listen`,
      `${configFile}:5 log.levle`,
      "SKEP_INFERENCE_SLOTS inference.slots",
      "run(config) node.drainMsMax",
    ]);
    assert.deepEqual(readdirSync(folder), ["skep.toml"]);
  }));

test("run() refuses a missing or unreadable configuration file that was asked for", () =>
  withFolder(async (home) => {
    const missing = await nodeErrorOf(bootIn(home, { configFile: join(home, "none.toml") }));
    assert.equal(missing.code, "config");
    assert.match(missing.message, /none\.toml/);
    writeFileSync(join(home, "bad.toml"), new Uint8Array([0x61, 0xff, 0xfe]));
    const bad = await nodeErrorOf(bootIn(home, { configFile: join(home, "bad.toml") }));
    assert.match(bad.message, /bad\.toml: is not UTF-8/);
    assert.deepEqual(readdirSync(home), ["bad.toml"]);
  }));

test("run() refuses overrides whose subsystem this release does not have, by name", async () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["workerSocket", true],
    ["mcpListen", "127.0.0.1:1"],
    ["bootstrapPeers", ["x"]],
    ["colour", 1],
  ];
  for (const [name, value] of cases) {
    await assert.rejects(
      run({}, { [name]: value } as never),
      (thrown) => thrown instanceof TypeError && thrown.message.includes(name),
    );
  }
  await assert.rejects(run({}, { capacity: -1 }), RangeError);
});

test("run() takes the values that ask for nothing, a key, a capacity and a metrics listener", () =>
  withFolder(async (home) => {
    await using node = await bootIn(home, {
      key: new Uint8Array(32).fill(7),
      capacity: 0,
      metricsListen: "127.0.0.1:0",
      workerSocket: false,
      mcpListen: false,
      bootstrapPeers: [],
    });
    assert.equal(existsSync(join(home, "state/node.key")), false);
    assert.match(node.hid, /^skep_[0-9a-f]{64}$/);
    assert.equal((await ask(node)).status, 429);
    const metrics = await fetch(node.addresses["metrics"] ?? "");
    assert.match(await metrics.text(), /skep_/);
  }));

test("run() stops at its signal, before the node is ready and after", () =>
  withFolder(async (home) => {
    const reason = new Error("enough");
    await assert.rejects(bootIn(home, { signal: AbortSignal.abort(reason) }), reason);
    assert.deepEqual(readdirSync(home), []);
    const early = new AbortController();
    const slow: Service = {
      name: "slow",
      config: v.strictObject({}),
      needs: [],
      critical: true,
      run: (_config, host) => {
        early.abort(reason);
        return new Promise((resolve) => host.signal.addEventListener("abort", () => resolve()));
      },
    };
    await assert.rejects(bootIn(home, { signal: early.signal, services: [slow] }), reason);
    assert.equal(existsSync(join(home, "state/runtime.json")), false);
    const late = new AbortController();
    const node = await bootIn(home, { signal: late.signal });
    late.abort(reason);
    await node.closed;
    assert.equal(existsSync(join(home, "state/runtime.json")), false);
  }));

test("run() runs further services with a section of their own, and fails with a critical one", () =>
  withFolder(async (home) => {
    const failing = Promise.withResolvers<void>();
    const extra: Service<{ greeting: string }> = {
      name: "extra",
      config: v.strictObject({ greeting: v.optional(v.string(), "hello") }),
      needs: ["inference"],
      critical: true,
      run: async (config, host) => {
        const hello = defineCall({
          summary: "Greets.",
          params: v.strictObject({}),
          run: () => Promise.resolve(config.greeting),
        });
        await host.serve({ hello });
        host.ready();
        await failing.promise;
      },
    };
    const node = await bootIn(home, {
      services: [extra as Service],
      config: { extra: { greeting: "hi" } },
    });
    assert.equal(await node.call("extra", "hello"), "hi");
    await node.stop({ force: true });
    const bad = nodeErrorOf(bootIn(home, { services: [{ ...extra, run: fail } as Service] }));
    assert.equal((await bad).code, "service");
    assert.match((await bad).message, /Cannot start the services: .*no luck/);
    assert.equal(existsSync(join(home, "state/runtime.json")), false);
  }));

test("a node whose critical service fails for good stops by itself, and says so by closed", () =>
  withFolder(async (home) => {
    const real = realClock();
    const hasty: Clock = {
      ...real,
      after: (delayMs, fn) => real.after(delayMs / 100, fn),
      sleep: (delayMs, signal) => real.sleep(delayMs / 100, signal),
    };
    // Before the node runs, a failure for good is one of its start.
    const booted = Promise.withResolvers<void>();
    const doomed: Service = {
      name: "doomed",
      config: v.strictObject({}),
      needs: [],
      critical: true,
      run: async (_config, host) => {
        host.ready();
        await booted.promise;
        throw new RangeError("no luck");
      },
    };
    const node = await bootIn(home, { services: [doomed], clock: hasty });
    booted.resolve();
    const error = await nodeErrorOf(node.closed);
    assert.equal(error.code, "stopped-itself");
    assert.match(error.message, /Cannot keep the node running: .*no luck/);
    assert.equal(existsSync(join(home, "state/runtime.json")), false);
    await node.stop();
    await (await bootIn(home)).stop();
  }));

function fail(): Promise<void> {
  return Promise.reject(new RangeError("no luck"));
}

test("run() replaces a stale runtime.json and stale sockets, and says so in the log", () =>
  withFolder(async (home) => {
    await (await bootIn(home)).stop();
    const stale = {
      ...{ pid: 1, version, thrumVersion: "0.7.0", hid: "x", startedAtMs: 1, addresses: {} },
      sockets: join(home, "run"),
    };
    writeFileSync(join(home, "state/runtime.json"), JSON.stringify(stale));
    await leaveStaleSocket(join(home, "run/control/rpc.sock"));
    const lines: string[] = [];
    await using node = await bootIn(home, { log: { write: (line) => void lines.push(line) } });
    assert.equal((await ask(node)).status, 200);
    assert(lines.some((line) => line.includes("did not stop cleanly")));
    const info = JSON.parse(readFileSync(join(home, "state/runtime.json"), "utf8"));
    assert.equal(info.hid, node.hid);
  }));

/** A socket file that nobody listens at, as kill -9 leaves it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.live`, resolve));
  const { linkSync } = await import("node:fs");
  linkSync(`${path}.live`, path);
  await new Promise((resolve) => server.close(resolve));
  assert(existsSync(path));
}

test("run() works with a socket path of 200 bytes, and names the short one in the log", () =>
  withFolder(async (folder) => {
    const home = join(folder, "x".repeat(200));
    mkdirSync(home);
    const lines: string[] = [];
    const environment = environmentOf({ TMPDIR: folder });
    await using node = await bootIn(home, {
      environment,
      log: { write: (line) => void lines.push(line), form: "json" },
    });
    assert.equal((await ask(node)).status, 200);
    assert.match(node.directories.sockets, /skep-[0-9a-f]{16}$/);
    assert(lines.some((line) => line.includes(node.directories.sockets) && line.includes(home)));
  }));

test("run() refuses a socket directory that others may write, and a key that others may read", () =>
  withFolder(async (home) => {
    mkdirSync(join(home, "run"), { mode: 0o700 });
    const { chmodSync } = await import("node:fs");
    chmodSync(join(home, "run"), 0o777);
    const open = await nodeErrorOf(bootIn(home));
    assert.equal(open.code, "paths");
    assert.match(open.message, /chmod 700/);
    chmodSync(join(home, "run"), 0o700);
    writeFileSync(join(home, "state/node.key"), new Uint8Array(32), { mode: 0o644 });
    const key = await nodeErrorOf(bootIn(home));
    assert.equal(key.code, "identity");
    assert.match(key.message, /chmod 600/);
  }));

test("run() that fails for a service ends the others without force, and says why once", () =>
  withFolder(async (home) => {
    const lines: string[] = [];
    writeFileSync(join(home, "text.gguf"), "no model");
    const error = await nodeErrorOf(bootIn(home, {
      config: { inference: { model: join(home, "text.gguf") } },
      log: { form: "text", write: (line) => void lines.push(line) },
    }));
    assert.equal(error.code, "service");
    assert.equal(lines.filter((line) => line.includes("forced")).length, 0, lines.join(""));
    assert(!/\n\s+at /.test(lines.join("")), "no stack in text");
  }));

test("run() refuses a socket directory that somebody else was first to make", async () => {
  const disk = new ModelledDisk();
  disk.ownerId = 666;
  await disk.makeDirectory("/home/node/run");
  disk.ownerId = 1000;
  const options = { disk, network: new MemoryNetwork(), configFile: false } as const;
  const foreign = await nodeErrorOf(bootIn("/home/node", options));
  assert.equal(foreign.code, "paths");
  assert.match(foreign.message, /^Cannot use \/home\/node\/run for sockets .*owned by user 666$/);
  assert.deepEqual(await disk.list("/home/node/run"), [], "the probe is gone");
  const create = disk.operations.findLastIndex(({ kind, path }) =>
    kind === "open:create" && path.includes("/.owner-")
  );
  // Where permissions are enforced, as they are for everybody but root, it ends one step earlier.
  const again = new ModelledDisk();
  again.faults = [{ operation: create, code: "denied", moment: "before" }];
  again.ownerId = 666;
  await again.makeDirectory("/home/node/run");
  again.ownerId = 1000;
  const denied = await nodeErrorOf(bootIn("/home/node", { ...options, disk: again }));
  assert.equal(denied.message, foreign.message);
});

test("run() says in one sentence that the state directory is read-only", async () => {
  const disk = new ModelledDisk();
  disk.readOnly = true;
  const options = { disk, network: new MemoryNetwork(), configFile: false } as const;
  const error = await nodeErrorOf(bootIn("/home/node", options));
  assert.equal(error.code, "paths");
  assert.match(error.message, /read-only/);
});

test("run() lives on a modelled disk and a network in memory, and touches nothing else", async () => {
  const disk = new ModelledDisk();
  const network = new MemoryNetwork();
  const node = await bootIn("/home/node", { disk, network, configFile: false });
  const status = await node.call("control", "node.status") as { hid: string };
  assert.equal(status.hid, node.hid);
  assert.notEqual(await disk.stat("/home/node/state/runtime.json"), undefined);
  await node.stop();
  assert.equal(await disk.stat("/home/node/state/runtime.json"), undefined);
  assert.equal(existsSync("/home/node"), false);
});

test("refusePlatform() refuses Windows and an old Node by name", () => {
  const node = { runtime: "node", version: "24.0.0" } as const;
  refusePlatform({ platform: "linux", ...node });
  refusePlatform({ platform: "darwin", runtime: "deno", version: "2.9.6" });
  assert.throws(
    () => refusePlatform({ platform: "win32", ...node }),
    /Skep runs on Linux and macOS; Windows is not/,
  );
  assert.throws(
    () => refusePlatform({ platform: "linux", runtime: "node", version: "20.20.2" }),
    /Skep runs on Node 24 and later, and on Deno: this is Node 20\.20\.2/,
  );
});
