/** Workers that go wrong: no code, an exception nobody catches, deafness to the stop request. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inWorker, KernelError } from "../../src/kernel/mod.ts";
import type { ServiceStatus, WorkerPlacement } from "../../src/kernel/mod.ts";
import { realClock } from "../../src/ports/mod.ts";
import { service, world } from "./_world.ts";

/** A registry module whose service runs this body (with `host` and `config` in scope). */
function registry(body: string): string {
  const code = `export function loadService(name) {
    return { name, needs: [], critical: true, config: undefined,
      run: async (config, host) => { ${body} } };
  }`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function node(placement: WorkerPlacement): ReturnType<typeof world> {
  const placed = inWorker(service("odd", { critical: true }), placement);
  return world([placed], { clock: realClock(), limits: { restartsMax: 0 } });
}

async function startFailure(placement: WorkerPlacement): Promise<Error> {
  const { kernel } = node(placement);
  return await kernel.start().then(() => new TypeError("it started"), (error) => error);
}

test("a worker whose code is missing or broken is a start error that says so", async () => {
  const missing = await startFailure({ registry: "file:///no/such/registry.ts" });
  assert.match(missing.message, /no\/such\/registry/);
  const empty = await startFailure({ registry: "data:text/javascript,export{}" });
  assert.match(empty.message, /must export 'loadService'/);
  assert.match((await startFailure({})).message, /was told no registry/);
  const noEntry = await startFailure({ entry: new URL("file:///no/such/entry.js") });
  assert.ok(noEntry instanceof KernelError);
  assert.deepEqual([noEntry.code, noEntry.service], ["worker-died", "odd"]);
});

test("the failure of a service in a worker keeps its name, code and sentence", async () => {
  const body = `throw Object.assign(new RangeError("no room"), { code: "E_ROOM" });`;
  const error = await startFailure({ registry: registry(body) });
  assert.deepEqual([error.name, error.message, Reflect.get(error, "code")], [
    "RangeError",
    "no room",
    "E_ROOM",
  ]);
});

test("an exception that nobody catches in a worker is the failure of its service only", async () => {
  const body = `host.ready(); setTimeout(() => { throw new RangeError("out of the blue"); }, 20);
    await new Promise(() => {});`;
  const { kernel } = node({ registry: registry(body) });
  await kernel.start();
  const { error } = await kernel.finished;
  assert.ok(error instanceof KernelError && error.code === "worker-died");
  assert.match(error.message, /out of the blue/);
});

test("a stream and a call under way when their worker dies are unavailable, not internal", async () => {
  const body =
    `const params = { "~standard": { version: 1, vendor: "t", validate: (value) => ({ value }) } };
    await host.serve({
      items: { kind: "stream", summary: "Counts.", params, async *run() {
        yield 1;
        setTimeout(() => { throw new RangeError("out of the blue"); }, 20);
        await new Promise(() => {});
      } },
      waits: { kind: "call", summary: "Waits.", params, run: () => new Promise(() => {}) },
    });
    host.ready();
    await new Promise(() => {});`;
  const { kernel } = node({ registry: registry(body) });
  await kernel.start();
  const waiting = assert.rejects(kernel.call("odd", "waits"), { kind: "unavailable" });
  const items = kernel.stream("odd", "items")[Symbol.asyncIterator]();
  assert.equal((await items.next()).value, 1);
  await assert.rejects(items.next(), { kind: "unavailable" });
  await waiting;
  await kernel.finished;
});

test("a worker that is deaf to the stop request, even in an endless loop, is terminated", async () => {
  const deaf = `host.ready(); await new Promise((resolve) => setTimeout(resolve, 20)); for (;;);`;
  const { kernel } = node({ registry: registry(deaf), stopTimeoutMs: 100 });
  await kernel.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const outcome = await kernel.stop();
  assert.deepEqual(outcome, { error: undefined, overran: [] });
  const [status] = kernel.status() as [ServiceStatus];
  assert.equal(status.state, "stopped");
  assert.match(status.lastError ?? "", /did not end within 100 ms: it was terminated/);
});

test("a kernel refuses to place a service in a worker without being told its code", () => {
  const entry = { service: service("odd"), config: {}, placement: "worker" } as const;
  assert.throws(() => world([], { services: [entry] }), TypeError);
});
