import assert from "node:assert/strict";
import { test } from "node:test";
import { createLibp2pMesh } from "../../../src/mesh/mod.ts";
import { MeshError, meshFrameBytesMax } from "../../../src/ports/mod.ts";
import type { MeshStream } from "../../../src/ports/mod.ts";
import { Wire } from "../../chaos/_wires.ts";
import {
  clock,
  collect,
  link,
  nextEvent,
  nodeAt,
  patience,
  seedOf,
  streamBetween,
  withNodes,
} from "./_meshes.ts";

const two = [undefined, undefined];

function isCode(code: MeshError["code"]): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof MeshError && thrown.code === code;
}

test("a mesh that does not listen loads nothing, has no peers, and says so", async () => {
  const mesh = createLibp2pMesh({ seed: seedOf(9), clock });
  assert.match(mesh.self, /^[0-9a-f]{64}$/);
  assert.deepEqual(mesh.peers(), []);
  await assert.rejects(mesh.open(mesh.self, "/x"), isCode("not-listening"));
  await assert.rejects(mesh.publish("x", new Uint8Array(1)), isCode("not-listening"));
  await mesh.close();
  await mesh.close();
});

test("listen() answers the same addresses again, and works again after close()", async () => {
  await withNodes([undefined], async (a) => {
    const { mesh, addresses } = nodeAt([a as never], 0);
    assert.equal(addresses.length, 1);
    assert.match(addresses[0] ?? "", /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/);
    const gate = { admits: () => true, allows: () => true };
    const options = { tcp: "127.0.0.1:0", iroh: false, meshId: mesh.self };
    assert.deepEqual((await mesh.listen(options, gate)).addresses, addresses);
    await mesh.close();
    assert.equal((await mesh.listen(options, gate)).addresses.length, 1);
  });
});

test("a link and its streams outlive the signal that it was dialled with", async () => {
  await withNodes(two, async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    const dialling = new AbortController();
    await a.mesh.dial(b.mesh.self, { addresses: b.addresses, signal: dialling.signal });
    const [near, far] = await streamBetween(a, b);
    dialling.abort();
    const reading = far.frames[Symbol.asyncIterator]();
    // A socket that obeys the signal is gone within a turn or two; twenty round trips take longer.
    for (let i = 0; i < 20; i++) {
      near.send(Uint8Array.of(i));
      assert.deepEqual([...(await reading.next()).value ?? []], [i]);
    }
    assert.equal(a.mesh.peers().length, 1);
    near.reset();
  });
});

test("frames of every length arrive whole, in order, both ways, and the end is clean", async () => {
  await withNodes(two, async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    await link(a, b);
    const [near, far] = await streamBetween(a, b);
    assert.equal(far.peer, a.mesh.self);
    const lengths = [0, 1, 4, 5, 16384, 262_140, meshFrameBytesMax - 1, meshFrameBytesMax, 0];
    const echo = (async () => {
      for await (const frame of far.frames) if (!far.send(frame)) await far.drained();
      await far.close();
    })();
    for (const [at, length] of lengths.entries()) {
      if (!near.send(new Uint8Array(length).fill(at + 1))) await near.drained();
    }
    await near.close();
    const frames = await collect(near);
    await echo;
    assert.deepEqual(frames.map((frame) => frame.length), lengths);
    assert.ok(frames.every((frame, at) => frame.every((byte) => byte === at + 1)));
    await Promise.all([near.closed, far.closed]);
    assert.throws(() => near.send(new Uint8Array(1)), isCode("closed"));
    assert.throws(() => near.send(new Uint8Array(meshFrameBytesMax + 1)), RangeError);
  });
});

test("a slow reader slows the sender down, and gets every byte", async () => {
  await withNodes(two, async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    await link(a, b);
    const [near, far] = await streamBetween(a, b);
    const frame = new Uint8Array(65536);
    const waiting = Symbol("waiting");
    let sent = 0;
    while (true) {
      sent++;
      // Nobody reads: what is on the way is bounded by the window and the buffers, some megabytes.
      assert.ok(sent < 256, `${sent} frames of 64 KiB were taken though nobody reads`);
      if (near.send(frame)) continue;
      const first = await Promise.race([near.drained(), clock.sleep(400).then(() => waiting)]);
      if (first === waiting) break;
    }
    void near.close();
    assert.equal((await collect(far)).length, sent);
  });
});

test("reset() ends both sides, and reading says that the stream is closed", async () => {
  await withNodes(two, async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    await link(a, b);
    const [near, far] = await streamBetween(a, b);
    const reading = collect(far);
    near.reset();
    await assert.rejects(reading, isCode("closed"));
    await Promise.all([near.closed, far.closed]);
    await assert.rejects(collect(near), isCode("closed"));
    await assert.rejects(far.drained(), isCode("closed"));
  });
});

test("disconnect() ends the links of both, and the streams over them", async () => {
  await withNodes(two, async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    const connected = nextEvent(b.mesh, "connected");
    await link(a, b);
    assert.deepEqual((await connected).kind, "connected");
    const [near, far] = await streamBetween(a, b);
    const reading = collect(far);
    const closed = nextEvent(b.mesh, "closed");
    await a.mesh.disconnect(b.mesh.self);
    assert.deepEqual(await closed, { kind: "closed", key: a.mesh.self });
    await assert.rejects(reading, isCode("closed"));
    await near.closed;
    assert.deepEqual([a.mesh.peers(), b.mesh.peers()], [[], []]);
    await assert.rejects(a.mesh.open(b.mesh.self, "/x"), isCode("unreachable"));
  });
});

test("two nodes that dial each other at once keep one link, the same on both sides", async () => {
  await withNodes([undefined, undefined], async (...nodes) => {
    const ends = [nodeAt(nodes, 0), nodeAt(nodes, 1)] as const;
    const wires = await Promise.all(
      ends.map(({ addresses }) => Wire.open(Number(/tcp\/(\d+)/.exec(addresses[0] ?? "")?.[1]))),
    );
    const dial = async (from: 0 | 1, to: 0 | 1): Promise<void> => {
      const addresses = [`/ip4/127.0.0.1/tcp/${wires[to]?.port}`];
      await ends[from].mesh.dial(ends[to].mesh.self, { addresses, signal: patience() });
    };
    await Promise.all([dial(0, 1), dial(1, 0)]);
    const count = (): number => wires.reduce((sum, wire) => sum + wire.count, 0);
    while (count() !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const isFirstSmaller = ends[0].mesh.self < ends[1].mesh.self;
    while (ends.some(({ mesh }) => mesh.peers().length !== 1)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(
      ends.map(({ mesh }) => mesh.peers()[0]?.direction),
      isFirstSmaller ? ["outbound", "inbound"] : ["inbound", "outbound"],
    );
    const [here, there] = await streamBetween(ends[0], ends[1]);
    here.send(Uint8Array.of(7));
    const { value } = await there.frames[Symbol.asyncIterator]().next();
    assert.deepEqual([...value ?? []], [7]);
    for (const wire of wires) wire.close();
  });
});

test("open() says whether the other side refuses, is busy, or does not serve", async () => {
  const gate = { admits: () => true, allows: (_: string, protocol: string) => protocol !== "/no" };
  await withNodes([undefined, gate], async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    const served: MeshStream[] = [];
    b.mesh.handle("/one", (stream) => served.push(stream), { streamsPerPeerMax: 1 });
    b.mesh.handle("/no", (stream) => served.push(stream));
    await link(a, b);
    const first = await a.mesh.open(b.mesh.self, "/one");
    await assert.rejects(a.mesh.open(b.mesh.self, "/one"), isCode("busy"));
    await assert.rejects(a.mesh.open(b.mesh.self, "/no"), isCode("refused"));
    await assert.rejects(a.mesh.open(b.mesh.self, "/none"), isCode("refused"));
    await assert.rejects(b.mesh.open(a.mesh.self, "/no"), isCode("refused"));
    assert.equal(b.mesh.counters().refusedStreams, 2);
    assert.equal(served.length, 1);
    first.reset();
    await served[0]?.closed;
    const again = await a.mesh.open(b.mesh.self, "/one");
    assert.equal(again.protocol, "/one");
  });
});

test("a link exists only where both gates admit it, and dial() says refused", async () => {
  const closed = { admits: () => false, allows: () => true };
  await withNodes([undefined, closed], async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    await assert.rejects(link(a, b), isCode("refused"));
    await assert.rejects(link(b, a), isCode("refused"));
    assert.ok(b.mesh.counters().refusedLinks >= 1);
    assert.deepEqual(a.mesh.peers(), []);
  });
});

test("dial() says unreachable where nobody is, and refused where another mesh is", async () => {
  await withNodes([undefined], async (...nodes) => {
    const a = nodeAt(nodes, 0);
    const other = createLibp2pMesh({ seed: seedOf(7), clock });
    const gate = { admits: () => true, allows: () => true };
    const { addresses } = await other.listen({
      tcp: "127.0.0.1:0",
      iroh: false,
      meshId: other.self,
    }, gate);
    try {
      await assert.rejects(link(a, { mesh: other, addresses }), isCode("refused"));
      const nobody = ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1/quic-v1", "nonsense"];
      const signal = patience();
      await assert.rejects(
        a.mesh.dial(other.self, { addresses: nobody, signal }),
        isCode("unreachable"),
      );
    } finally {
      await other.close();
    }
  });
});

test("a port that somebody has is said, leaves nothing behind, and another one does", async () => {
  await withNodes([undefined], async (...nodes) => {
    const taken = /\/tcp\/(\d+)/.exec(nodeAt(nodes, 0).addresses[0] ?? "")?.[1];
    const mesh = createLibp2pMesh({ seed: seedOf(2), clock });
    const gate = { admits: () => true, allows: () => true };
    const options = { iroh: true, meshId: mesh.self };
    try {
      await assert.rejects(
        mesh.listen({ ...options, tcp: `127.0.0.1:${taken}` }, gate),
        isCode("no-transport"),
      );
      await assert.rejects(mesh.listen({ ...options, tcp: "nowhere" }, gate), SyntaxError);
      assert.deepEqual(mesh.peers(), []);
      const { addresses } = await mesh.listen({ ...options, tcp: "127.0.0.1:0" }, gate);
      assert.ok(addresses.length >= 1);
    } finally {
      await mesh.close();
    }
  });
});
