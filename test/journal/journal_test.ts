/** The journal open for writing: what append promises, limits, failures of the disk, following. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { JournalError } from "../../src/journal/mod.ts";
import type { Journal, JournalErrorCode, JournalEvent } from "../../src/journal/mod.ts";
import { ModelledDisk, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";
import {
  dayAfter,
  dayBefore,
  directory,
  filledDisk,
  identity,
  midnightMs,
  open,
  replace,
  stranger,
  textOf,
  verifyDisk,
} from "./_journals.ts";

const draft = { chi: "test", rid: "r", body: {} };

function failsWith(run: () => Promise<unknown>, code: JournalErrorCode): Promise<void> {
  return assert.rejects(run, (thrown: unknown) => {
    assert.ok(thrown instanceof JournalError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return true;
  });
}

async function collect(events: AsyncIterable<JournalEvent>): Promise<JournalEvent[]> {
  const list: JournalEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

test("append() gives the recorded event: nine fields, chained, in one canonical line", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk);
  const event = await journal.append({
    chi: "a",
    sid: "s",
    rid: "r",
    body: { b: [1, "é"], a: null },
  });
  assert.equal(event.seq, 2);
  assert.equal(event.author, identity.hid);
  const [opening, line, rest] = (await textOf(disk, dayBefore)).split("\n");
  assert.equal(rest, "");
  assert.deepEqual(JSON.parse(line ?? ""), event);
  assert.deepEqual(Object.keys(JSON.parse(line ?? "")), [
    ...["author", "body", "chi", "prev_hash", "rid", "seq", "sid", "sig", "ts_ms"],
  ]);
  assert.match(line ?? "", /"body":\{"a":null,"b":\[1,"é"\]\}/);
  const first = JSON.parse(opening ?? "");
  assert.equal(first.chi, "journal.open");
  assert.equal(first.prev_hash, "0".repeat(64));
  await journal.close();
  assert.equal((await verifyDisk(disk)).ok, true);
});

test("appends of one turn share one write and one sync", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk);
  await journal.append(draft);
  const before = disk.operations.length;
  const events = await Promise.all(Array.from({ length: 50 }, () => journal.append(draft)));
  assert.deepEqual(events.map((event) => event.seq), Array.from({ length: 50 }, (_, i) => i + 3));
  assert.equal(new Set(events.map((event) => event.ts_ms)).size, 1);
  assert.deepEqual(disk.operations.slice(before).map((one) => one.kind), ["write", "sync"]);
  await journal.close();
});

test("the body is taken when append() is called, whatever happens to it later", async () => {
  const journal = await open(new ModelledDisk());
  const body = { n: 1 };
  const appended = journal.append({ ...draft, body });
  body.n = 2;
  assert.deepEqual((await appended).body, { n: 1 });
  assert.deepEqual((await journal.tail(1))[0]?.body, { n: 1 });
  await journal.close();
});

test("a day file starts at UTC midnight with an opening event, and time never goes back", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs - 1 });
  const journal = await open(disk, { clock });
  await journal.append(draft);
  await clock.advance(1);
  const after = await journal.append(draft);
  assert.equal(after.seq, 4);
  clock.setWallClock(midnightMs - 10 * 86_400_000);
  const later = await journal.append(draft);
  assert.equal(later.ts_ms, after.ts_ms + 1);
  await journal.close();
  assert.deepEqual(await disk.list(directory), [dayBefore, dayAfter]);
  const again = await open(disk, { clock });
  assert.equal((await again.append(draft)).ts_ms, later.ts_ms + 1);
  await again.close();
  const report = await verifyDisk(disk);
  assert.equal(report.ok, true);
  assert.equal(report.events, 6);
});

test("bad ids, bodies that are not JSON and overlong lines are the caller's mistake", async () => {
  const journal = await open(new ModelledDisk(), { lineBytesMax: 4096 });
  for (
    const bad of [{ chi: "" }, { rid: "" }, { sid: "" }, { chi: "x".repeat(129) }, {
      rid: "\ud800",
    }]
  ) {
    await assert.rejects(() => journal.append({ ...draft, ...bad }), TypeError);
  }
  await assert.rejects(
    () => journal.append({ ...draft, body: { x: undefined } as never }),
    TypeError,
  );
  await assert.rejects(() => journal.append({ ...draft, body: 2 ** 53 }), RangeError);
  await assert.rejects(() => journal.append({ ...draft, body: "x".repeat(4000) }), RangeError);
  const event = await journal.append({ ...draft, body: "x".repeat(3000) });
  assert.equal(event.seq, 2);
  await journal.close();
});

test("a full queue refuses with busy and counts, by number and by bytes", async () => {
  const journal = await open(new ModelledDisk(), { queueCountMax: 3 });
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => journal.append(draft)));
  assert.deepEqual(results.map((one) => one.status === "fulfilled"), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.equal(journal.status().counters.refused, 2);
  await failsWith(
    () => Promise.reject(results.flatMap((one) => "reason" in one ? [one.reason] : [])[0]),
    "busy",
  );
  await journal.append(draft);
  await journal.close();
  const small = await open(new ModelledDisk(), { queueBytesMax: 1000 });
  const two = await Promise.allSettled([
    small.append({ ...draft, body: "x".repeat(400) }),
    small.append(draft),
  ]);
  assert.deepEqual(two.map((one) => one.status), ["fulfilled", "rejected"]);
  await small.close();
});

test("close() finishes what waits, refuses the rest, and can be repeated", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk);
  const waiting = Array.from({ length: 10 }, () => journal.append(draft));
  const closed = journal.close();
  await failsWith(() => journal.append(draft), "closed");
  await Promise.all([...waiting, closed, journal.close()]);
  assert.equal(journal.status().state, "closed");
  assert.equal((await verifyDisk(disk)).events, 11);
});

test("reopening goes on where the log ends", async () => {
  const disk = await filledDisk(12);
  const clock = new VirtualClock({ startMs: midnightMs + 3_600_000 });
  const journal = await open(disk, { clock });
  assert.equal(journal.status().seq, 26);
  assert.deepEqual(journal.status().recovered, { cutBytes: 0 });
  assert.equal((await journal.append(draft)).seq, 27);
  await journal.close();
  assert.equal((await verifyDisk(disk)).ok, true);
});

test("another key's journal is refused", async () => {
  const disk = await filledDisk(5);
  await failsWith(() => open(disk, { identity: stranger }), "wrong-author");
});

test("range() reads by sequence number within what is acknowledged, tail() the end", async () => {
  const disk = await filledDisk(20);
  const clock = new VirtualClock({ startMs: midnightMs + 3_600_000 });
  const journal = await open(disk, { clock });
  const seqs = async (range: Parameters<Journal["range"]>[0]): Promise<number[]> =>
    (await collect(journal.range(range))).map((event) => event.seq);
  assert.deepEqual(await seqs({ from: 20, to: 24 }), [20, 21, 22, 23, 24]);
  assert.deepEqual(await seqs({ from: 40 }), [40, 41, 42]);
  assert.equal((await seqs({})).length, 42);
  assert.deepEqual(await seqs({ author: stranger.hid }), []);
  assert.deepEqual((await journal.tail(30)).map((event) => event.seq).slice(0, 2), [13, 14]);
  await assert.rejects(() => journal.tail(0), RangeError);
  assert.equal((await journal.verify()).ok, true);
  await journal.close();
});

test("follow() gives events from now on, ends with its signal, and tells who lags", async () => {
  const journal = await open(new ModelledDisk(), { followEventsMax: 4 });
  await journal.append(draft);
  const controller = new AbortController();
  const live = journal.follow(controller.signal);
  const slow = journal.follow(new AbortController().signal);
  const seen: number[] = [];
  const reading = (async (): Promise<void> => {
    for await (const event of live) {
      seen.push(event.seq);
      if (event.seq === 8) controller.abort();
    }
  })();
  for (let i = 0; i < 8; i++) await journal.append(draft);
  await reading;
  assert.deepEqual(seen, [3, 4, 5, 6, 7, 8]);
  await failsWith(() => collect(slow), "lagged");
  assert.equal(journal.status().counters.lagged, 1);
  const last = journal.follow(new AbortController().signal);
  await journal.append(draft);
  await journal.close();
  assert.equal((await collect(last)).length, 1);
});

test("a full disk rejects the append clearly, keeps nothing of it, and goes on when there is room", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk);
  await journal.append(draft);
  const size = (await disk.stat(`${directory}/${dayBefore}`))?.sizeBytes ?? 0;
  disk.capacityBytes = size + 100;
  for (let i = 0; i < 3; i++) {
    await failsWith(() => journal.append({ ...draft, body: "x".repeat(500) }), "full");
    assert.equal(journal.status().state, "recovering");
  }
  disk.capacityBytes = 1 << 20;
  assert.equal((await journal.append(draft)).seq, 3);
  assert.equal(journal.status().state, "open");
  assert.equal(journal.status().counters.failures, 3);
  await journal.close();
  const report = await verifyDisk(disk);
  assert.deepEqual([report.ok, report.events], [true, 3]);
});

test("a read-only disk says so, and a directory that cannot be made too", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk);
  await journal.append(draft);
  disk.readOnly = true;
  await failsWith(() => journal.append(draft), "read-only");
  disk.readOnly = false;
  assert.equal((await journal.append(draft)).seq, 3);
  await journal.close();
  const other = new ModelledDisk();
  other.readOnly = true;
  await failsWith(() => open(other), "read-only");
});

test("files changed behind its back fail the journal for good", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk);
  await journal.append(draft);
  await replace(disk, dayBefore, "");
  disk.faults = [{ operation: disk.operations.length, code: "io", moment: "before" }];
  await failsWith(() => journal.append(draft), "io");
  await failsWith(() => journal.append(draft), "failed");
  assert.equal(journal.status().state, "failed");
  await failsWith(() => journal.append(draft), "failed");
  await journal.close();
});

test("with an interval, appends return after the write and the sync follows", async () => {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs });
  const journal = await open(disk, { clock, fsync: { intervalMs: 100 } });
  await journal.append(draft);
  const syncs = (): number => disk.operations.filter((one) => one.kind === "sync").length;
  const before = syncs();
  await journal.append(draft);
  assert.equal(syncs(), before);
  await clock.advance(100);
  assert.equal(syncs(), before + 1);
  await clock.advance(1000);
  assert.equal(syncs(), before + 1, "nothing new, nothing to sync");
  await journal.append(draft);
  disk.faults = [{ operation: disk.operations.length, code: "io", moment: "before" }];
  await clock.advance(100);
  assert.equal(journal.status().state, "recovering");
  await clock.advance(100);
  assert.equal(journal.status().state, "open");
  await journal.close();
  assert.equal((await verifyDisk(disk)).ok, true);
});

test("with an interval, pages that a failed sync dropped are written again by the next one", async () => {
  const disk = new ModelledDisk({ pageBytes: 256 });
  const clock = new VirtualClock({ startMs: midnightMs });
  const journal = await open(disk, { clock, fsync: { intervalMs: 100 } });
  for (let i = 0; i < 5; i++) await journal.append(draft);
  disk.faults = [{ operation: disk.operations.length, code: "io", moment: "before" }];
  await clock.advance(100);
  assert.equal(journal.status().state, "recovering");
  await clock.advance(100);
  for (let seed = 0; seed < 30; seed++) {
    const survivor = disk.crash(new SeededRandom(seed));
    const report = await verifyDisk(survivor);
    assert.deepEqual([report.ok, report.events, report.tornBytes], [true, 6, 0], `seed ${seed}`);
  }
  await journal.close();
});

test("with never, the sync comes at close", async () => {
  const disk = new ModelledDisk();
  const journal = await open(disk, { fsync: "never" });
  await journal.append(draft);
  const before = disk.operations.length;
  await journal.append(draft);
  await journal.close();
  const kinds = disk.operations.slice(before).map((one) => one.kind);
  assert.deepEqual(kinds, ["write", "sync", "close"]);
});

test("every operation of a commit may fail in any way: no acknowledged event is lost", async () => {
  const codes = ["io", "full", "read-only", "too-many-open"] as const;
  let rejected = 0;
  for (let step = 0; step < 18; step++) {
    for (const moment of ["before", "partly", "after"] as const) {
      const disk = new ModelledDisk({ pageBytes: 128 });
      const clock = new VirtualClock({ startMs: midnightMs - 1 });
      const journal = await open(disk, { clock });
      const seqs = new Set<number>();
      const code = codes[step % codes.length] ?? "io";
      disk.faults = [{ operation: disk.operations.length + step, code, moment }];
      for (let i = 0; i < 6; i++) {
        if (i === 3) await clock.advance(1000);
        const two = await Promise.allSettled([journal.append(draft), journal.append(draft)]);
        for (const one of two) {
          if (one.status === "rejected") rejected++;
          else assert.ok(!seqs.has(one.value.seq) && seqs.add(one.value.seq));
        }
      }
      const where = `step ${step} ${moment} ${code}`;
      seqs.add((await journal.append(draft)).seq);
      assert.equal(journal.status().state, "open", where);
      await journal.close();
      const report = await verifyDisk(disk);
      assert.deepEqual(report.problems, [], where);
      assert.equal(report.events, Math.max(...seqs), where);
      assert.ok(seqs.size >= 8, `${where}: only ${seqs.size} acknowledged`);
    }
  }
  assert.ok(rejected > 20, `${rejected} rejected`);
});
