/** Retention: what goes, what must not, and that a crash at any step of it harms nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readJournal } from "../../src/journal/mod.ts";
import type { JournalEvent, JournalRetention } from "../../src/journal/mod.ts";
import { ModelledDisk, VirtualClock } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";
import { directory, midnightMs, open, replace, textOf, verifyDisk } from "./_journals.ts";

const draft = { chi: "test", rid: "r", body: {} };
const dayMs = 86_400_000;

/** A journal of some days, with `perDay` events in each, under a retention. */
async function fill(
  disk: ModelledDisk,
  about: {
    readonly days: number;
    readonly retention: JournalRetention;
    readonly startMs?: number;
    readonly perDay?: number;
  },
): Promise<VirtualClock> {
  const clock = new VirtualClock({ startMs: about.startMs ?? midnightMs });
  const journal = await open(disk, { clock, retention: about.retention });
  for (let day = 0; day < about.days; day++) {
    for (let i = 0; i < (about.perDay ?? 3); i++) await journal.append(draft);
    await clock.advance(dayMs);
  }
  await journal.close();
  return clock;
}

function filesOf(disk: ModelledDisk): Promise<string[]> {
  return disk.list(directory);
}

async function eventsOf(disk: ModelledDisk): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  for await (const event of readJournal({ disk, directory }).range()) events.push(event);
  return events;
}

test("archive keeps everything, light the newest file, rolling so many days", async () => {
  const kept = async (retention: JournalRetention): Promise<number> => {
    const disk = new ModelledDisk();
    await fill(disk, { days: 12, retention });
    const report = await verifyDisk(disk);
    assert.deepEqual(report.problems, [], retention.mode);
    return (await filesOf(disk)).length;
  };
  assert.equal(await kept({ mode: "archive" }), 12);
  assert.equal(await kept({ mode: "light" }), 1);
  assert.equal(await kept({ mode: "rolling", days: 4 }), 5, "four days before the newest event's");
});

test("a removal is journalled and counted, and readers find what is left", async () => {
  const disk = new ModelledDisk();
  const clock = await fill(disk, { days: 5, retention: { mode: "archive" } });
  const journal = await open(disk, { clock, retention: { mode: "rolling", days: 2 } });
  await journal.append(draft);
  await journal.append(draft);
  assert.equal(journal.status().counters.prunedFiles, 3);
  const { size } = journal.head();
  const events = await eventsOf(disk);
  const pruned = events.filter(({ chi }) => chi === "journal.pruned");
  const [{ files, through } = { files: 0, through: 0 }] = pruned.map(({ body }) =>
    body as { readonly files: number; readonly through: number }
  );
  // Three days of an opening, three events and a snapshot.
  assert.deepEqual([pruned.length, files, through, events[0]?.seq], [1, 3, 15, 16]);
  for (const boundary of [1, through - 1]) {
    const proof = await journal.prove({ kind: "consistency", boundary, size });
    assert.equal(proof, undefined, "what it takes is gone");
  }
  for (const boundary of [through, size - 1]) {
    assert.ok(await journal.prove({ kind: "consistency", boundary, size }) !== undefined);
  }
  await journal.close();
  const summary = await readJournal({ disk, directory }).summary();
  assert.deepEqual([summary.firstSeq, summary.files], [16, 3]);
  const report = await verifyDisk(disk);
  assert.deepEqual([report.problems, report.authors[0]?.firstSeq], [[], 16]);
});

test("a file goes only where the next one begins with a snapshot that verifies", async () => {
  const disk = new ModelledDisk();
  const clock = await fill(disk, { days: 4, retention: { mode: "archive" } });
  const files = await filesOf(disk);
  const third = files[2] ?? "";
  const text = await textOf(disk, third);
  const [opening = ""] = text.split("\n");
  await replace(disk, third, text.replace(opening, opening.replace(/"sig":"../, '"sig":"00')));
  const journal = await open(disk, { clock, retention: { mode: "rolling", days: 2 } });
  await journal.append(draft);
  await journal.append(draft);
  assert.deepEqual(await filesOf(disk), [...files.slice(1), "2026-03-05.ndjson"]);
  await journal.close();
});

test("a clock that was set back removes nothing", async () => {
  const disk = new ModelledDisk();
  await fill(disk, { days: 8, retention: { mode: "archive" } });
  const clock = new VirtualClock({ startMs: midnightMs - 300 * dayMs });
  const journal = await open(disk, { clock, retention: { mode: "rolling", days: 2 } });
  await journal.append(draft);
  await journal.append(draft);
  assert.equal((await filesOf(disk)).length, 8);
  await journal.close();
});

test("files that vanished without a word are a problem, and so is a gap", async () => {
  const disk = new ModelledDisk();
  await fill(disk, { days: 4, retention: { mode: "archive" } });
  const [first = "", second = "", third = ""] = await filesOf(disk);
  await disk.remove(`${directory}/${first}`);
  assert.deepEqual((await verifyDisk(disk)).problems.map(({ code }) => code), ["start"]);
  await disk.remove(`${directory}/${third}`);
  const codes = (await verifyDisk(disk)).problems.map(({ code }) => code);
  assert.ok(codes.includes("order") && codes.includes("snapshot"), codes.join());
  assert.ok((await filesOf(disk)).includes(second));
});

test("a disk that refuses a removal costs nothing but room, until the next day", async () => {
  const disk = new ModelledDisk();
  const clock = await fill(disk, { days: 4, retention: { mode: "archive" } });
  const journal = await open(disk, { clock, retention: { mode: "light" } });
  const remove = disk.remove.bind(disk);
  let refused = 0;
  disk.remove = (): Promise<void> => {
    refused++;
    return Promise.reject(new Error("refused"));
  };
  for (let i = 0; i < 5; i++) await journal.append(draft);
  assert.equal(refused, 1);
  assert.equal(journal.status().state, "open");
  disk.remove = remove;
  await clock.advance(dayMs);
  for (let i = 0; i < 2; i++) await journal.append(draft);
  assert.deepEqual(await filesOf(disk), ["2026-03-06.ndjson"]);
  await journal.close();
  assert.deepEqual((await verifyDisk(disk)).problems, []);
});

test("a crash at any step of a removal leaves a log that verifies, and the next start goes on", async () => {
  const judged = await crashEverywhere<Map<number, string>>({
    async prepare(disk): Promise<void> {
      await fill(disk, { days: 4, retention: { mode: "archive" }, perDay: 1 });
    },
    notes: () => new Map(),
    async work(disk, notes): Promise<void> {
      const clock = new VirtualClock({ startMs: midnightMs + 4 * dayMs });
      const journal = await open(disk, { clock, retention: { mode: "light" }, snapshotEvents: 2 });
      for (let i = 0; i < 3; i++) {
        const event = await journal.append({ ...draft, rid: `after-${i}` });
        notes.set(event.seq, event.rid);
      }
      await journal.close();
    },
    async check(disk, { notes, where }): Promise<void> {
      const clock = new VirtualClock({ startMs: midnightMs + 4 * dayMs });
      const archived = await open(disk, { clock, retention: { mode: "archive" } });
      await archived.close();
      assert.deepEqual((await verifyDisk(disk)).problems, [], `${where}, before it goes on`);
      const journal = await open(disk, { clock, retention: { mode: "light" } });
      await journal.append(draft);
      await journal.append(draft);
      await journal.close();
      const found = new Map((await eventsOf(disk)).map(({ seq, rid }) => [seq, rid]));
      for (const [seq, rid] of notes) assert.equal(found.get(seq), rid, `${where}: event ${seq}`);
      assert.deepEqual((await verifyDisk(disk)).problems, [], where);
      assert.deepEqual(await filesOf(disk), ["2026-03-05.ndjson"], where);
    },
    survivors: 2,
    pageBytes: 256,
  });
  assert.ok(judged > 40, `${judged} survivors`);
});
