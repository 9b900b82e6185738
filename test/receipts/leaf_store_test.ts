/**
 * Goal: leaves of what was signed outlive the process and power cuts for a day, within their limits,
 * and are shown to who opened the session alone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHex, encodeHex } from "../../src/hot/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import { leafDirectory, LeafStore } from "../../src/receipts/mod.ts";
import type { LeafStoreOptions } from "../../src/receipts/mod.ts";
import { isInTree, openStageStatement, ReceiptWitness } from "../../src/receipts/mod.ts";
import { ModelledDisk, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";

const signer = identityFromSeed(new Uint8Array(32).fill(9));
const self = encodeHex(signer.publicKey);
const requester = "ab".repeat(32);
const directory = leafDirectory("/state");
const hourMs = 3600 * 1000;

/** A stage's process on a disk. */
class Stage {
  readonly disk: ModelledDisk;
  readonly clock: VirtualClock;
  readonly store: LeafStore;
  readonly witness: ReceiptWitness;
  readonly #options: Partial<LeafStoreOptions>;

  constructor(disk: ModelledDisk, clock: VirtualClock, options: Partial<LeafStoreOptions> = {}) {
    this.disk = disk;
    this.clock = clock;
    this.#options = options;
    this.store = new LeafStore({ disk, directory, clock, ...options });
    this.witness = new ReceiptWitness({ self, signer, clock, store: this.store });
  }

  /** The same, after its process has ended. */
  restarted(): Stage {
    return new Stage(this.disk.kill(), this.clock, this.#options);
  }

  /** Computes rows of a session, as they are the session's own. */
  compute(session: string, positions: number): void {
    const place = { peer: self, from: 0, to: 2, embedding: false, head: true };
    const parties = { requester, payer: requester, root: "cd".repeat(32) };
    const open = { session, ...parties, numericClass: "skep-q8a/1", stages: [place] };
    this.witness.opened({ open }, 0);
    const random = new SeededRandom(parseInt(session.slice(0, 8), 16));
    const rows = Float32Array.from({ length: 4 * positions }, () => random.below(1000));
    const range = { firstPosition: 0, positionCount: positions };
    this.witness.computed({ open, ...range, input: rows, tokens: undefined, output: rows });
    this.witness.headed({ open, ...range, logits: rows });
  }

  sign(session: string, to: number): Promise<string> {
    return this.witness.sign({ session, request: session.repeat(2), to }, requester);
  }

  leaves(session: string, end: number, peer = requester): Promise<Uint8Array> {
    const ask = { session, tree: "output", from: 0, to: end, end } as const;
    return this.witness.leaves(ask, peer).then(({ leaves, count, path }) => {
      const leaf = leaves.slice(0, 32);
      const root = this.roots.get(session);
      assert.ok(root === undefined || isInTree({ root, count, at: 0, leaf, path }));
      return leaves;
    });
  }

  /** Output roots that were signed. */
  readonly roots = new Map<string, Uint8Array>();

  /** Computes, signs and closes a session. */
  async answer(session: string, positions: number): Promise<void> {
    this.compute(session, positions);
    const { outputRoot } = openStageStatement(await this.sign(session, positions));
    this.roots.set(session, decodeHex(outputRoot));
    this.witness.closed(session);
  }
}

function id(number: number): string {
  return number.toString(16).padStart(32, "0");
}

const refused = { name: "ReceiptError", code: "refused" };

test("leaves of what was signed are shown after a restart, with their path, to who asked for the work", async () => {
  const stage = new Stage(new ModelledDisk(), new VirtualClock());
  await stage.answer(id(1), 40);
  const before = await stage.leaves(id(1), 40);
  stage.compute(id(2), 5);
  const after = stage.restarted();
  after.roots.set(id(1), stage.roots.get(id(1)) ?? new Uint8Array());
  assert.deepEqual(await after.leaves(id(1), 40), before);
  await assert.rejects(after.leaves(id(1), 40, "ef".repeat(32)), refused);
  await assert.rejects(after.leaves(id(1), 41), refused);
  // What was not signed for was not kept.
  await assert.rejects(after.leaves(id(2), 5), refused);
  // The same work is signed for once more, for the same request alone, and counted on.
  assert.equal(openStageStatement(await after.sign(id(1), 40)).serial, 2);
  const other = { session: id(1), request: "12".repeat(32), to: 40 };
  await assert.rejects(after.witness.sign(other, requester), refused);
});

test("each statement's leaves replace those before it", async () => {
  const stage = new Stage(new ModelledDisk(), new VirtualClock());
  stage.compute(id(1), 50);
  await stage.sign(id(1), 20);
  await stage.clock.advance(1000);
  await stage.sign(id(1), 50);
  assert.equal((await stage.disk.list(directory)).length, 1);
  const after = stage.restarted();
  assert.equal((await after.leaves(id(1), 50)).length, 32 * 50);
});

test("leaves go after a day, also those that nobody asks for", async () => {
  const stage = new Stage(new ModelledDisk(), new VirtualClock());
  await stage.answer(id(1), 3);
  await stage.clock.advance(23 * hourMs);
  await stage.answer(id(2), 3);
  assert.equal((await stage.restarted().leaves(id(1), 3)).length, 96);
  await stage.clock.advance(2 * hourMs);
  await assert.rejects(stage.leaves(id(1), 3), refused);
  await stage.answer(id(3), 3);
  const names = (await stage.disk.list(directory)).map((name) => name.slice(16, 48));
  assert.deepEqual(names, [id(2), id(3)]);
  assert.equal(stage.store.counters().evicted, 0);
});

test("at the limits of bytes and files the oldest go, and are counted; what is too long is not kept", async () => {
  for (const limit of [{ bytesMax: 6000 }, { filesMax: 2 }]) {
    const stage = new Stage(new ModelledDisk(), new VirtualClock(), limit);
    for (let i = 1; i <= 5; i++) {
      await stage.answer(id(i), 20);
      await stage.clock.advance(1);
    }
    const { files, bytes, evicted } = stage.store.counters();
    assert.deepEqual([files, evicted], [2, 3]);
    assert.ok(bytes <= 6000);
    const after = stage.restarted();
    await assert.rejects(after.leaves(id(3), 20), refused);
    assert.equal((await after.leaves(id(5), 20)).length, 640);
  }
  const stage = new Stage(new ModelledDisk(), new VirtualClock(), { bytesMax: 2000 });
  await stage.answer(id(1), 100);
  const { files, unkept } = stage.store.counters();
  assert.deepEqual([files, unkept], [0, 1]);
});

test("a full disk costs the leaves and no signature", async () => {
  const stage = new Stage(new ModelledDisk(), new VirtualClock());
  stage.disk.capacityBytes = 100;
  await stage.answer(id(1), 20);
  assert.equal(stage.store.counters().unkept, 1);
  assert.equal((await stage.leaves(id(1), 20)).length, 640);
  assert.deepEqual(await stage.disk.list(directory), []);
});

test("files that were changed, cut or lengthened are removed and counted, and others' are not shown", async () => {
  const stage = new Stage(new ModelledDisk(), new VirtualClock());
  for (let i = 1; i <= 3; i++) await stage.answer(id(i), 20);
  const damages: ((bytes: Uint8Array) => Uint8Array)[] = [
    (bytes) => bytes.map((byte, i) => i === 900 ? byte ^ 1 : byte),
    (bytes) => bytes.subarray(0, 500),
    () => new Uint8Array(3),
  ];
  for (const [i, name] of (await stage.disk.list(directory)).entries()) {
    const file = await stage.disk.open(`${directory}/${name}`, "update");
    const bytes = new Uint8Array(await file.sizeBytes());
    await file.read(bytes, 0);
    const damaged = damages[i]?.(bytes) ?? bytes;
    await file.truncate(0);
    await file.write(damaged, 0);
    await file.close();
  }
  const after = stage.restarted();
  for (let i = 1; i <= 3; i++) await assert.rejects(after.leaves(id(i), 20), refused);
  assert.equal(after.store.counters().damaged, 3);
  assert.deepEqual(await after.disk.list(directory), []);
});

test("no signature is given whose leaves a crash takes along, wherever it happens", async () => {
  const judged = await crashEverywhere({
    async prepare(disk): Promise<void> {
      await disk.makeDirectory("/state");
      await disk.syncDirectory("/");
    },
    notes: () => ({ signed: 0, roots: new Map<string, Uint8Array>() }),
    async work(disk, notes): Promise<void> {
      const clock = new VirtualClock();
      const stage = new Stage(disk, clock);
      stage.compute(id(1), 9);
      for (const to of [4, 9]) {
        await stage.sign(id(1), to);
        if (stage.store.counters().unkept === 0) notes.signed = to;
        await clock.advance(1);
      }
    },
    async check(disk, { notes: { signed }, where }): Promise<void> {
      const after = new Stage(disk, new VirtualClock());
      const found = await after.store.find(id(1));
      assert.ok((found?.record.output.end ?? 0) >= signed, where);
      assert.ok(found === undefined || found.record.output.end >= 4, where);
      // The next one is kept as ever.
      await after.answer(id(2), 3);
      assert.equal((await after.restarted().leaves(id(2), 3)).length, 96, where);
      assert.ok((await disk.list(directory)).length <= 2, where);
    },
    survivors: 4,
  });
  assert.ok(judged > 20, `${judged} survivors`);
});
