/**
 * The contract-test service: its methods use every member of `Host`, so that the same assertions can
 * be made of it in the main thread and in a worker. Also the registry that its worker imports.
 */
import process from "node:process";
import * as v from "valibot";
import { defineCall, defineStream, RpcError } from "../../src/kernel/mod.ts";
import type { CallContext, Host, Methods, Service } from "../../src/kernel/mod.ts";

/** The service under test. */
export const contract: Service = {
  name: "contract",
  config: v.unknown(),
  needs: ["helper"],
  critical: false,
  async run(config: unknown, host: Host): Promise<void> {
    host.log.info("starting", { config, apiKey: "hush" });
    await host.serve(contractMethods(host));
    host.announce("web", "http://127.0.0.1:1");
    host.ready();
    await new Promise((resolve) => host.signal.addEventListener("abort", resolve));
    host.log.info("drained");
    // Passing on the stop request is an end as asked.
    host.signal.throwIfAborted();
  },
};

/** What worker_main.ts asks for. */
export function loadService(name: string): Service {
  if (name === contract.name) return contract;
  throw new TypeError(`Cannot load service "${name}" as it is not in the test's registry`);
}

/** Its methods. */
export function contractMethods(host: Host): Methods {
  return {
    echo: defineCall({
      summary: "Gives back its parameters.",
      params: v.unknown(),
      run: (params) => Promise.resolve(params),
    }),
    add: defineCall({
      summary: "Adds two numbers.",
      params: v.object({ a: v.number(), b: v.number() }),
      run: ({ a, b }) => Promise.resolve(a + b),
    }),
    fail: defineCall({
      summary: "Fails as it is told.",
      params: v.picklist(["rpc", "plain"]),
      run: (how) => Promise.reject(failure(how)),
    }),
    wait: defineCall({
      summary: "Waits until the caller goes.",
      params: v.unknown(),
      run: (_params, { signal }) => waitForEnd(host, signal),
    }),
    count: defineStream({
      summary: "Counts, without end when no end is given.",
      params: v.object({ to: v.optional(v.number(), Infinity), failAt: v.optional(v.number()) }),
      run: (params, context) => count(host, params, context),
    }),
    probe: defineCall({
      summary: "Uses the members of the host and tells what they gave.",
      params: v.object({ directory: v.string() }),
      run: ({ directory }) => probe(host, directory),
    }),
    crash: defineCall({
      summary: "Ends the worker at once.",
      params: v.unknown(),
      run: () => process.exit(3),
    }),
  };
}

function failure(how: "rpc" | "plain"): Error {
  if (how === "plain") return new TypeError("a secret detail");
  return new RpcError({ kind: "busy", message: "Cannot do more", data: { waiting: 7 } });
}

async function waitForEnd(host: Host, signal: AbortSignal): Promise<void> {
  host.bus.publish("contract.waiting", {});
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  host.bus.publish("contract.cancelled", {});
}

async function* count(
  host: Host,
  params: { readonly to: number; readonly failAt?: number | undefined },
  { signal }: CallContext,
): AsyncGenerator<number, void, undefined> {
  let sent = 0;
  try {
    for (let i = 1; i <= params.to && !signal.aborted; i++) {
      if (i === params.failAt) throw failure("rpc");
      sent = i;
      yield i;
      await host.clock.sleep(0);
    }
  } finally {
    host.bus.publish("contract.ended", { sent, to: params.to });
  }
}

async function probe(host: Host, directory: string): Promise<Record<string, unknown>> {
  const helper = async (method: string, params: unknown): Promise<unknown> => {
    try {
      return await host.call("helper", method, params);
    } catch (error) {
      if (!(error instanceof RpcError)) return "not an RpcError";
      return { kind: error.kind, code: error.code, message: error.message, data: error.data };
    }
  };
  const streamed: unknown[] = [];
  for await (const item of host.stream("helper", "letters", {})) {
    streamed.push(item);
    if (streamed.length === 3) break;
  }
  host.metrics.counter({ name: "contract_total", help: "Counted.", labels: ["kind"] })
    .add(2, { kind: "a" });
  host.metrics.gauge({ name: "contract_gauge", help: "Set." }).set(5);
  host.metrics.histogram({ name: "contract_seconds", help: "Observed.", buckets: [1, 2] }).observe(
    1.5,
  );
  return {
    ...await ports(host, directory),
    directories: host.directories,
    journal: await host.journal.append({ chi: "c", rid: "r", body: { n: 1 } }),
    changed: await host.store.run("insert", [1, "x", null]),
    rows: await host.store.all("select", [2n, new Uint8Array([1, 2])]),
    helped: await helper("echo", { deep: [1, { two: new Uint8Array([3]) }] }),
    refused: await helper("refuse", {}),
    missing: await helper("missing", {}),
    streamed,
    bus: await bus(host),
    exposed: (await host.metrics.expose()).text.includes('skep_contract_total{kind="a"} 2'),
  };
}

async function ports(host: Host, directory: string): Promise<Record<string, unknown>> {
  const before = host.clock.monotonicMs();
  await host.clock.sleep(5);
  const slept = host.clock.monotonicMs() - before >= 4;
  const random = host.random.fill(new Uint8Array(16)).some((byte) => byte !== 0);
  const file = await host.disk.open(`${directory}/probe`, "create");
  await file.write(new TextEncoder().encode("abc"));
  await file.close();
  const size = (await host.disk.stat(`${directory}/probe`))?.sizeBytes;
  await host.disk.remove(`${directory}/probe`);
  const address = { kind: "unix", path: `${directory}/probe.sock` } as const;
  const listener = await host.network.listen(address, (stream) => stream.end("hello"));
  const stream = await host.network.dial(address);
  let heard = "";
  for await (const chunk of stream) heard += chunk;
  await listener.close();
  return { slept, random, size, heard, now: host.clock.nowMs() > 1_000_000_000_000 };
}

/** Publishes, subscribes with replay, and ends by the signal. */
async function bus(host: Host): Promise<unknown[]> {
  const end = new AbortController();
  for (const n of [1, 2, 3]) host.bus.publish("contract.bus", { n });
  const messages = host.bus.subscribe("contract.bus", { signal: end.signal, replay: 2 });
  host.bus.publish("contract.bus", { n: 4 });
  const seen: unknown[] = [];
  for await (const { topic, sequence, payload } of messages) {
    seen.push([topic, sequence, payload]);
    if (seen.length === 3) end.abort();
  }
  let refused = "published";
  try {
    host.bus.publish("contract.bus", { fn: (): void => {} });
  } catch (error) {
    refused = error instanceof Error ? error.name : "";
  }
  return [...seen, refused];
}
