import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../src/ports/mod.ts";
import type { MeshGate, MeshNetwork, MeshStream } from "../../src/ports/mod.ts";
import { MeshMedium, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";

const open: MeshGate = { admits: () => true, allows: () => true };
const signal = new AbortController().signal;
const keys = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, "0"));
const [a = "", b = "", c = ""] = keys;

interface Bench {
  readonly clock: VirtualClock;
  readonly medium: MeshMedium;
  readonly nodes: readonly MeshNetwork[];
}

async function bench(
  count: number,
  options: { loss?: number; gate?: MeshGate } = {},
): Promise<Bench> {
  const clock = new VirtualClock();
  const { loss = 0, gate = open } = options;
  const medium = new MeshMedium({ clock, random: new SeededRandom(7), latencyMs: 5, loss });
  const nodes = keys.slice(0, count).map((key) => medium.node(key));
  for (const node of nodes) await node.listen({ tcp: false, iroh: false, meshId: a }, gate);
  return { clock, medium, nodes };
}

async function link({ clock, nodes }: Bench): Promise<void> {
  const dialling = nodes.flatMap((node) =>
    nodes.filter(({ self }) => self !== node.self)
      .map(({ self }) => node.dial(self, { addresses: [], signal }))
  );
  await clock.advance(2000);
  await Promise.all(dialling);
}

/** A stream from the first node to the second, at both ends. */
async function streamOf({ clock, nodes }: Bench): Promise<readonly [MeshStream, MeshStream]> {
  const served = Promise.withResolvers<MeshStream>();
  nodes[1]?.handle("/p/1", served.resolve);
  const opening = nodes[0]?.open(b, "/p/1");
  await clock.advance(2000);
  return [await opening as MeshStream, await served.promise];
}

async function collect(stream: MeshStream, into: number[]): Promise<void> {
  for await (const frame of stream.frames) into.push(frame[0] ?? -1);
}

test("two nodes that dial each other at once have one link, and frames come in order", async () => {
  const it = await bench(2, { loss: 0.3 });
  await link(it);
  assert.equal(it.medium.linkCount, 1);
  const [near, far] = await streamOf(it);
  const got: number[] = [];
  const reading = collect(far, got);
  for (let i = 0; i < 100; i++) near.send(Uint8Array.of(i));
  await near.close();
  await it.clock.advance(5000);
  await reading;
  assert.deepEqual(got, Array.from({ length: 100 }, (_, i) => i));
});

test("a sender is asked to wait until the reader has read", async () => {
  const it = await bench(2);
  await link(it);
  const [near, far] = await streamOf(it);
  assert.equal(near.send(new Uint8Array(1024 * 1024)), false);
  let hasDrained = false;
  void near.drained().then(() => hasDrained = true);
  await it.clock.advance(100);
  assert.equal(hasDrained, false);
  void collect(far, []);
  await it.clock.advance(100);
  assert.equal(hasDrained, true);
});

test("the gate decides over links and streams, and refusals are counted", async () => {
  const gate: MeshGate = { admits: (key) => key !== c, allows: (_, name) => name !== "/p/1" };
  const it = await bench(3, { gate });
  const [first, second, third] = it.nodes;
  const refused = third?.dial(a, { addresses: [], signal });
  const linked = first?.dial(b, { addresses: [], signal });
  const checks = [
    assert.rejects(async () => await refused, { name: "MeshError", code: "refused" }),
    linked,
  ];
  await it.clock.advance(20);
  await Promise.all(checks);
  assert.equal(first?.counters().refusedLinks, 1);
  await assert.rejects(async () => await first?.open(b, "/p/1"), { code: "refused" });
  const opening = first?.open(b, "/nobody/1");
  const check = assert.rejects(async () => await opening, { code: "refused" });
  await it.clock.advance(20);
  await check;
  assert.equal(second?.counters().refusedStreams, 1);
});

test("frames wait out a short partition; a long one breaks the link on both sides", async () => {
  const it = await bench(2);
  await link(it);
  const events: string[] = [];
  void (async () => {
    for await (const event of it.nodes[1]?.events(signal) ?? []) events.push(event.kind);
  })();
  const [near, far] = await streamOf(it);
  const got: number[] = [];
  const reading = collect(far, got);
  it.medium.partition([[a]]);
  near.send(Uint8Array.of(1));
  await it.clock.advance(900);
  assert.deepEqual(got, []);
  it.medium.heal();
  await it.clock.advance(10);
  assert.deepEqual(got, [1]);
  it.medium.partition([[a]]);
  const broken = assert.rejects(() => reading, (thrown) => thrown instanceof MeshError);
  await it.clock.advance(1100);
  await broken;
  assert.throws(() => near.send(Uint8Array.of(2)), { code: "closed" });
  assert.deepEqual(it.nodes[0]?.peers(), []);
  assert.deepEqual(events, ["closed"]);
});

test("gossip reaches everybody once, and nobody across a partition", async () => {
  const it = await bench(40);
  await link(it);
  const heard = new Map<string, number>();
  for (const node of it.nodes) {
    void (async () => {
      for await (const message of node.subscribe("t", signal)) {
        assert.equal(message.from, a);
        heard.set(node.self, (heard.get(node.self) ?? 0) + 1);
      }
    })();
  }
  await it.nodes[0]?.publish("t", Uint8Array.of(1));
  await it.clock.advance(200);
  assert.equal(heard.size, 39);
  assert([...heard.values()].every((count) => count === 1));
  it.medium.partition([keys.slice(0, 2)]);
  await it.clock.advance(2000);
  await it.nodes[0]?.publish("t", Uint8Array.of(2));
  await it.clock.advance(200);
  assert.equal(heard.get(b), 2);
  assert.equal(heard.get(c), 1);
});

test("who provides is found while it lives, and a crashed node can come again", async () => {
  const it = await bench(3);
  await link(it);
  const key = new Uint8Array(32).fill(9);
  void it.nodes[1]?.provide(key, signal);
  await it.clock.advance(20);
  const finding = it.nodes[0]?.find(key, signal);
  await it.clock.advance(20);
  assert.deepEqual(await finding, [b]);
  it.medium.crash(b);
  await it.clock.advance(20);
  assert.deepEqual(it.nodes[0]?.peers().map((peer) => peer.key), [c]);
  const gone = it.nodes[0]?.find(key, signal);
  await it.clock.advance(20);
  assert.deepEqual(await gone, []);
  const again = it.medium.node(b);
  await again.listen({ tcp: false, iroh: false, meshId: a }, open);
  const dialling = again.dial(a, { addresses: [], signal });
  await it.clock.advance(20);
  await dialling;
  assert.equal(again.peers().length, 1);
});
