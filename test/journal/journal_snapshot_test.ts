/** Snapshots, heads and proofs of an open journal: when they are written, what they hold, what recovers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHex, encodeHex } from "../../src/hot/mod.ts";
import {
  isConsistent,
  isHeadOf,
  isIncluded,
  readJournal,
  TreeEdge,
} from "../../src/journal/mod.ts";
import type { Journal, JournalEvent } from "../../src/journal/mod.ts";
import { sealBatch } from "../../src/journal/_chain.ts";
import { ModelledDisk, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";
import {
  dayAfter,
  dayBefore,
  directory,
  identity,
  midnightMs,
  open,
  replace,
  stranger,
  textOf,
  verifyDisk,
} from "./_journals.ts";

const draft = { chi: "test", rid: "r", body: {} };

async function appendTo(journal: Journal, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await journal.append({ ...draft, body: { i } });
}

async function eventsOf(disk: ModelledDisk): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  for await (const event of readJournal({ disk, directory }).range()) events.push(event);
  return events;
}

const chis = (events: readonly JournalEvent[]): string[] => events.map(({ chi }) => chi);

test("a snapshot follows so many events, and its root is that of the events before it", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk, { snapshotEvents: 3 });
  await appendTo(journal, 7);
  const events = await eventsOf(disk);
  assert.deepEqual(
    chis(events).map((chi) => chi.replace("journal.", "")),
    ["open", "test", "test", "test", "snapshot", "test", "test", "test", "snapshot", "test"],
  );
  const { height, root, peaks } = events[8]?.body as {
    height: number;
    root: string;
    peaks: string[];
  };
  assert.deepEqual([height, peaks.length], [8, 1]);
  const proof = await journal.prove({ kind: "consistency", boundary: 8, size: 10 });
  const head = journal.head();
  assert.ok(proof);
  const [oldRoot, newRoot] = [decodeHex(root), decodeHex(head.root)];
  assert.ok(isConsistent({ oldSize: 8, oldRoot, newSize: head.size, newRoot, proof }));
  assert.equal(journal.status().counters.snapshots, 2);
  await journal.close();
  const report = await verifyDisk(disk);
  assert.deepEqual([report.ok, report.authors[0]?.root], [true, head.root]);
});

test("a snapshot follows so long after the first new event, once, and none when nothing is new", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs });
  const journal = await open(disk, { clock, snapshotMs: 600_000 });
  await clock.advance(2_000_000);
  assert.equal(journal.status().seq, 0);
  await appendTo(journal, 1);
  await clock.advance(599_999);
  assert.equal(journal.status().seq, 2);
  await clock.advance(1);
  assert.equal(journal.status().seq, 3);
  await clock.advance(5_000_000);
  assert.equal(journal.status().seq, 3, "a snapshot is nothing new itself");
  await appendTo(journal, 1);
  await journal.close();
  const again = await open(disk, { clock, snapshotMs: 600_000 });
  await clock.advance(600_000);
  assert.equal(again.status().seq, 5, "what was uncovered at the start counts");
  await again.close();
  await clock.advance(5_000_000);
  assert.deepEqual(chis(await eventsOf(disk)).map((chi) => chi.replace("journal.", "")), [
    ...["open", "test", "snapshot", "test", "snapshot"],
  ]);
});

test("a snapshot that the disk refuses is tried again, without a storm", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs });
  const journal = await open(disk, { clock, snapshotMs: 1_000 });
  await appendTo(journal, 1);
  disk.readOnly = true;
  await clock.advance(10_500);
  assert.equal(journal.status().counters.failures, 10);
  disk.readOnly = false;
  await clock.advance(1_000);
  assert.deepEqual([journal.status().seq, journal.status().state], [3, "open"]);
  await journal.close();
  assert.equal((await verifyDisk(disk)).ok, true);
});

test("the tree goes on over restarts, a day's change and an earlier release's files", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs - 60_000 });
  const heads = [];
  for (let life = 0; life < 4; life++) {
    const journal = await open(disk, { clock, snapshotEvents: 5 });
    await appendTo(journal, 4);
    heads.push(journal.head());
    await journal.close();
    await clock.advance(30_000);
  }
  const journal = await open(disk, { clock });
  const last = journal.head();
  assert.equal(last.root, heads.at(-1)?.root);
  for (const { size, root } of heads) {
    const proof = await journal.prove({ kind: "consistency", boundary: size, size: last.size });
    assert.ok(proof);
    const [oldRoot, newRoot] = [decodeHex(root), decodeHex(last.root)];
    assert.ok(isConsistent({ oldSize: size, oldRoot, newSize: last.size, newRoot, proof }));
  }
  await journal.close();
});

test("an opening of the first format has no snapshot: the files before it are read instead", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs - 60_000 });
  const journal = await open(disk, { clock });
  await appendTo(journal, 3);
  await clock.advance(120_000);
  await journal.close();
  const head = journal.head();
  // Its first line as it was first: the newest file tells nothing of the tree.
  const { seq, hash, tsMs } = journal.status();
  const key = encodeHex(identity.publicKey);
  const opening = {
    draft: { chi: "journal.open", rid: "journal.open" },
    body: `{"format":1,"public_key":"${key}"}`,
  };
  const more = { draft: { chi: "test", rid: "r" }, body: "null" };
  const sealed = sealBatch([opening, more], {
    ...{ head: { seq, hash, tsMs }, identity, tsMs: midnightMs + 5 },
    tree: new TreeEdge(),
  });
  await replace(disk, dayAfter, sealed.bytes);
  const again = await open(disk, { clock });
  const after = again.head();
  assert.equal(after.size, head.size + 2);
  const proof = await again.prove({ kind: "consistency", boundary: head.size, size: after.size });
  const [oldRoot, newRoot] = [decodeHex(head.root), decodeHex(after.root)];
  assert.ok(
    isConsistent({ oldSize: head.size, oldRoot, newSize: after.size, newRoot, proof: proof ?? [] }),
  );
  await again.append(draft);
  await again.close();
  assert.deepEqual((await verifyDisk(disk)).problems, []);
});

test("proofs are the same from memory and from the files, and every event can be shown", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs - 60_000 });
  const journal = await open(disk, { clock, snapshotEvents: 7 });
  await appendTo(journal, 20);
  await clock.advance(120_000);
  await appendTo(journal, 20);
  const { size, root } = journal.head();
  const fresh = await open(disk, { clock });
  const events = await eventsOf(disk);
  assert.equal(events.length, size);
  for (let boundary = 0; boundary <= size; boundary += 3) {
    const request = { kind: "consistency", boundary, size } as const;
    assert.deepEqual(await journal.prove(request), await fresh.prove(request));
  }
  for (const [at, event] of events.slice(0, -1).entries()) {
    const leaf = decodeHex(events[at + 1]?.prev_hash ?? "");
    const request = { kind: "inclusion", boundary: at, size } as const;
    const proof = await fresh.prove(request);
    assert.deepEqual(proof, await journal.prove(request));
    const claim = { root: decodeHex(root), size, at, leaf, proof: proof ?? [] };
    assert.ok(isIncluded(claim), `event ${event.seq}`);
  }
  await assert.rejects(
    () => fresh.prove({ kind: "consistency", boundary: 0, size: size + 1 }),
    RangeError,
  );
  await assert.rejects(() => fresh.prove({ kind: "inclusion", boundary: size, size }), RangeError);
  await journal.close();
  await fresh.close();
});

test("a head is signed for its purpose, by its author, and tells only what survives a power cut", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs });
  const journal = await open(disk, { clock, fsync: { intervalMs: 100 } });
  await appendTo(journal, 1);
  assert.equal(journal.head().size, 0, "not synced yet");
  await clock.advance(100);
  const head = journal.head();
  assert.equal(head.size, 2);
  assert.ok(isHeadOf(head, identity.publicKey));
  assert.ok(!isHeadOf(head, stranger.publicKey));
  assert.ok(!isHeadOf({ ...head, size: 3 }, identity.publicKey));
  assert.ok(!isHeadOf({ ...head, tsMs: head.tsMs + 1 }, identity.publicKey));
  assert.ok(!isHeadOf({ ...head, root: "zz".repeat(32) }, identity.publicKey));
  assert.ok(!isHeadOf({ ...head, size: 1.5 }, identity.publicKey));
  await appendTo(journal, 2);
  clock.setWallClock(0);
  assert.ok(journal.head().tsMs >= midnightMs, "never before the last event");
  for (let seed = 0; seed < 10; seed++) {
    const survivor = await open(disk.crash(new SeededRandom(seed)), { clock, fsync: "never" });
    assert.ok(survivor.head().size >= head.size);
    await survivor.close();
  }
  await journal.close();
});

test("a snapshot of other events is refused at the start and found by verify", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs - 60_000 });
  const journal = await open(disk, { clock, snapshotEvents: 2 });
  await appendTo(journal, 5);
  await journal.close();
  const lines = (await textOf(disk, dayBefore)).split("\n");
  const wrong = lines.map((line) => line.replace(/"root":"./, '"root":"g'));
  await replace(disk, dayBefore, wrong.join("\n"));
  const codes = new Set((await verifyDisk(disk)).problems.map(({ code }) => code));
  assert.ok(codes.has("snapshot") && codes.has("signature"));
  await assert.rejects(() => open(disk, { clock }), { code: "corrupt" });
});
