/** verify: finds every kind of tampering, names its place, and survives any mutation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import process from "node:process";
import { readJournal, TreeEdge } from "../../src/journal/mod.ts";
import type { VerifyCode } from "../../src/journal/mod.ts";
import type { Disk } from "../../src/ports/mod.ts";
import { sealBatch } from "../../src/journal/_chain.ts";
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

async function problemsAfter(change: (lines: string[]) => string[]): Promise<VerifyCode[]> {
  const disk = await filledDisk(10);
  const lines = (await textOf(disk, dayBefore)).split("\n").slice(0, -1);
  await replace(disk, dayBefore, change(lines).map((line) => `${line}\n`).join(""));
  const report = await verifyDisk(disk);
  assert.equal(report.ok, report.problemCount === 0);
  for (const problem of report.problems) {
    assert.match(problem.message, /^Cannot trust line \d+ of /);
  }
  return report.problems.map((problem) => problem.code);
}

test("verify() passes a good log and tells who wrote what", async () => {
  const disk = await filledDisk(10);
  const seen: number[] = [];
  const report = await readJournal({ disk, directory }).verify({
    onProgress: (done) => seen.push(done.events),
  });
  assert.equal(report.ok, true);
  assert.equal(report.events, 22);
  assert.deepEqual(
    report.authors.map((
      { author, events, firstSeq, lastSeq },
    ) => [author, events, firstSeq, lastSeq]),
    [
      [identity.hid, 22, 1, 22],
    ],
  );
});

test("verify() of an empty and of a missing journal has nothing to say against it", async () => {
  const disk = await filledDisk(5);
  const report = await readJournal({ disk, directory: "/none" }).verify();
  assert.deepEqual([report.ok, report.events], [true, 0]);
});

test("verify() finds a changed body, a changed signature, a line that is not canonical", async () => {
  const at = (lines: string[], i: number, change: (line: string) => string): string[] =>
    lines.map((line, k) => k === i ? change(line) : line);
  const body = (line: string): string => line.replace('"n":2', '"n":7');
  assert.deepEqual(await problemsAfter((lines) => at(lines, 3, body)), [
    ...["signature", "chain"],
    // The next day begins with what was there before.
    "snapshot",
  ]);
  const sig = (line: string): string =>
    line.replace(/"sig":"./, (text) => `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`);
  assert.deepEqual(await problemsAfter((lines) => at(lines, 3, sig)), ["signature"]);
  const spaced = (line: string): string => line.replace(",", ", ");
  assert.deepEqual(await problemsAfter((lines) => at(lines, 3, spaced)), [
    "line",
    "order",
    "chain",
    "snapshot",
  ]);
});

test("verify() finds removed, repeated and swapped lines", async () => {
  const removed = await problemsAfter((lines) => lines.filter((_, i) => i !== 4));
  assert.deepEqual(removed, ["order", "chain", "snapshot"]);
  const repeated = await problemsAfter((lines) => [...lines.slice(0, 5), ...lines.slice(4)]);
  assert.deepEqual(repeated, ["order", "chain", "snapshot"]);
  const swapped = await problemsAfter((
    lines,
  ) => [...lines.slice(0, 4), lines[5] ?? "", lines[4] ?? "", ...lines.slice(6)]);
  assert.ok(swapped.includes("order") && swapped.includes("chain"));
  assert.deepEqual(
    await problemsAfter((lines) => lines.slice(1)),
    ["start", "key", ...Array(9).fill("key")].slice(0, 11),
  );
});

test("verify() finds a line in another day's file and a log that starts late", async () => {
  const disk = await filledDisk(5);
  await disk.rename(`${directory}/${dayBefore}`, `${directory}/2026-02-27.ndjson`);
  const report = await verifyDisk(disk);
  assert.deepEqual(new Set(report.problems.map((problem) => problem.code)), new Set(["time"]));
  const late = await filledDisk(5);
  await late.remove(`${directory}/${dayBefore}`);
  assert.deepEqual((await verifyDisk(late)).problems.map((problem) => problem.code), ["start"]);
});

test("verify() needs the author's key, from the log or from outside, and takes no other", async () => {
  const disk = await filledDisk(5);
  const strip = async (): Promise<void> => {
    const text = await textOf(disk, dayBefore);
    await replace(disk, dayBefore, text.slice(text.indexOf("\n") + 1));
  };
  await strip();
  const reader = readJournal({ disk, directory });
  assert.ok((await reader.verify()).problems.some((problem) => problem.code === "key"));
  const keyed = await reader.verify({ keys: new Map([[identity.hid, identity.publicKey]]) });
  assert.deepEqual(keyed.problems.map((problem) => problem.code), ["start"]);
  const wrong = await reader.verify({ keys: new Map([[identity.hid, stranger.publicKey]]) });
  assert.ok(wrong.problems.filter((problem) => problem.code === "signature").length > 5);
});

test("verify() follows several authors apart", async () => {
  const disk = await filledDisk(5);
  const drafts = [{ draft: { chi: "x", rid: "r" }, body: "null" }];
  const head = { seq: 0, hash: "0".repeat(64), tsMs: 0 };
  const { bytes } = sealBatch(drafts, {
    ...{ head, identity: stranger, tsMs: midnightMs + 1 },
    tree: new TreeEdge(),
  });
  const lines = (await textOf(disk, dayAfter)).split("\n");
  lines.splice(3, 0, new TextDecoder().decode(bytes).trimEnd());
  await replace(disk, dayAfter, lines.join("\n"));
  const keys = new Map([[stranger.hid, stranger.publicKey]]);
  const report = await readJournal({ disk, directory }).verify({ keys });
  assert.deepEqual(report.problems, []);
  assert.equal(report.authors.length, 2);
  assert.deepEqual((await verifyDisk(disk)).problems.map((problem) => problem.code), ["key"]);
});

test("verify() says that the end is torn, without calling it damage", async () => {
  const disk = await filledDisk(5);
  await replace(disk, dayAfter, `${await textOf(disk, dayAfter)}{"auth`);
  const report = await verifyDisk(disk);
  assert.deepEqual([report.ok, report.tornBytes], [true, 6]);
});

test(
  "no mutation of a journal crashes or hangs verify, range, tail or open",
  { timeout: 60_000 },
  async () => {
    const good = await filledDisk(10);
    const source = new TextEncoder().encode(await textOf(good, dayAfter));
    const edit = fc.record({
      at: fc.nat({ max: source.length }),
      remove: fc.nat({ max: 300 }),
      insert: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...nasty())),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const disk = good.kill();
        let bytes: Uint8Array = source;
        for (const { at, remove, insert } of edits) {
          bytes = Uint8Array.from([...bytes.slice(0, at), ...insert, ...bytes.slice(at + remove)]);
        }
        await replace(disk, dayAfter, bytes);
        await readAll(disk);
        const journal = await open(disk).catch((thrown: unknown) => {
          assert.match(String(thrown), /^JournalError: Cannot /);
        });
        if (journal === undefined) return;
        await journal.append({ chi: "test", rid: "after", body: null });
        await journal.close();
      }),
      { numRuns: 60 * Number(process.env["SKEP_TEST_RUNS"] ?? 1) },
    );
  },
);

function nasty(): Uint8Array[] {
  const texts = [
    "\n",
    "\n\n\n",
    "\0",
    "{}",
    '{"a":',
    "[".repeat(5000),
    "9".repeat(400),
    '"\\ud800"',
    "\ufeff",
  ];
  return texts.map((text) => new TextEncoder().encode(text));
}

async function readAll(disk: Disk): Promise<void> {
  const reader = readJournal({ disk, directory, lineBytesMax: 4096 });
  const report = await reader.verify();
  let bad = 0;
  let events = 0;
  for await (const event of reader.range({ onCorrupt: () => bad++ })) {
    events++;
    assert.equal(typeof event.chi, "string");
  }
  assert.equal(events, report.events);
  assert.equal(bad, report.problems.filter((problem) => problem.code === "line").length);
  await reader.tail(5);
  await reader.summary();
}
