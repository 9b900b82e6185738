/**
 * A peer that holds a key of the mesh and does not keep to the protocols: a libp2p node by itself, which
 * opens streams to a mesh node and writes what it likes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { makeNode } from "../../../src/mesh/libp2p/node.ts";
import { PROBE_PROTOCOL } from "../../../src/mesh/libp2p/prober.ts";
import { createLibp2pMesh } from "../../../src/mesh/mod.ts";
import { MeshError } from "../../../src/ports/mod.ts";
import type { MeshGate, MeshStream } from "../../../src/ports/mod.ts";
import { clock, collect, listenOptions, nextEvent, nodeAt, seedOf, withNodes } from "./_meshes.ts";
import type { Node } from "./_meshes.ts";

const HOSTILE = 99;

function isCode(code: MeshError["code"]): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof MeshError && thrown.code === code;
}

/** A mesh node, and a connection to it from a node that has none of our code above libp2p. */
async function withHostile(
  gate: MeshGate | undefined,
  use: (victim: Node, connection: Connection, libp2p: Libp2p) => Promise<void>,
): Promise<void> {
  await withNodes([gate], async (...nodes) => {
    const victim = nodeAt(nodes, 0);
    const { libp2p, registrar } = await makeNode({
      seed: seedOf(HOSTILE),
      meshId: listenOptions().meshId,
      listen: [],
      gater: {},
      gossipRegistrar: (inner) => inner,
      findRegistrar: (inner) => inner,
      mayFind: () => true,
      roundTripOf: () => 1,
      transports: [],
    });
    await libp2p.start();
    // It answers probes, or its link would not last; each is a copy with another first byte.
    await registrar.handle(PROBE_PROTOCOL, (stream: Stream) => {
      stream.addEventListener("message", ({ data }) => {
        const bytes = data.subarray().slice();
        bytes[0] = 2;
        if (stream.writeStatus === "writable") stream.send(bytes);
      });
    });
    try {
      const connected = nextEvent(victim.mesh, "connected");
      const connection = await libp2p.dial(multiaddr(victim.addresses[0] ?? ""));
      await connected;
      await use(victim, connection, libp2p);
    } finally {
      await libp2p.stop();
    }
  });
}

function served(victim: Node, protocol: string): Promise<MeshStream> {
  return new Promise((resolve) => victim.mesh.handle(protocol, resolve));
}

const wrongHeaders = [[0, 16, 0, 1], [127, 255, 255, 255], [255, 255, 255, 255]];

for (const header of wrongHeaders) {
  test(`a frame's length of ${header} is refused as too long, and the stream reset`, async () => {
    await withHostile(undefined, async (victim, connection) => {
      const serving = served(victim, "/p");
      const stream = await connection.newStream("/p");
      const framed = await serving;
      stream.send(Uint8Array.of(0, 0, 0, 1, 7));
      stream.send(Uint8Array.from([...header, 1, 2, 3]));
      const frames = framed.frames[Symbol.asyncIterator]();
      assert.deepEqual((await frames.next()).value, Uint8Array.of(7));
      await assert.rejects(frames.next(), isCode("too-long"));
      await framed.closed;
      assert.equal(victim.mesh.peers().length, 1, "the rest goes on");
    });
  });
}

test("an end within a frame is no clean end", async () => {
  await withHostile(undefined, async (victim, connection) => {
    for (const cut of [[0, 0], [0, 0, 0, 9, 1, 2]]) {
      const serving = served(victim, `/cut/${cut.length}`);
      const stream = await connection.newStream(`/cut/${cut.length}`);
      stream.send(Uint8Array.from(cut));
      await stream.close();
      await assert.rejects(collect(await serving), isCode("closed"));
    }
  });
});

test("streams of refused protocols are reset and counted, and a guest has one protocol alone", async () => {
  const gate: MeshGate = {
    admits: () => true,
    allows: (_, protocol) => protocol === "/skep/join/1",
  };
  await withHostile(gate, async (victim, connection) => {
    for (const protocol of ["/skep/join/1", "/skep/stage/1"]) {
      victim.mesh.handle(protocol, () => {});
    }
    const join = await connection.newStream("/skep/join/1");
    const before = victim.mesh.counters().refusedStreams;
    const protocols = ["/skep/stage/1", "/meshsub/1.2.0", "/skep/kad/1.0.0"];
    for (const protocol of protocols) {
      const stream = await connection.newStream(protocol);
      const closed = new Promise((resolve) => stream.addEventListener("close", resolve));
      if (stream.status === "open") await closed;
    }
    assert.ok(victim.mesh.counters().refusedStreams - before >= protocols.length);
    assert.equal(join.status, "open");
  });
});

test("probes that make no sense, or too many, end the link", async () => {
  for (const flood of [false, true]) {
    await withHostile(undefined, async (victim, connection) => {
      const closed = nextEvent(victim.mesh, "closed");
      const stream = await connection.newStream(PROBE_PROTOCOL);
      const probe = Uint8Array.of(flood ? 1 : 7, 0, 0, 0, 1);
      for (let count = 0; count < 200; count++) {
        if (stream.writeStatus === "writable") stream.send(probe);
      }
      await closed;
    });
  }
});

test("hundreds of streams are held to the limit of the protocol, and to that of the link", async () => {
  await withHostile(undefined, async (victim, connection) => {
    let count = 0;
    victim.mesh.handle("/p", () => count++, { streamsPerPeerMax: 8 });
    const opening = Array.from({ length: 300 }, () =>
      connection.newStream("/p", {
        maxOutboundStreams: 1000,
      }).catch(() => undefined));
    await Promise.all(opening);
    while (victim.mesh.counters().refusedStreams < 292) await clock.sleep(20);
    assert.equal(count, 8);
    assert.equal(victim.mesh.peers().length, 1);
  });
});

test("a fifth link of one peer is refused", async () => {
  await withHostile(undefined, async (victim, _, libp2p) => {
    const target = multiaddr(victim.addresses[0] ?? "");
    const before = victim.mesh.counters().refusedLinks;
    for (let count = 0; count < 6; count++) {
      await libp2p.dial(target, { force: true }).catch(() => {});
    }
    while (victim.mesh.counters().refusedLinks - before < 3) await clock.sleep(20);
    assert.equal(victim.mesh.peers().length, 1);
  });
});

test("nodes with one key do not dial themselves, and others see one peer", async () => {
  await withNodes([undefined], async (...nodes) => {
    const a = nodeAt(nodes, 0);
    const twin = createLibp2pMesh({ seed: seedOf(1), clock });
    try {
      await twin.listen(listenOptions(), { admits: () => true, allows: () => true });
      await assert.rejects(
        twin.dial(a.mesh.self, { addresses: a.addresses, signal: AbortSignal.timeout(4000) }),
        (thrown) => thrown instanceof MeshError,
      );
      assert.deepEqual(twin.peers(), []);
    } finally {
      await twin.close();
    }
  });
});
