import assert from "node:assert/strict";
import { test } from "node:test";
import { createLibp2pMesh } from "../../../src/mesh/mod.ts";
import { gossipBytesMax } from "../../../src/ports/mod.ts";
import type { GossipMessage, MeshGate, MeshNetwork } from "../../../src/ports/mod.ts";
import {
  clock,
  link,
  listenOptions,
  nodeAt,
  openGate,
  patience,
  seedOf,
  withNodes,
} from "./_meshes.ts";

/** Publishes now and then until the other has heard: gossip promises no first message. */
async function heard(
  publisher: MeshNetwork,
  messages: AsyncIterable<GossipMessage>,
): Promise<GossipMessage> {
  const controller = new AbortController();
  const publishing = (async () => {
    for (let number = 0; !controller.signal.aborted; number++) {
      await publisher.publish("t", Uint8Array.of(number));
      await clock.sleep(30);
    }
  })();
  try {
    for await (const message of messages) return message;
    throw new RangeError("Nothing was heard in time");
  } finally {
    controller.abort();
    await publishing;
  }
}

/** A gate whose answer for gossip and finding can be changed. */
function switchGate(): MeshGate & { isOpen: boolean } {
  const gate = {
    isOpen: false,
    admits: (): boolean => true,
    allows: (_: string, protocol: string): boolean =>
      gate.isOpen || !["gossip", "find"].includes(protocol),
  };
  return gate;
}

test("a message reaches all that subscribe, through others, with its author", async () => {
  await withNodes([undefined, undefined, undefined], async (...nodes) => {
    const [a, b, c] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)];
    const signal = patience();
    const inC = c.mesh.subscribe("t", signal);
    void b.mesh.subscribe("t", signal);
    await link(a, b);
    await link(b, c);
    const message = await heard(a.mesh, inC);
    assert.equal(message.from, a.mesh.self);
    assert.equal(message.topic, "t");
  });
});

test("a topic may be followed before listen(), and its queue drops the oldest", async () => {
  const b = createLibp2pMesh({ seed: seedOf(2), clock });
  const controller = new AbortController();
  const messages = b.subscribe("t", controller.signal);
  const { addresses } = await b.listen(listenOptions(), openGate);
  try {
    await withNodes([undefined], async (...nodes) => {
      const a = nodeAt(nodes, 0);
      await link(a, { mesh: b, addresses });
      await heard(a.mesh, b.subscribe("t", patience()));
      while (b.counters().droppedGossip === 0) {
        await a.mesh.publish("t", new Uint8Array(8).fill(b.counters().droppedGossip));
        await clock.sleep(1);
      }
      let count = 0;
      controller.abort();
      for await (const _ of messages) count++;
      assert.equal(count, 0);
      await assert.rejects(a.mesh.publish("t", new Uint8Array(gossipBytesMax + 1)), RangeError);
      await assert.rejects(a.mesh.publish("", new Uint8Array(1)), RangeError);
    });
  } finally {
    await b.close();
  }
});

for (const late of ["both", "one"]) {
  test(`gossip begins when ${late} of the gates begin to allow it, and ends again`, async () => {
    const gates = [switchGate(), switchGate()] as const;
    if (late === "one") gates[0].isOpen = true;
    await withNodes(gates, async (...nodes) => {
      const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
      const controller = new AbortController();
      const got: GossipMessage[] = [];
      const early = (async () => {
        for await (const message of b.mesh.subscribe("t", controller.signal)) got.push(message);
      })();
      await link(a, b);
      for (let count = 0; count < 20; count++) {
        await a.mesh.publish("t", Uint8Array.of(1));
        await clock.sleep(20);
      }
      assert.deepEqual(got, [], "nothing is heard before the gate allows");
      gates[0].isOpen = gates[1].isOpen = true;
      a.mesh.gateChanged(b.mesh.self);
      b.mesh.gateChanged(a.mesh.self);
      const message = await heard(a.mesh, b.mesh.subscribe("t", patience()));
      assert.equal(message.from, a.mesh.self);
      gates[1].isOpen = false;
      b.mesh.gateChanged(a.mesh.self);
      await clock.sleep(100);
      got.length = 0;
      for (let count = 0; count < 20; count++) {
        await a.mesh.publish("t", Uint8Array.of(2));
        await clock.sleep(10);
      }
      assert.deepEqual(got, [], "nothing is heard after the gate allows no more");
      controller.abort();
      await early;
    });
  });
}

test("messages of an author that is not admitted are dropped and counted, whoever passes them", async () => {
  const [one] = [createLibp2pMesh({ seed: seedOf(1), clock }).self];
  const gate: MeshGate = { admits: (key) => key !== one, allows: () => true };
  await withNodes([undefined, undefined, gate], async (...nodes) => {
    const [a, b, c] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)];
    const signal = patience();
    const got: string[] = [];
    void (async () => {
      for await (const { from } of c.mesh.subscribe("t", signal)) got.push(from);
    })();
    void b.mesh.subscribe("t", signal);
    await link(a, b);
    await link(b, c);
    await heard(b.mesh, c.mesh.subscribe("t", signal));
    const before = c.mesh.counters().droppedGossip;
    while (c.mesh.counters().droppedGossip === before) {
      await a.mesh.publish("t", crypto.getRandomValues(new Uint8Array(8)));
      await clock.sleep(20);
    }
    assert.ok(got.length > 0 && got.every((from) => from === b.mesh.self));
  });
});

test("find() names the holders that provide() told of, not oneself, and not where it is not allowed", async () => {
  const gates = [undefined, undefined, switchGate()];
  await withNodes(gates, async (...nodes) => {
    const [a, b, c] = [nodeAt(nodes, 0), nodeAt(nodes, 1), nodeAt(nodes, 2)];
    await link(a, b);
    await link(c, b);
    const key = new Uint8Array(32).fill(42);
    const signal = patience();
    let found: readonly string[] = [];
    while (found.length === 0) {
      await b.mesh.provide(key, signal);
      found = await a.mesh.find(key, signal);
    }
    assert.deepEqual(found, [b.mesh.self]);
    assert.deepEqual(await b.mesh.find(key, signal), []);
    assert.deepEqual(await c.mesh.find(key, signal), []);
    assert.deepEqual(await a.mesh.find(new Uint8Array(32), signal), []);
    await assert.rejects(a.mesh.find(new Uint8Array(31), signal), RangeError);
  });
});
