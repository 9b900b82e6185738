/**
 * Determinism: a recorded trace of 1,000 outside events, replayed twice through the test ports,
 * gives the same inner trace byte for byte.
 *
 * The world is small but has all that could go astray: random work, timers, calls over calls, calls
 * over HTTP with latency, streams, files, messages, failures, back-off and restarts.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as v from "valibot";
import {
  createKernel,
  createLog,
  defineCall,
  defineStream,
  RpcError,
} from "../../src/kernel/mod.ts";
import type { Host, Kernel, Service } from "../../src/kernel/mod.ts";
import { MemoryNetwork, ModelledDisk, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";
import { callRpc } from "../../src/wire/mod.ts";
import { aborted, service, settle } from "./_world.ts";

/** Something that happens to the node from outside. */
type OutsideEvent =
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "call" | "http"; readonly service: string; readonly size: number }
  | { readonly kind: "stream"; readonly items: number }
  | { readonly kind: "publish"; readonly value: number }
  | { readonly kind: "break"; readonly service: string };

const names = ["front", "work", "files"] as const;

/** The recorded trace: 1,000 events drawn once from a seed. */
function record(seed: number): OutsideEvent[] {
  const random = new SeededRandom(seed);
  const draw = (): OutsideEvent => {
    const pick = random.below(100);
    if (pick < 40) return { kind: "advance", ms: random.below(400) };
    if (pick < 65) return { kind: "call", service: random.pick(names), size: random.below(9) };
    if (pick < 80) return { kind: "http", service: random.pick(names), size: random.below(9) };
    if (pick < 88) return { kind: "stream", items: random.below(6) };
    if (pick < 95) return { kind: "publish", value: random.below(1_000) };
    return { kind: "break", service: random.pick(names) };
  };
  return Array.from({ length: 1_000 }, draw);
}

function services(): Service[] {
  const params = v.object({ size: v.number() });
  const work = service("work", {
    run: (host) =>
      live(host, {
        go: defineCall({
          summary: "Works for a random time, and fails now and then.",
          params,
          run: async ({ size }, { signal }) => {
            const [delay = 0, luck = 0] = host.random.fill(new Uint8Array(2));
            await host.clock.sleep(delay * size, signal);
            if (luck < 30) throw new RpcError({ kind: "busy", message: `Cannot work: ${luck}` });
            return delay + size;
          },
        }),
        count: defineStream({
          summary: "Counts with pauses.",
          params,
          run: async function* ({ size }, { signal }): AsyncGenerator<number, void, undefined> {
            for (let i = 0; i < size; i++) {
              yield i;
              await host.clock.sleep(7, signal);
            }
          },
        }),
      }),
  });
  const files = service("files", {
    run: (host) =>
      live(host, {
        go: defineCall({
          summary: "Appends to a file.",
          params,
          run: async ({ size }) => {
            await host.disk.makeDirectory("/d");
            const file = await host.disk.open("/d/notes", "append");
            await file.write(host.random.fill(new Uint8Array(size)));
            if (size % 2 === 0) await file.sync();
            const length = await file.sizeBytes();
            await file.close();
            return length;
          },
        }),
      }),
  });
  const front = service("front", {
    needs: ["work", "files"],
    run: (host) =>
      live(host, {
        go: defineCall({
          summary: "Asks both others.",
          params,
          run: async ({ size }, { signal }) =>
            await Promise.all([
              host.call("work", "go", { size }, signal),
              host.call("files", "go", { size }, signal),
            ]),
        }),
      }),
  });
  return [front, work, files];
}

/** Serves, heeds the bus, and breaks when the bus says so. */
async function live(host: Host, methods: Parameters<Host["serve"]>[0]): Promise<void> {
  await host.serve(methods);
  host.ready();
  const broken = (async (): Promise<never> => {
    for await (const { payload } of host.bus.subscribe("break", { signal: host.signal })) {
      host.log.info("heard", { payload });
      const left = host.random.fill(new Uint8Array(1))[0] ?? 0;
      if (left % 3 === 0) throw new TypeError(`broken by ${payload} with ${left}`);
    }
    return await new Promise(() => {});
  })();
  await Promise.race([broken, aborted(host.signal)]);
}

/** Plays the events into a fresh world and gives all that was observed. */
async function play(events: readonly OutsideEvent[], seed: number): Promise<string> {
  const trace: string[] = [];
  const clock = new VirtualClock();
  const note = (text: string): void => void trace.push(`${clock.monotonicMs()} ${text}`);
  const disk = new ModelledDisk();
  const network = new MemoryNetwork({ clock, latencyMs: 3 });
  const kernel = createKernel({
    services: services().map((one) => ({ service: one, config: {} })),
    ...{ clock, disk, network, random: new SeededRandom(seed) },
    log: createLog({ clock, write: (line) => note(line.trimEnd()) }),
    directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: "/run" },
    version: "1.0.0",
    journalFor: () => ({ append: () => Promise.reject(new TypeError("none")) }),
    storeFor: () => ({
      run: () => Promise.reject(new TypeError("none")),
      all: () => Promise.reject(new TypeError("none")),
    }),
    limits: { restartsMax: 1_000, restartDelayMsMin: 50, restartDelayMsMax: 2_000 },
    onChange: ({ name, state, restarts }) => note(`${name} is ${state} after ${restarts}`),
  });
  await kernel.start();
  for (const [i, event] of events.entries()) {
    note(`event ${i} ${JSON.stringify(event)}`);
    await apply(event, { i, kernel, clock, network, note });
    await settle();
  }
  await clock.advance(10_000);
  const stopping = kernel.stop();
  await clock.advance(60_000);
  note(JSON.stringify(await stopping));
  note(JSON.stringify(kernel.status()));
  const { text } = await kernel.metrics.expose();
  for (const line of text.split("\n")) if (!line.includes("process_memory")) note(line);
  note(`disk ${(await disk.stat("/d/notes"))?.sizeBytes}`);
  return trace.join("\n");
}

interface Stage {
  readonly i: number;
  readonly kernel: Kernel;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly note: (text: string) => void;
}

async function apply(event: OutsideEvent, stage: Stage): Promise<void> {
  const { i, kernel, clock, network, note } = stage;
  const tell = (answer: Promise<unknown>): void =>
    void answer.then(
      (value) => note(`answer ${i} ${JSON.stringify(value)}`),
      (error) => note(`failure ${i} ${error.name} ${error.message}`),
    );
  if (event.kind === "advance") return await clock.advance(event.ms);
  if (event.kind === "publish") return kernel.bus.publish("talk", event.value);
  if (event.kind === "break") return kernel.bus.publish("break", event.service);
  if (event.kind === "stream") return tell(collect(kernel, event.items));
  const { size } = event;
  if (event.kind === "call") {
    return tell(kernel.call(event.service, "go", { params: { size } }));
  }
  const socketPath = `/run/${event.service}/rpc.sock`;
  tell(callRpc({ network, socketPath, method: "go", params: { size } }));
}

async function collect(kernel: Kernel, items: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const item of kernel.stream("work", "count", { params: { size: 6 } })) {
    if (seen.push(item) > items) break;
  }
  return seen;
}

test("a recorded trace of 1,000 events replays identically", async () => {
  const events = record(2026);
  assert.equal(events.length, 1_000);
  const [first, second] = [await play(events, 7), await play(events, 7)];
  assert.equal(first, second);
  // It was a lively trace: without these, equality would say little.
  const lines = first.split("\n");
  for (
    const [pattern, atLeast] of [
      [/ answer /, 200],
      [/ failure /, 50],
      [/ is backing-off /, 20],
      [/ is ready /, 20],
    ] as const
  ) {
    const found = lines.filter((line) => pattern.test(line)).length;
    assert.ok(found >= atLeast, `${pattern} only ${found} times in ${lines.length} lines`);
  }
  const other = await play(events, 8);
  assert.notEqual(digest(other), digest(first), "the seed makes no difference");
});

test("another recording gives another trace", async () => {
  const [one, two] = [record(1).slice(0, 100), record(2).slice(0, 100)];
  assert.notEqual(digest(await play(one, 7)), digest(await play(two, 7)));
});

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
