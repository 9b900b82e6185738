/** The reader, with the node stopped: summary, tail, range over many files, corrupt lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { JournalError, readJournal } from "../../src/journal/mod.ts";
import { ModelledDisk } from "../../src/sim/mod.ts";
import {
  dayAfter,
  dayBefore,
  directory,
  filledDisk,
  identity,
  midnightMs,
  replace,
  textOf,
} from "./_journals.ts";

test("summary() tells where the log stands without changing anything", async () => {
  const disk = await filledDisk(10);
  disk.readOnly = true;
  const summary = await readJournal({ disk, directory }).summary();
  assert.deepEqual([summary.files, summary.author, summary.firstSeq, summary.seq], [
    ...[2, identity.hid, 1, 22],
  ]);
  assert.ok(summary.tsMs >= midnightMs);
  assert.match(summary.hash, /^[0-9a-f]{64}$/);
  const empty = await readJournal({ disk: new ModelledDisk(), directory }).summary();
  assert.deepEqual(empty, {
    ...{ files: 0, sizeBytes: 0, author: undefined, seq: 0, firstSeq: 0, hash: "", tsMs: 0 },
  });
});

test("tail() reaches into older files and stops at the beginning", async () => {
  const reader = readJournal({ disk: await filledDisk(5), directory });
  const seqs = async (count: number): Promise<number[]> =>
    (await reader.tail(count)).map((event) => event.seq);
  assert.deepEqual(await seqs(1), [12]);
  assert.deepEqual(await seqs(8), [5, 6, 7, 8, 9, 10, 11, 12]);
  assert.equal((await seqs(100)).length, 12);
  for (const bad of [0, -1, 1.5, 10_001]) await assert.rejects(() => reader.tail(bad), RangeError);
});

test("range() by author opens only the files that can hold its events", async () => {
  const disk = await filledDisk(10);
  const before = disk.operations.length;
  const events = [];
  for await (
    const event of readJournal({ disk, directory }).range({
      author: identity.hid,
      from: 15,
      to: 16,
    })
  ) {
    events.push(event.seq);
  }
  assert.deepEqual(events, [15, 16]);
  const opened = disk.operations.slice(before).filter((one) => one.kind === "open:read");
  assert.ok(opened.every((one) => one.path.endsWith(dayAfter)));
});

test("range() ends with corrupt at a bad line, or passes it to onCorrupt", async () => {
  const disk = await filledDisk(5);
  const lines = (await textOf(disk, dayBefore)).split("\n");
  await replace(disk, dayBefore, lines.map((line, i) => i === 2 ? "{}" : line).join("\n"));
  const reader = readJournal({ disk, directory });
  await assert.rejects(async () => {
    for await (const event of reader.range()) assert.ok(event.seq < 3);
  }, (thrown: unknown) => thrown instanceof JournalError && thrown.code === "corrupt");
  const bad: unknown[] = [];
  let count = 0;
  for await (const event of reader.range({ onCorrupt: (at) => bad.push(at) })) {
    count += Math.sign(event.seq);
  }
  assert.deepEqual(bad, [{ file: dayBefore, line: 3 }]);
  assert.equal(count, 11);
});

test("range() closes its file when the reader stops early", async () => {
  const disk = await filledDisk(10);
  for await (const event of readJournal({ disk, directory }).range()) {
    assert.equal(event.seq, 1);
    break;
  }
  assert.equal(disk.operations.at(-1)?.kind, "close");
});
