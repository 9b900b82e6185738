/** Goal: what a dialler remembers is of members alone, whoever else comes and goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../src/ports/mod.ts";
import { Dialler } from "../../../src/services/network/dialler.ts";
import { SeededRandom, VirtualClock } from "../../../src/sim/mod.ts";

const [self, peer] = ["aa".repeat(32), "bb".repeat(32)] as const;

/** A node that reaches nobody. */
class LonelyNode {
  readonly clock = new VirtualClock();
  readonly dialler: Dialler;
  members: ReadonlySet<string> = new Set([self]);
  dials = 0;

  constructor() {
    this.dialler = new Dialler({
      self,
      mesh: {
        peers: () => [],
        dial: () => {
          this.dials++;
          return Promise.reject(new MeshError({ code: "unreachable", message: "Nobody is there" }));
        },
      },
      clock: this.clock,
      random: new SeededRandom(1),
      linksMax: 8,
      members: () => this.members,
      isAlive: () => false,
      isConnected: () => false,
      addressesOf: () => ["/ip4/192.0.2.1/tcp/1"],
      onUnreachable: () => {},
      onFailed: () => {},
    });
  }

  /** Ticks for a while. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 50) {
      this.dialler.tick(new AbortController().signal);
      await this.clock.advance(50);
    }
  }
}

test("Dialler knows nothing of a guest that came and went before it was a member", async () => {
  const node = new LonelyNode();
  node.dialler.lost(peer);
  node.dialler.ask(peer);
  node.dialler.refused(peer);
  await node.pass(70_000);
  node.members = new Set([self, peer]);
  node.dialler.tick(new AbortController().signal);
  assert.equal(node.dials, 0, "the first dial waits a little, as ever");
  await node.pass(400);
  assert.ok(node.dials > 0, "and comes soon");
});

test("Dialler forgets a member with its place, and begins anew when it comes back", async () => {
  const node = new LonelyNode();
  node.members = new Set([self, peer]);
  await node.pass(60_000);
  assert.ok(node.dials > 3 && node.dials < 20, `${node.dials}`);
  node.dialler.refused(peer);
  node.members = new Set([self]);
  await node.pass(50);
  const { dials } = node;
  node.members = new Set([self, peer]);
  await node.pass(400);
  assert.ok(node.dials > dials, "neither the long pause nor the refusal is remembered");
});
