/** Goal: in a large mesh every member that is said to be there is looked for by some other one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../../../src/ports/mod.ts";
import { Dialler } from "../../../src/services/network/dialler.ts";
import { SeededRandom, VirtualClock } from "../../../src/sim/mod.ts";

/** A dialler of node 0 of 40 in the ring, of whom only `alive` are said to be there; nobody answers. */
function world(alive: ReadonlySet<string>): {
  readonly doubted: string[];
  readonly run: (ms: number) => Promise<void>;
} {
  const members = new Set(Array.from({ length: 40 }, (_, i) => `${100 + i}`));
  const clock = new VirtualClock();
  const doubted: string[] = [];
  const dialler = new Dialler({
    self: "100",
    mesh: {
      peers: () => [],
      dial: async (key) => {
        await clock.sleep(1_000);
        throw new MeshError({ code: "unreachable", message: `Cannot dial ${key}` });
      },
    },
    clock,
    random: new SeededRandom(1),
    linksMax: 32,
    members: () => members,
    isAlive: (key) => alive.has(key),
    isConnected: () => false,
    addressesOf: (key) => [`/memory/${key}`],
    onUnreachable: (key) => void doubted.push(key),
    onFailed: () => {},
  });
  const { signal } = new AbortController();
  return {
    doubted,
    run: async (ms): Promise<void> => {
      for (let past = 0; past < ms; past += 500) {
        dialler.tick(signal);
        await clock.advance(500);
      }
    },
  };
}

test("members that are said to be there and can't be dialled are doubted, however far in the ring", async () => {
  const alive = new Set(["110", "125", "139"]);
  const { doubted, run } = world(alive);
  await run(15_000);
  assert.deepEqual(doubted.toSorted(), [...alive], "each once, and none of those that are gone");
});

test("one that objects, and still can't be dialled, is doubted later and later", async () => {
  const { doubted, run } = world(new Set(["110"]));
  await run(60_000);
  assert.equal(doubted.length, 1);
  await run(60_000);
  assert.equal(doubted.length, 2, "after a minute, at its next attempt");
  await run(60_000);
  assert.equal(doubted.length, 2, "and not before two more");
  await run(90_000);
  assert.equal(doubted.length, 3);
});
