/** Recovery: what it cuts, what it refuses, told apart by the time that a group commit shares. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { JournalError } from "../../src/journal/mod.ts";
import type { Disk } from "../../src/ports/mod.ts";
import {
  dayAfter,
  dayBefore,
  directory,
  filledDisk,
  open,
  replace,
  textOf,
  verifyDisk,
} from "./_journals.ts";

function refused(disk: Disk): Promise<void> {
  return assert.rejects(
    () => open(disk),
    (thrown: unknown) => thrown instanceof JournalError && thrown.code === "corrupt",
  );
}

async function cutBytesOf(disk: Disk): Promise<number> {
  const journal = await open(disk);
  const { cutBytes } = journal.status().recovered;
  await journal.append({ chi: "test", rid: "after", body: null });
  await journal.close();
  assert.deepEqual((await verifyDisk(disk)).problems, []);
  return cutBytes;
}

test("recover() cuts a last line at every byte of it, and the log goes on", async () => {
  const source = await textOf(await filledDisk(5), dayAfter);
  const lastStart = source.lastIndexOf("\n", source.length - 2) + 1;
  for (let end = lastStart + 1; end < source.length; end += 7) {
    const disk = await filledDisk(5);
    await replace(disk, dayAfter, source.slice(0, end));
    assert.equal(await cutBytesOf(disk), end - lastStart);
  }
});

test("recover() cuts a whole last commit with a hole in it", async () => {
  const disk = await filledDisk(10);
  const lines = (await textOf(disk, dayAfter)).split("\n").slice(0, -1);
  const hole = lines.length - 4;
  const damaged = lines.map((line, i) => i === hole ? "\0".repeat(line.length) : line);
  await replace(disk, dayAfter, `${damaged.join("\n")}\n`);
  const cut = lines.slice(hole).join("\n").length + 1;
  assert.equal(await cutBytesOf(disk), cut);
});

test("recover() refuses damage that reaches before the last commit", async () => {
  const lines = (await textOf(await filledDisk(10), dayAfter)).split("\n").slice(0, -1);
  for (let hole = 0; hole < lines.length - 6; hole++) {
    const disk = await filledDisk(10);
    const damaged = lines.map((line, i) => i === hole ? line.replace('"n":', '"m":') : line);
    await replace(
      disk,
      dayAfter,
      `${damaged.map((line, i) => i === hole ? line.slice(1) : line).join("\n")}\n`,
    );
    await refused(disk);
  }
});

test("recover() refuses a missing line before the last commit", async () => {
  const disk = await filledDisk(10);
  const lines = (await textOf(disk, dayAfter)).split("\n");
  await replace(disk, dayAfter, [...lines.slice(0, 2), ...lines.slice(3)].join("\n"));
  await refused(disk);
});

test("recover() refuses a valid line whose signature does not verify", async () => {
  const disk = await filledDisk(5);
  const text = await textOf(disk, dayAfter);
  const end = text.lastIndexOf('"sig":"') + 7;
  const flipped = text[end] === "0" ? "1" : "0";
  await replace(disk, dayAfter, text.slice(0, end) + flipped + text.slice(end + 1));
  await refused(disk);
});

test("recover() refuses a long damaged end, which no commit can have written", async () => {
  const disk = await filledDisk(5);
  await replace(disk, dayAfter, await textOf(disk, dayAfter) + "x".repeat(5 * 1024 * 1024));
  await refused(disk);
});

test("recover() passes over empty files and files of zeros", async () => {
  for (const content of ["", "\0".repeat(300)]) {
    const disk = await filledDisk(5);
    await replace(disk, "2026-03-02.ndjson", content);
    assert.equal(await cutBytesOf(disk), content.length);
    assert.equal((await disk.list(directory)).length, 3);
  }
});

test("recover() ignores files with other names", async () => {
  const disk = await filledDisk(5);
  await replace(disk, "notes.txt", "mine");
  await replace(disk, "2026-3-1.ndjson", "x");
  assert.equal(await cutBytesOf(disk), 0);
  assert.equal(await textOf(disk, "notes.txt"), "mine");
  assert.ok((await textOf(disk, dayBefore)).length > 0);
});
