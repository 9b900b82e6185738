/**
 * Goal: who is there is known, over links that come and go: a departed node is gone from every view
 * within 5 s, what is wrong is ejected by name, and a mesh that was parted finds together again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHex } from "../../../src/hot/mod.ts";
import { helloFrame, parseHelloFrame } from "../../../src/mesh/hello.ts";
import { encodeRegistryFrame } from "../../../src/mesh/registry_frames.ts";
import { greetingFrame, noCapabilities } from "../../../src/mesh/mod.ts";
import type { Hello } from "../../../src/mesh/mod.ts";
import type { MeshGate, MeshNetwork, MeshStream } from "../../../src/ports/mod.ts";
import { identityOf, MeshWorld } from "./_mesh_world.ts";
import type { TestNode } from "./_mesh_world.ts";

const open: MeshGate = { admits: () => true, allows: () => true };

function first(nodes: readonly TestNode[]): TestNode {
  const [node] = nodes;
  assert(node !== undefined);
  return node;
}

for (const how of ["process", "machine"] as const) {
  test(`a ${how} that ends is gone from every view within 5 s, and is linked in none at once`, async () => {
    for (const seed of [1, 2, 3]) {
      const world = new MeshWorld({ seed });
      const nodes = await world.mesh(6);
      const victim = nodes[3];
      assert(victim !== undefined);
      const others = nodes.filter((node) => node !== victim);
      world.medium.crash(victim.key, how);
      // The medium notices a silent machine after a second; by then nobody may choose it.
      await world.clock.advance(1_300);
      for (const node of others) assert.notEqual((await node.states())[victim.key], "linked");
      await world.clock.advance(3_700);
      for (const node of others) {
        assert.equal((await node.states())[victim.key], "gone", `seed ${seed}`);
        assert.equal((await node.peers(false)).peers.some(({ key }) => key === victim.key), false);
        assert.equal((await node.linkedKeys()).length, 4);
      }
      await world.stop();
    }
  });
}

test("a node that stops says so, and is gone at once", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(4);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  await b.stop();
  await world.clock.advance(200);
  assert.equal((await a.states())[b.key], "gone");
  await world.stop();
});

test("a peer that hangs behind an open link is asked for through others, and given up", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(4);
  const [a, , , d] = nodes;
  assert(a !== undefined && d !== undefined);
  // It reads nothing and says nothing any more, but its links stay: its timers and reader stand still.
  await d.stop();
  const zombie = world.medium.node(d.key);
  await zombie.listen({ tcp: false, iroh: false, meshId: a.key }, open);
  zombie.handle("/skep/hello/1", (stream) => void answerHello(stream, { world, number: 4 }));
  await world.clock.advance(20_000);
  const states = await a.states();
  assert.notEqual(states[d.key], "linked", JSON.stringify(states));
  await world.stop();
});

/** Says a right hello and then nothing. */
async function answerHello(
  stream: MeshStream,
  about: {
    readonly world: MeshWorld;
    readonly number: number;
    readonly change?: Partial<Hello>;
    readonly mesh?: string;
  },
): Promise<string> {
  const { world, number, change = {} } = about;
  const identity = identityOf(number);
  const frames = stream.frames[Symbol.asyncIterator]();
  stream.send(greetingFrame({ versions: [1], nonce: "11".repeat(32) }));
  for (;;) {
    const { done, value } = await frames.next();
    if (done === true) return "ended";
    const frame = parseHelloFrame(value);
    if (frame.kind === "verdict") return frame.verdict.ok ? "taken" : frame.verdict.code;
    if (frame.kind !== "greeting") continue;
    const hello: Hello = {
      version: 1,
      key: encodeHex(identity.publicKey),
      to: stream.peer,
      nonce: frame.greeting.nonce,
      mesh: about.mesh ?? first(world.nodes).key,
      instance: "22".repeat(16),
      incarnation: world.clock.nowMs() + 1,
      sequence: 1,
      signedAtMs: world.clock.nowMs(),
      rosterVersion: 1,
      addresses: [],
      capabilities: noCapabilities,
      ...change,
    };
    stream.send(await helloFrame(hello, (purpose, bytes) => identity.sign(purpose, bytes)));
  }
}

async function helloOutcome(change: Partial<Hello>): Promise<string> {
  const world = new MeshWorld();
  const nodes = await world.mesh(2);
  const a = first(nodes);
  const b = nodes[1];
  assert(b !== undefined);
  await b.stop();
  const rogue = world.medium.node(b.key);
  await rogue.listen({ tcp: false, iroh: false, meshId: a.key }, open);
  const said = Promise.withResolvers<string>();
  rogue.handle("/skep/hello/1", (stream) => {
    answerHello(stream, { world, number: 2, change }).then(said.resolve, () => {});
  });
  const { signal } = new AbortController();
  await world.until(rogue.dial(a.key, { addresses: [], signal }));
  void (async (): Promise<void> => {
    const stream = await rogue.open(a.key, "/skep/hello/1");
    said.resolve(await answerHello(stream, { world, number: 2, change }));
  })();
  const outcome = await world.until(said.promise);
  await world.clock.advance(1_000);
  const { refusals } = await a.status();
  if (outcome !== "taken") {
    assert((refusals[outcome] ?? 0) >= 1, `${outcome} is counted: ${JSON.stringify(refusals)}`);
    assert.deepEqual(await a.linkedKeys(), []);
  }
  await world.stop();
  return outcome;
}

test("a hello that is replayed, misdirected, of another mesh or an hour off is ejected by name", async () => {
  assert.equal(await helloOutcome({}), "taken");
  assert.equal(await helloOutcome({ nonce: "33".repeat(32) }), "replayed");
  assert.equal(await helloOutcome({ to: "44".repeat(32) }), "wrong-receiver");
  assert.equal(await helloOutcome({ key: "55".repeat(32) }), "wrong-sender");
  assert.equal(await helloOutcome({ mesh: "66".repeat(32) }), "wrong-mesh");
  assert.equal(await helloOutcome({ version: 2 }), "version");
  assert.equal(await helloOutcome({ signedAtMs: 1_000 }), "clock-skew");
});

test("before its hello is verified a member may open nothing else", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(2);
  const a = first(nodes);
  const b = nodes[1];
  assert(b !== undefined);
  await b.stop();
  const rogue: MeshNetwork = world.medium.node(b.key);
  await rogue.listen({ tcp: false, iroh: false, meshId: a.key }, open);
  const { signal } = new AbortController();
  a.mesh.handle("/skep/stage/1", () => {});
  await world.until(rogue.dial(a.key, { addresses: [], signal }));
  await assert.rejects(world.until(rogue.open(a.key, "/skep/stage/1")), /does not serve that/);
  await world.clock.advance(10_000);
  assert(((await a.status()).refusals["hello-timeout"] ?? 0) >= 1, "it has been sent away");
  assert.deepEqual(await a.linkedKeys(), []);
  await world.stop();
});

test("a node whose clock is an hour off is refused, told why, and let in when it is right", async () => {
  const world = new MeshWorld();
  const a = await world.boot(1);
  const { ticket } = await a.invite();
  const b = await world.boot(2, { wallOffsetMs: 3_600_000 });
  await b.join(ticket);
  await world.clock.advance(5_000);
  assert.deepEqual(await a.linkedKeys(), []);
  const refusals = { ...(await a.status()).refusals, ...(await b.status()).refusals };
  assert((refusals["clock-skew"] ?? 0) >= 1, JSON.stringify(refusals));
  assert(b.events.some(({ detail = "" }) => /clocks differ by 3600 s/.test(detail)));
  const { disk } = b;
  await b.stop();
  const right = await world.boot(2, { disk, mesh: world.medium.node(b.key) });
  await world.clock.advance(70_000);
  assert.deepEqual(await a.linkedKeys(), [right.key]);
  await world.stop();
});

test("of two nodes with one key the one that is there stays, and the other is told", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(3);
  const a = first(nodes);
  const b = nodes[1];
  assert(b !== undefined);
  const outcome = Promise.withResolvers<string>();
  // A second life of the key says hello over the first one's link, as another process would.
  const stream = await world.until(b.mesh.open(a.key, "/skep/hello/1"));
  answerHello(stream, { world, number: 2 }).then(outcome.resolve, () => {});
  assert.equal(await world.until(outcome.promise), "duplicate-key");
  assert.equal((await a.status()).refusals["duplicate-key"], 1);
  await world.clock.advance(1_000);
  assert((await a.linkedKeys()).includes(b.key), "the first one is still linked");
  await world.stop();
});

test("releases with adjacent versions talk; others refuse politely and go on with the rest", async () => {
  const world = new MeshWorld();
  const a = await world.boot(1, { service: { versions: [1, 2] } });
  const b = await world.boot(2, { service: { versions: [2, 3] } });
  const c = await world.boot(3, { service: { versions: [3, 4] } });
  for (const node of [b, c]) await node.join((await a.invite()).ticket);
  await world.clock.advance(5_000);
  assert.deepEqual(await a.linkedKeys(), [b.key]);
  assert((await a.status()).refusals["version"] !== undefined || c.events.length > 0);
  const told = [...a.events, ...c.events].map(({ detail = "" }) => detail).join();
  assert.match(told, /speaks versions .* upgrade the older one/);
  await world.stop();
});

test("a linked peer that sends what is no frame, or too fast, loses its link; the rest goes on", async () => {
  for (const kind of ["malformed", "flood"] as const) {
    const world = new MeshWorld();
    const nodes = await world.mesh(3);
    const a = first(nodes);
    const b = nodes[1];
    assert(b !== undefined);
    await b.stop();
    const rogue = world.medium.node(b.key);
    await rogue.listen({ tcp: false, iroh: false, meshId: a.key }, open);
    const { signal } = new AbortController();
    await world.until(rogue.dial(a.key, { addresses: [], signal }));
    const stream = await world.until(rogue.open(a.key, "/skep/hello/1"));
    const frames = stream.frames[Symbol.asyncIterator]();
    assert.equal(
      await world.until(
        answerHello({ ...pick(stream), frames: { [Symbol.asyncIterator]: () => frames } }, {
          world,
          number: 2,
        }),
      ),
      "taken",
    );
    stream.send(greetingOk());
    await world.clock.advance(100);
    assert((await a.linkedKeys()).includes(b.key));
    const ping = encodeRegistryFrame({ kind: "ping", sequence: 1, views: [] });
    if (kind === "flood") { for (let i = 0; i < 5_000; i++) stream.send(ping); }
    else stream.send(Uint8Array.of(0x77, 1, 2, 3));
    await world.clock.advance(600);
    assert.equal((await a.status()).refusals[kind], 1);
    assert.equal((await a.linkedKeys()).length, 1, "the third node is not concerned");
    await world.stop();
  }
});

function greetingOk(): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ ok: true }));
  return Uint8Array.of(3, ...text);
}

function pick(stream: MeshStream): MeshStream {
  return {
    peer: stream.peer,
    protocol: stream.protocol,
    transport: stream.transport,
    send: (frame) => stream.send(frame),
    drained: () => stream.drained(),
    frames: stream.frames,
    close: () => stream.close(),
    reset: () => stream.reset(),
    closed: stream.closed,
  };
}

test("a mesh that was parted and healed is linked fully again, whoever called whom gone", async () => {
  for (const seed of [1, 2]) {
    const world = new MeshWorld({ seed, medium: { jitterMs: 5, loss: 0.01 } });
    const nodes = await world.mesh(6);
    const half = nodes.slice(0, 3).map(({ key }) => key);
    world.medium.partition([half]);
    await world.clock.advance(6_000);
    for (const node of nodes) assert.equal((await node.linkedKeys()).length, 2, node.key);
    world.medium.heal();
    await world.clock.advance(40_000);
    for (const node of nodes) assert.equal((await node.linkedKeys()).length, 5, node.key);
    await world.stop();
  }
});

test("a change of the roster reaches those who were away when it was made", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(3);
  const a = first(nodes);
  const [, b, c] = nodes;
  assert(b !== undefined && c !== undefined);
  world.medium.partition([[c.key]]);
  await world.clock.advance(5_000);
  await a.call("peers.trust", { key: b.key, trust: "own" });
  world.medium.heal();
  await world.clock.advance(40_000);
  const seen: { trust: string } | undefined = (await c.peers()).peers.find(({ key }) =>
    key === b.key
  );
  assert.equal(seen?.trust, "own");
  await world.stop();
});
