/**
 * iroh by itself and beside TCP. Where its native part is not installed these are skipped by name, and
 * `iroh_native_test.ts` tests what is said then.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Server } from "node:net";
import { test } from "node:test";
import { loadIroh } from "../../../src/mesh/libp2p/iroh_native.ts";
import { MeshError } from "../../../src/ports/mod.ts";
import type { MeshGate } from "../../../src/ports/mod.ts";
import {
  clock,
  collect,
  link,
  listenOptions,
  nextEvent,
  nodeAt,
  openGate,
  patience,
  streamBetween,
  withNodes,
} from "./_meshes.ts";

const skip = "missing" in loadIroh();
const alone = { tcp: false, iroh: true } as const;
const both = { iroh: true };

/** The port of the first address that fits. */
function portOf(addresses: readonly string[], pattern: RegExp): number {
  return Number(addresses.map((address) => pattern.exec(address)?.[1]).find(Boolean));
}

function isCode(code: MeshError["code"]): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof MeshError && thrown.code === code;
}

test(
  "iroh alone: frames both ways, a clean end, a reset, and a broken link",
  { skip },
  async () => {
    await withNodes([undefined, undefined], async (...nodes) => {
      const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
      assert.ok(
        a.addresses.length > 0 && a.addresses.every((address) => /\/iroh\/p2p\//.test(address)),
      );
      await link(a, b);
      assert.deepEqual(a.mesh.peers().map(({ transport }) => transport), ["iroh"]);
      const [near, far] = await streamBetween(a, b);
      const lengths = [0, 1, 16384, 300_000, 1024 * 1024];
      for (const [at, length] of lengths.entries()) {
        if (!near.send(new Uint8Array(length).fill(at + 1))) await near.drained();
      }
      await near.close();
      assert.deepEqual((await collect(far)).map((frame) => frame.length), lengths);
      far.send(Uint8Array.of(5));
      await far.close();
      assert.deepEqual(await collect(near), [Uint8Array.of(5)]);
      await Promise.all([near.closed, far.closed]);
      const [second, other] = await streamBetween(b, a);
      second.reset();
      await assert.rejects(collect(other), isCode("closed"));
      const [third] = await streamBetween(a, b);
      const closed = nextEvent(b.mesh, "closed");
      await a.mesh.disconnect(b.mesh.self);
      await closed;
      await assert.rejects(collect(third), isCode("closed"));
    }, alone);
  },
);

test(
  "iroh alone: a slow reader slows the sender down, and a big reply is not lost",
  { skip },
  async () => {
    await withNodes([undefined, undefined], async (...nodes) => {
      const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
      await link(a, b);
      const [near, far] = await streamBetween(a, b);
      const waiting = Symbol("waiting");
      let sent = 0;
      while (true) {
        sent++;
        assert.ok(sent < 256, `${sent} frames of 64 KiB were taken though nobody reads`);
        if (near.send(new Uint8Array(65536))) continue;
        const first = await Promise.race([near.drained(), clock.sleep(800).then(() => waiting)]);
        if (first === waiting) break;
      }
      void near.close();
      assert.equal((await collect(far)).length, sent);
    }, alone);
  },
);

test("the gate and the mesh's id are asked over iroh as over TCP", { skip }, async () => {
  const closed: MeshGate = { admits: () => false, allows: () => true };
  await withNodes([undefined, closed], async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    await assert.rejects(link(a, b), isCode("refused"));
    assert.ok(b.mesh.counters().refusedLinks >= 1);
    assert.deepEqual([a.mesh.peers(), b.mesh.peers()], [[], []]);
  }, alone);
  await withNodes([undefined], async (...nodes) => {
    await withNodes([undefined, undefined], async (...others) => {
      const [a, b] = [nodeAt(nodes, 0), nodeAt(others, 1)];
      await assert.rejects(link(a, b), (thrown) => thrown instanceof MeshError);
      assert.deepEqual(a.mesh.peers(), []);
    }, { ...alone, meshId: "ab".repeat(32) });
  }, alone);
});

test(
  "with both, they are one peer; TCP carries new streams, and iroh when TCP is gone",
  { skip },
  async () => {
    await withNodes([undefined, undefined], async (...nodes) => {
      const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
      const tcp = b.addresses.filter((address) => address.includes("/tcp/"));
      const iroh = b.addresses.filter((address) => address.includes("/iroh"));
      await link(a, { ...b, addresses: iroh });
      assert.deepEqual(a.mesh.peers().map(({ transport }) => transport), ["iroh"]);
      const [early] = await streamBetween(a, b);
      await link(a, { ...b, addresses: tcp });
      while (a.mesh.peers()[0]?.transport !== "tcp") await clock.sleep(20);
      assert.equal(a.mesh.peers().length, 1);
      const [late] = await streamBetween(a, b);
      assert.deepEqual([early.transport, late.transport], ["iroh", "tcp"]);
      const closed = nextEvent(b.mesh, "closed");
      await a.mesh.disconnect(b.mesh.self);
      assert.deepEqual(await closed, { kind: "closed", key: a.mesh.self });
      assert.deepEqual([a.mesh.peers(), b.mesh.peers()], [[], []]);
      await Promise.all([early.closed, late.closed]);
      const again = nextEvent(b.mesh, "connected");
      await a.mesh.dial(b.mesh.self, { addresses: b.addresses, signal: patience() });
      await again;
      assert.equal(a.mesh.peers()[0]?.transport, "tcp");
    }, both);
  },
);

/** A way to a local port by TCP that begins to carry bytes only after a while. */
async function slowWay(port: number, delayMs: number): Promise<Server> {
  const server = createServer((near) => {
    near.on("error", () => {});
    clock.sleep(delayMs).then(() => {
      const far = connect(port, "127.0.0.1");
      far.on("error", () => near.destroy());
      far.on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      near.pipe(far).pipe(near);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

test("a dial of both is by TCP on both sides, also where iroh is faster", { skip }, async () => {
  await withNodes([undefined, undefined], async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    const way = await slowWay(portOf(b.addresses, /\/tcp\/(\d+)/), 300);
    try {
      const place = way.address();
      assert.ok(place !== null && typeof place === "object");
      const iroh = b.addresses.filter((address) => address.includes("/iroh"));
      const connected = nextEvent(b.mesh, "connected");
      await link(a, { ...b, addresses: [...iroh, `/ip4/127.0.0.1/tcp/${place.port}`] });
      const event = await connected;
      assert.deepEqual([event.kind === "connected" && event.peer.transport], ["tcp"]);
      assert.equal(a.mesh.peers()[0]?.transport, "tcp");
      await a.mesh.disconnect(b.mesh.self);
    } finally {
      way.close();
    }
  }, both);
});

test("a dial of both is by iroh soon where TCP does not answer", { skip }, async () => {
  await withNodes([undefined, undefined], async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    const iroh = b.addresses.filter((address) => address.includes("/iroh"));
    await link(a, { ...b, addresses: ["/ip4/127.0.0.1/tcp/1", ...iroh] });
    assert.equal(a.mesh.peers()[0]?.transport, "iroh");
  }, both);
});

test("iroh takes a free port where the one asked for is taken", { skip }, async () => {
  const holder = createSocket("udp4");
  holder.bind(0, "127.0.0.1");
  await once(holder, "listening");
  const taken = holder.address().port;
  try {
    await withNodes([undefined], (...nodes) => {
      const { addresses, missing } = nodeAt(nodes, 0);
      assert.deepEqual(missing, []);
      assert.equal(portOf(addresses, /\/tcp\/(\d+)/), taken);
      assert.notEqual(portOf(addresses, /^\/ip4\/[^/]+\/udp\/(\d+)\/iroh/), taken);
      return Promise.resolve();
    }, { tcp: `127.0.0.1:${taken}`, iroh: true });
  } finally {
    holder.close();
  }
});

test("a mesh that was closed listens again at its port by TCP, and by iroh", { skip }, async () => {
  await withNodes([undefined], async (...nodes) => {
    const { mesh, addresses } = nodeAt(nodes, 0);
    const tcp = `127.0.0.1:${portOf(addresses, /\/tcp\/(\d+)/)}`;
    for (let time = 0; time < 2; time++) {
      await mesh.close();
      const again = await mesh.listen(listenOptions({ tcp, iroh: true }), openGate);
      assert.deepEqual(again.missing, []);
      assert.ok(again.addresses.some((address) => address.includes("/iroh")));
    }
  }, both);
});
