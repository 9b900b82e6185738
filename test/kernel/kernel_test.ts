/** The kernel put together: services that call each other and are called at their sockets. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import * as v from "valibot";
import { defineCall, defineStream, KernelError, RpcError } from "../../src/kernel/mod.ts";
import type { Host } from "../../src/kernel/mod.ts";
import { realClock, realDisk, realNetwork } from "../../src/ports/mod.ts";
import { callRpc, RemoteCallError } from "../../src/wire/mod.ts";
import { aborted, service, settle, world } from "./_world.ts";

const add = defineCall({
  summary: "Adds two numbers.",
  params: v.object({ a: v.number(), b: v.number() }),
  run: ({ a, b }) => Promise.resolve(a + b),
});

const count = defineStream({
  summary: "Counts up to a number.",
  params: v.object({ to: v.number() }),
  async *run({ to }): AsyncGenerator<number, void, undefined> {
    for (let i = 1; i <= to; i++) yield await Promise.resolve(i);
  },
});

async function serving(host: Host): Promise<void> {
  await host.serve({ "math.add": add, "math.count": count });
  host.ready();
}

const socketPath = "/run/skep/math/rpc.sock";

test("a kernel serves a service's methods to others and at its socket", async () => {
  const { kernel, network } = world([service("math", { run: serving })]);
  await kernel.start();
  assert.equal(await kernel.call("math", "math.add", { params: { a: 1, b: 2 } }), 3);
  const items: unknown[] = [];
  for await (const item of kernel.stream("math", "math.count", { params: { to: 3 } })) {
    items.push(item);
  }
  assert.deepEqual(items, [1, 2, 3]);
  const call = { network, socketPath, method: "math.add" };
  assert.equal(await callRpc({ ...call, params: { a: 4, b: 5 } }), 9);
  assert.deepEqual(kernel.announcements(), [{ service: "math", name: "rpc", address: socketPath }]);
  const outcome = await kernel.stop();
  assert.deepEqual(outcome, { error: undefined, overran: [] });
  assert.deepEqual(kernel.announcements(), []);
  await assert.rejects(callRpc({ ...call, params: { a: 4, b: 5 } }), { name: "NetworkError" });
});

test("a call says every invalid parameter with its path", async () => {
  const { kernel, network } = world([service("math", { run: serving })]);
  await kernel.start();
  await assert.rejects(kernel.call("math", "math.add", { params: { a: "x" } }), (error) => {
    assert.ok(error instanceof RpcError);
    assert.equal(error.kind, "invalidParams");
    assert.match(error.message, /a: .*; b: /);
    return true;
  });
  await assert.rejects(
    callRpc({ network, socketPath, method: "math.add", params: {} }),
    (error) =>
      error instanceof RemoteCallError && error.code === -32602 && /b:/.test(error.message),
  );
  await assert.rejects(
    callRpc({ network, socketPath, method: "math.count", params: { to: 1 } }),
    (error) =>
      error instanceof RemoteCallError && error.code === -32601 && /stream/.test(error.message),
  );
  await kernel.stop();
});

test("a service is unavailable before its ready and after its stop, and an unknown one not found", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = service("slow", {
    async run(host: Host): Promise<void> {
      await host.serve({ "math.add": add });
      await gate.promise;
      host.ready();
    },
  });
  const { kernel } = world([slow]);
  const starting = kernel.start();
  await settle();
  const params = { a: 1, b: 1 };
  await assert.rejects(kernel.call("slow", "math.add", { params }), { kind: "unavailable" });
  gate.resolve();
  await starting;
  assert.equal(await kernel.call("slow", "math.add", { params }), 2);
  await assert.rejects(kernel.call("slow", "math.sub", { params }), { kind: "methodNotFound" });
  await assert.rejects(kernel.call("none", "math.sub", { params }), { kind: "notFound" });
  await kernel.stop();
  await assert.rejects(kernel.call("slow", "math.add", { params }), { kind: "unavailable" });
});

test("a stop lets running calls finish and lets no new ones in", async () => {
  const gate = Promise.withResolvers<string>();
  const hold = defineCall({ summary: "Waits.", params: v.unknown(), run: () => gate.promise });
  const holding = service("holding", {
    async run(host: Host): Promise<void> {
      await host.serve({ hold });
      host.ready();
    },
  });
  const { kernel, network } = world([holding]);
  await kernel.start();
  const socket = "/run/skep/holding/rpc.sock";
  const inside = kernel.call("holding", "hold");
  const outside = callRpc({ network, socketPath: socket, method: "hold" });
  await settle();
  const stopping = kernel.stop();
  await settle();
  await assert.rejects(kernel.call("holding", "hold"), { kind: "unavailable" });
  gate.resolve("done");
  assert.deepEqual(await Promise.all([inside, outside]), ["done", "done"]);
  assert.deepEqual((await stopping).overran, []);
});

test("a client that hangs up cancels its call", async () => {
  let cancelled = false;
  const hold = defineCall({
    summary: "Waits for the caller to go.",
    params: v.unknown(),
    async run(_params, { signal }): Promise<void> {
      await aborted(signal);
      cancelled = true;
    },
  });
  const holding = service("holding", {
    async run(host: Host): Promise<void> {
      await host.serve({ hold });
      host.ready();
    },
  });
  const { kernel, network } = world([holding]);
  await kernel.start();
  const gone = new AbortController();
  const call = { network, socketPath: "/run/skep/holding/rpc.sock", method: "hold" };
  const calling = callRpc({ ...call, signal: gone.signal });
  await settle();
  gone.abort();
  await assert.rejects(calling, { name: "AbortError" });
  await settle();
  assert.equal(cancelled, true);
  await kernel.stop();
});

test("two kernels in one process share no log, metric, message or method", async () => {
  const seen: string[] = [];
  const make = (word: string): ReturnType<typeof world> =>
    world([service("twin", {
      async run(host: Host): Promise<void> {
        host.metrics.counter({ name: `only_${word}_total`, help: "One." }).add();
        host.log.info(`hello from ${word}`);
        await host.serve({
          who: defineCall({
            summary: "Names it.",
            params: v.unknown(),
            run: () => Promise.resolve(word),
          }),
        });
        host.ready();
        void (async () => {
          const messages = host.bus.subscribe("t", { signal: host.signal });
          host.bus.publish("t", word);
          for await (const { payload, sequence } of messages) {
            seen.push(`${word}: ${payload} ${sequence}`);
          }
        })();
      },
    })]);
  const [left, right] = [make("left"), make("right")];
  await Promise.all([left.kernel.start(), right.kernel.start()]);
  await settle();
  assert.deepEqual(seen.sort(), ["left: left 1", "right: right 1"]);
  assert.equal(await left.kernel.call("twin", "who"), "left");
  assert.equal(await right.kernel.call("twin", "who"), "right");
  const [mine, theirs] = [await left.kernel.metrics.expose(), await right.kernel.metrics.expose()];
  assert.match(mine.text, /skep_only_left_total 1/);
  assert.doesNotMatch(theirs.text, /left/);
  assert.ok(left.lines.every((line) => !line.includes("right")));
  await left.kernel.stop();
  assert.equal(await right.kernel.call("twin", "who"), "right");
  await right.kernel.stop();
});

test("on real sockets: folder 0700, socket 0600, a dead one is replaced, a live one is not", async () => {
  const sockets = mkdtempSync(join(tmpdir(), "skep-"));
  const path = join(sockets, "math", "rpc.sock");
  const ports = {
    clock: realClock(),
    disk: realDisk(),
    network: realNetwork(),
    directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets },
  };
  const make = (): ReturnType<typeof world>["kernel"] =>
    world([service("math", { critical: true, run: serving })], ports).kernel;
  try {
    const first = make();
    await first.start();
    assert.equal(statSync(join(sockets, "math")).mode & 0o777, 0o700);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await assert.rejects(make().start(), (error) => {
      assert.ok(error instanceof KernelError && error.code === "socket-in-use");
      return error.message.includes(path);
    });
    const call = { network: realNetwork(), socketPath: path, method: "math.add" };
    assert.equal(await callRpc({ ...call, params: { a: 1, b: 1 } }), 2);
    await first.stop();
    leaveDeadSocket(path);
    const second = make();
    await second.start();
    assert.equal(await callRpc({ ...call, params: { a: 2, b: 1 } }), 3);
    await second.stop();
    writeFileSync(path, "not a socket");
    await assert.rejects(make().start(), { code: "socket-unsafe" });
    assert.equal(statSync(path).isFile(), true);
  } finally {
    rmSync(sockets, { recursive: true });
  }
});

/** What a killed process leaves: a socket file that nobody listens at. */
function leaveDeadSocket(path: string): void {
  const code = `const net = await import("node:net"); const process = await import("node:process");
    net.createServer().listen(${
    JSON.stringify(path)
  }, () => process.kill(process.pid, "SIGKILL"));`;
  const args = "Deno" in globalThis ? ["eval", code] : ["--input-type=module", "-e", code];
  spawnSync(process.execPath, args);
  assert.ok(statSync(path).isSocket());
}

test("a connection that is closed for its first byte is in the metrics", async () => {
  const { kernel, network } = world([
    service("door", { run: async (host) => (await host.serve({}), host.ready()) }),
  ]);
  await kernel.start();
  const stream = await network.dial({ kind: "unix", path: "/run/skep/door/rpc.sock" });
  stream.resume();
  stream.write(new Uint8Array([7]));
  await new Promise((resolve) => stream.once("close", resolve));
  const { text } = await kernel.metrics.expose();
  assert.match(text, /skep_rpc_connections_closed_total\{service="door",why="stranger"\} 1/);
  await kernel.stop();
});
