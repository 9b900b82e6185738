import assert from "node:assert/strict";
import { test } from "node:test";
import { Blake3, BLAKE3_GROUP_BYTES, encodeHex, OutboardBuilder } from "../../src/hot/mod.ts";
import { beginParts, fetchParts, PartFile, serveParts } from "../../src/parts/mod.ts";
import type { HeldModel } from "../../src/parts/mod.ts";
import { MeshError, realClock } from "../../src/ports/mod.ts";
import type { Clock, MeshGate, MeshNetwork, PeerKey } from "../../src/ports/mod.ts";
import { MeshMedium, ModelledDisk, SeededRandom } from "../../src/sim/mod.ts";

const open: MeshGate = { admits: () => true, allows: () => true };
/** The system's clock, whose timers of a link keep the test alive. */
const clock: Clock = {
  ...realClock(),
  after: (delayMs, fn) => {
    if (delayMs > 100) return realClock().after(delayMs, fn);
    const timer = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};
const groups = 400;
const bytes = new SeededRandom(3).fill(new Uint8Array(groups * BLAKE3_GROUP_BYTES - 77));
const { root, outboard } = treeOf(bytes);
const all = [{ first: 0, count: groups }];

function treeOf(content: Uint8Array): { root: string; outboard: Uint8Array } {
  const builder = new OutboardBuilder(new Blake3(), content.length);
  for (let at = 0; at < content.length; at += 4 << 20) {
    builder.add(content.subarray(at, at + (4 << 20)));
  }
  const tree = builder.finish();
  return { root: encodeHex(tree.root), outboard: tree.outboard };
}

interface Holding {
  /** What a reader gets; honest bytes by default. */
  readonly read?: (from: number, to: number) => Uint8Array;
  readonly outboard?: Uint8Array;
  readonly onRead?: () => void;
}

/** A mesh of a fetcher and of holders, linked. */
async function meshOf(holdings: readonly Holding[]): Promise<{
  readonly medium: MeshMedium;
  readonly mesh: MeshNetwork;
  readonly holders: readonly PeerKey[];
  readonly refused: string[];
}> {
  const medium = new MeshMedium({ clock, random: new SeededRandom(1), latencyMs: 0 });
  const mesh = medium.node("f".repeat(64));
  await mesh.listen({ tcp: false, iroh: false, meshId: mesh.self }, open);
  const holders: PeerKey[] = [];
  const refused: string[] = [];
  for (const [i, holding] of holdings.entries()) {
    const node = medium.node(String(i + 1).repeat(64).slice(0, 64));
    await node.listen({ tcp: false, iroh: false, meshId: mesh.self }, open);
    const meters = {
      served: (): void => {},
      refused: (_: PeerKey, code: string): void => void refused.push(code),
      failed: (_: PeerKey, cause: unknown): void => void refused.push(String(cause)),
    };
    const find = (asked: string): Promise<HeldModel | undefined> =>
      Promise.resolve(asked === root ? modelOf(holding) : undefined);
    serveParts({ mesh: node, models: { find }, meters });
    await mesh.dial(node.self, { addresses: [], signal: new AbortController().signal });
    holders.push(node.self);
  }
  return { medium, mesh, holders, refused };
}

function modelOf(holding: Holding): HeldModel {
  const { read = (from, to): Uint8Array => bytes.subarray(from, to) } = holding;
  return {
    name: "m",
    sizeBytes: bytes.length,
    outboard: () => Promise.resolve(holding.outboard ?? outboard),
    read: ({ first, count }) => {
      holding.onRead?.();
      const from = first * BLAKE3_GROUP_BYTES;
      const to = Math.min(bytes.length, from + count * BLAKE3_GROUP_BYTES);
      return Promise.resolve(read(from, to).slice());
    },
  };
}

const place = (disk: ModelledDisk): { disk: ModelledDisk; directory: string; root: string } => ({
  disk,
  directory: "/models/parts/m",
  root,
});

test("parts come from all holders, are the model's bytes, and nothing else is fetched", async () => {
  const asked = [0, 0];
  const { mesh, holders } = await meshOf([0, 1].map((i) => ({
    onRead: (): void => void (asked[i] = (asked[i] ?? 0) + 1),
  })));
  const disk = new ModelledDisk();
  const file = await beginParts(place(disk), { mesh, clock, holders });
  const wanted = [{ first: 3, count: 370 }, { first: 398, count: 2 }];
  let told: readonly number[] = [];
  await fetchParts(file, wanted, {
    mesh,
    clock,
    holders,
    onProgress: (...progress) => told = progress,
  });
  assert.equal(file.heldGroups, 372);
  assert(file.holds(wanted) && !file.holds(all));
  assert.equal(told[0], told[1]);
  assert((asked[0] ?? 0) > 0 && (asked[1] ?? 0) > 0, `both were asked: ${asked}`);
  const from = 398 * BLAKE3_GROUP_BYTES;
  assert.deepEqual(await file.read({ first: 398, count: 2 }), bytes.subarray(from));
  await assert.rejects(() => file.read({ first: 397, count: 2 }), { code: "not-held" });
  await file.close();
});

test("a full disk ends the fetch by its own name, blames no peer, and what has come stays", async () => {
  const { mesh, holders } = await meshOf([{}, {}]);
  const disk = new ModelledDisk();
  const file = await beginParts(place(disk), { mesh, clock, holders });
  disk.capacityBytes = 200 * BLAKE3_GROUP_BYTES;
  const bad: PeerKey[] = [];
  const onBadPeer = (peer: PeerKey): void => void bad.push(peer);
  await assert.rejects(() => fetchParts(file, all, { mesh, clock, holders, onBadPeer }), {
    name: "DiskError",
    code: "full",
  });
  assert.deepEqual(bad, []);
  disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  await fetchParts(file, all, { mesh, clock, holders });
  assert.deepEqual(await file.read({ first: 0, count: 32 }), bytes.subarray(0, 32 << 14));
  await file.close();
});

test("a wrong chunk costs that chunk, its sender is named, and the others give the rest", async () => {
  const liar = (from: number, to: number): Uint8Array => {
    const copy = bytes.slice(from, to);
    if (from > 0) copy[5] = (copy[5] ?? 0) ^ 1;
    return copy;
  };
  const { mesh, holders } = await meshOf([{ read: liar }, {}]);
  const file = await beginParts(place(new ModelledDisk()), { mesh, clock, holders });
  const bad: string[] = [];
  await fetchParts(file, all, {
    mesh,
    clock,
    holders,
    onBadPeer: (peer, why) => bad.push(`${peer.slice(0, 2)} ${(why as Error).message}`),
  });
  assert.equal(file.heldGroups, groups);
  assert.equal(bad.length, 1);
  assert.match(bad[0] ?? "", /^11 Cannot use what peer 1{12} sent for groups \d+ to \d+ of model/);
  assert.deepEqual(await file.read({ first: 0, count: 32 }), bytes.subarray(0, 32 << 14));
});

test("a false tree is not believed, whoever tells it", async () => {
  const other = treeOf(bytes.slice().fill(1)).outboard;
  const { mesh, holders } = await meshOf([{ outboard: other }]);
  const bad: string[] = [];
  await assert.rejects(
    () =>
      beginParts(place(new ModelledDisk()), {
        ...{ mesh, clock, holders },
        onBadPeer: (peer) => bad.push(peer),
      }),
    { name: "PartsError", code: "unavailable" },
  );
  assert.deepEqual(bad, holders);
});

test("when the last holder goes away the fetch says what is missing, and a later one resumes", async () => {
  let reads = 0;
  const crashing = { onRead: (): void => void (++reads === 2 && medium.crash(holders[0] ?? "")) };
  const { medium, mesh, holders } = await meshOf([crashing]);
  const disk = new ModelledDisk();
  const file = await beginParts(place(disk), { mesh, clock, holders });
  await assert.rejects(() => fetchParts(file, all, { mesh, clock, holders }), {
    message: /^Cannot fetch model [0-9a-f]{12} as nobody who is there gives \d+ of its groups/,
  });
  const before = file.heldGroups;
  assert(before < groups);
  await file.close();
  let later = 0;
  const again = await meshOf([{ onRead: (): void => void later++ }]);
  const resumed = await beginParts(place(disk), { mesh: again.mesh, clock, holders: [] });
  assert.equal(resumed.heldGroups, before);
  await fetchParts(resumed, all, { mesh: again.mesh, clock, holders: again.holders });
  assert.equal(resumed.heldGroups, groups);
  assert.equal(later, Math.ceil((groups - before) / 32));
});

test("a fetch that is killed had noted all but what came in the last second", async () => {
  let nowMs = 0;
  let reads = 0;
  const disk = new ModelledDisk();
  let killed: ModelledDisk | undefined;
  const onRead = (): void => {
    nowMs += 400;
    if (++reads === 12) killed = disk.crash(new SeededRandom(1));
  };
  const { mesh, holders } = await meshOf([{ onRead }]);
  const slow: Clock = { ...clock, monotonicMs: () => nowMs };
  const file = await beginParts(place(disk), { mesh, clock: slow, holders });
  await fetchParts(file, all, { mesh, clock: slow, holders }).catch(() => {});
  assert(killed !== undefined);
  const found = await PartFile.open(place(killed));
  // Of eleven chunks of 32 groups those under way, and of the last second, are lost.
  const held = found?.heldGroups ?? 0;
  assert(held >= 3 * 32 && held < groups, `${held}`);
});

test("a crash of the disk at any step keeps what was noted, and never notes what is not there", async () => {
  const { mesh, holders } = await meshOf([{}]);
  for (let seed = 0; seed < 10; seed++) {
    const disk = new ModelledDisk();
    const file = await beginParts(place(disk), { mesh, clock, holders });
    await fetchParts(file, [{ first: 0, count: 40 }], { mesh, clock, holders });
    await file.write({ first: 50, count: 1 }, bytes.subarray(50 << 14, 51 << 14));
    const after = disk.crash(new SeededRandom(seed));
    const found = await PartFile.open(place(after));
    assert(found !== undefined && found.heldGroups === 40, `seed ${seed}`);
    const read = await found.read({ first: 0, count: 32 });
    assert.deepEqual(read, bytes.subarray(0, 32 << 14), `seed ${seed}`);
  }
});

test("hostile frames are refused, counted, and end their stream; the server goes on", async () => {
  const { mesh, holders, refused } = await meshOf([{}]);
  const [holder = ""] = holders;
  const random = new SeededRandom(9);
  for (let i = 0; i < 200; i++) {
    const stream = await mesh.open(holder, "/skep/parts/1");
    stream.send(random.fill(new Uint8Array(random.below(64))));
    const answers: number[] = [];
    await assert.rejects(async () => {
      for await (const answer of stream.frames) answers.push(answer[0] ?? -1);
    }, { code: "closed" });
    assert(answers.length === 1 && answers[0] !== 0);
  }
  assert.equal(refused.filter((code) => code === "malformed").length, 200);
  const streams = [];
  for (let i = 0; i < 4; i++) streams.push(await mesh.open(holder, "/skep/parts/1"));
  await assert.rejects(() => mesh.open(holder, "/skep/parts/1"), (thrown) => {
    return thrown instanceof MeshError && thrown.code === "busy";
  });
  for (const stream of streams) stream.reset();
  const file = await beginParts(place(new ModelledDisk()), { mesh, clock, holders });
  await fetchParts(file, all, { mesh, clock, holders });
  assert.equal(file.heldGroups, groups);
});
