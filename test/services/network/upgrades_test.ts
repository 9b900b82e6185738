/** Goal: a member that is linked by iroh alone is dialled by TCP, and less and less often. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadIroh } from "../../../src/mesh/libp2p/iroh_native.ts";
import type { MeshPeer, MeshTransport } from "../../../src/ports/mod.ts";
import { Upgrades } from "../../../src/services/network/upgrades.ts";
import { VirtualClock } from "../../../src/sim/mod.ts";
import {
  clock,
  collect,
  link,
  nodeAt,
  patience,
  streamBetween,
  withNodes,
} from "../../mesh/libp2p/_meshes.ts";

const [tcp, iroh] = ["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/udp/1/iroh"] as const;

function peerBy(key: string, transport: MeshTransport): MeshPeer {
  return { key, transport, address: tcp, direction: "inbound", roundTripMs: undefined };
}

/** Upgrades over peers that a test changes. */
class World {
  readonly clock = new VirtualClock();
  readonly dials: { readonly key: string; readonly addresses: readonly string[] }[] = [];
  peers: readonly MeshPeer[] = [];
  readonly #upgrades = new Upgrades({
    clock: this.clock,
    mesh: {
      peers: () => this.peers,
      dial: (key, { addresses }) => {
        this.dials.push({ key, addresses });
        return Promise.resolve();
      },
    },
    members: () => new Set(["fast", "slow", "hidden"]),
    addressesOf: (key) => key === "hidden" ? [iroh] : [iroh, tcp],
  });

  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 250) {
      this.#upgrades.tick(new AbortController().signal);
      await this.clock.advance(250);
    }
  }
}

test("Upgrades dials by TCP who is linked by iroh, is a member and has an address", async () => {
  const world = new World();
  world.peers = [
    peerBy("fast", "tcp"),
    peerBy("slow", "iroh"),
    peerBy("guest", "iroh"),
    peerBy("hidden", "iroh"),
  ];
  await world.pass(1_000);
  assert.deepEqual(world.dials, [{ key: "slow", addresses: [tcp] }]);
});

test("Upgrades pauses longer after each attempt, and begins anew once TCP was there", async () => {
  const world = new World();
  world.peers = [peerBy("slow", "iroh")];
  await world.pass(600_000);
  const { length } = world.dials;
  assert.ok(length > 10 && length < 20, `${length} attempts`);
  world.peers = [peerBy("slow", "tcp")];
  await world.pass(250);
  world.peers = [peerBy("slow", "iroh")];
  await world.pass(1_000);
  assert.equal(world.dials.length, length + 1);
});

test(
  "Upgrades gets TCP beside a real link by iroh, whose streams go on",
  { skip: "missing" in loadIroh() },
  async () => {
    await withNodes([undefined, undefined], async (...nodes) => {
      const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
      await link(a, { ...b, addresses: b.addresses.filter((one) => one.includes("/iroh")) });
      const [early, far] = await streamBetween(a, b);
      assert.equal(early.transport, "iroh");
      const members = new Set([a.mesh.self, b.mesh.self]);
      // The side that was dialled knows addresses too.
      const upgrades = new Upgrades({
        clock,
        mesh: b.mesh,
        members: () => members,
        addressesOf: () => a.addresses,
      });
      const signal = patience(10_000);
      while ([a, b].some(({ mesh }) => mesh.peers()[0]?.transport !== "tcp")) {
        signal.throwIfAborted();
        upgrades.tick(signal);
        await clock.sleep(50);
      }
      const [late] = await streamBetween(a, b);
      assert.equal(late.transport, "tcp");
      early.send(Uint8Array.of(7));
      await early.close();
      assert.deepEqual(await collect(far), [Uint8Array.of(7)]);
    }, { iroh: true });
  },
);
