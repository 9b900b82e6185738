/**
 * A power cut, and a kill, at every disk operation of several group commits across a change of day,
 * on the modelled disk: after each, the journal opens, holds every acknowledged event and nothing
 * else than a prefix of what was asked for, verifies, and goes on without a gap.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeDirectoryDurably } from "../../src/ports/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import type { JournalFsync } from "../../src/journal/mod.ts";
import type { ModelledDisk } from "../../src/sim/mod.ts";
import { VirtualClock } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";
import {
  dayBefore,
  directory,
  filledDisk,
  identity,
  midnightMs,
  textOf,
  verifyDisk,
} from "./_journals.ts";

/** Sequence number and rid of every acknowledged event. */
type Acknowledged = Map<number, string>;

async function workload(
  disk: ModelledDisk,
  about: { notes: Acknowledged; fsync?: JournalFsync; opens?: number },
): Promise<void> {
  const clock = new VirtualClock({ startMs: midnightMs - 15 });
  for (let opened = 0; opened < (about.opens ?? 2); opened++) {
    const fsync = about.fsync ?? "always";
    const journal = await openJournal({ disk, identity, directory, clock, fsync });
    for (let commit = 0; commit < 3; commit++) {
      const batch = Array.from({ length: commit + 1 }, async (_, i) => {
        const rid = `${opened}-${commit}-${i}`;
        const event = await journal.append({
          chi: "test",
          rid,
          body: { fill: "x".repeat(60 * i) },
        });
        about.notes.set(event.seq, rid);
      });
      await Promise.all(batch);
      await clock.advance(10);
    }
    await journal.close();
  }
}

async function checkSurvivor(
  disk: ModelledDisk,
  about: { notes: Acknowledged; where: string; fsync?: JournalFsync },
): Promise<void> {
  const { notes, where } = about;
  const clock = new VirtualClock({ startMs: midnightMs - 15 });
  const fsync = about.fsync ?? "always";
  const journal = await openJournal({ disk, identity, directory, clock, fsync });
  const found = new Map<number, string>();
  for await (const event of journal.range()) found.set(event.seq, event.rid);
  assert.deepEqual([...found.keys()], Array.from(found, (_, i) => i + 1), where);
  for (const [seq, rid] of notes) assert.equal(found.get(seq), rid, `${where}: event ${seq}`);
  const next = await journal.append({ chi: "test", rid: "after", body: null });
  assert.ok(next.seq === found.size + 1 || next.seq === found.size + 2, where);
  await journal.close();
  const report = await verifyDisk(disk);
  assert.deepEqual(report.problems, [], where);
  assert.equal(report.tornBytes, 0, where);
  assert.equal(report.events, next.seq, where);
}

test("no acknowledged event is lost by a power cut or a kill at any operation", async () => {
  const judged = await crashEverywhere<Acknowledged>({
    notes: () => new Map(),
    work: (disk, notes) => workload(disk, { notes }),
    check: checkSurvivor,
    survivors: 12,
    pageBytes: 96,
  });
  assert.ok(judged > 300, `${judged} survivors`);
});

test("a crash while recovering from a crash loses nothing either", async () => {
  const notes: Acknowledged = new Map();
  await crashEverywhere<Acknowledged>({
    async prepare(disk): Promise<void> {
      notes.clear();
      await workload(disk, { notes, opens: 1 });
      // A torn commit: what a power cut in the middle of a write may leave.
      const file = await disk.open(`${directory}/2026-03-01.ndjson`, "append");
      await file.write(new TextEncoder().encode(`{"author":"skep_\0\0\0\0 torn`));
      await file.sync();
      await file.close();
    },
    notes: () => new Map(notes),
    async work(disk, acknowledged): Promise<void> {
      const clock = new VirtualClock({ startMs: midnightMs });
      const journal = await openJournal({ disk, identity, directory, clock });
      const event = await journal.append({ chi: "test", rid: "again", body: null });
      acknowledged.set(event.seq, "again");
      await journal.close();
    },
    check: checkSurvivor,
    pageBytes: 96,
  });
});

test("without syncs, a kill still loses nothing, and a power cut leaves a log that opens and verifies", async () => {
  for (const fsync of ["never", { intervalMs: 25 }] as const) {
    await crashEverywhere<Acknowledged>({
      notes: () => new Map(),
      work: (disk, notes) => workload(disk, { notes, fsync }),
      check: (disk, { notes, where }) => {
        const kept: Acknowledged = where.includes("cache intact") ? notes : new Map();
        return checkSurvivor(disk, { notes: kept, where, fsync });
      },
      survivors: 9,
      pageBytes: 96,
    });
  }
});

test("what a killed process left in the cache is safe once the next one has built on it", async () => {
  const text = await textOf(await filledDisk(5), dayBefore);
  for (const startMs of [midnightMs - 1000, midnightMs + 1000]) {
    await crashEverywhere<Acknowledged>({
      async prepare(disk): Promise<void> {
        await makeDirectoryDurably(disk, { path: directory });
        // Neither the file's data nor its name was synced before the process died.
        const file = await disk.open(`${directory}/${dayBefore}`, "create");
        await file.write(new TextEncoder().encode(text));
        await file.close();
      },
      notes: () => new Map(),
      async work(disk, notes): Promise<void> {
        const clock = new VirtualClock({ startMs });
        const journal = await openJournal({ disk, identity, directory, clock });
        const event = await journal.append({ chi: "test", rid: "built", body: null });
        notes.set(event.seq, "built");
        await journal.close();
      },
      check: checkSurvivor,
      pageBytes: 96,
      survivors: 24,
    });
  }
});
