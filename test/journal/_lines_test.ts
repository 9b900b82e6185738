/** readLines(): the same lines whatever the sizes of the reads, and never more than the limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DiskFile } from "../../src/ports/mod.ts";
import { readLines } from "../../src/journal/_lines.ts";

/** A file that hands out at most `step` bytes per read. */
function fileOf(content: Uint8Array, step: number): DiskFile {
  const unused = (): Promise<never> => Promise.reject(new TypeError("not used here"));
  return {
    read: (into, position) => {
      const part = content.subarray(position, position + Math.min(step, into.length));
      into.set(part);
      return Promise.resolve(part.length);
    },
    write: unused,
    truncate: unused,
    sync: unused,
    sizeBytes: unused,
    close: unused,
  };
}

async function linesOf(
  text: string,
  options: { step: number; lineBytesMax: number },
): Promise<string[]> {
  const file = fileOf(new TextEncoder().encode(text), options.step);
  const lines: string[] = [];
  for await (const line of readLines(file, options)) {
    lines.push(
      `${line.kind}@${line.offset}+${line.length}:${new TextDecoder().decode(line.bytes)}`,
    );
  }
  return lines;
}

test("readLines() tells whole, torn and overlong lines with their places", async () => {
  const text = `ab\n\n${"x".repeat(20)}\ncd\nend`;
  for (const step of [1, 2, 3, 7, 1000]) {
    assert.deepEqual(await linesOf(text, { step, lineBytesMax: 10 }), [
      "whole@0+3:ab",
      "whole@3+1:",
      "too-long@4+21:",
      "whole@25+3:cd",
      "torn@28+3:end",
    ], `step ${step}`);
  }
  assert.deepEqual(await linesOf("", { step: 5, lineBytesMax: 10 }), []);
  assert.deepEqual(await linesOf("x".repeat(50), { step: 5, lineBytesMax: 10 }), ["torn@0+50:"]);
});

test("readLines() takes a line of exactly the limit, LF included, and none longer", async () => {
  for (const step of [1, 4, 100]) {
    assert.deepEqual(await linesOf("123456789\n", { step, lineBytesMax: 10 }), [
      "whole@0+10:123456789",
    ]);
    assert.deepEqual(await linesOf("1234567890\n", { step, lineBytesMax: 10 }), ["too-long@0+11:"]);
  }
});

test("readLines() gives what split gives, for any text and any reads", async () => {
  const piece = fc.oneof(
    fc.constant("\n"),
    fc.string({ maxLength: 12 }).filter((text) => !text.includes("\n")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 40 }), async (pieces, step) => {
      const text = pieces.join("");
      const seen = await linesOf(text, { step, lineBytesMax: 1 << 20 });
      const expected = text.split("\n");
      if (expected.at(-1) === "") expected.pop();
      assert.deepEqual(seen.map((line) => line.slice(line.indexOf(":") + 1)), expected);
    }),
    { numRuns: 200 },
  );
});

test("readLines() stays linear over a line of many megabytes", { timeout: 20_000 }, async () => {
  const content = new Uint8Array(32 << 20).fill(120);
  let count = 0;
  for await (const line of readLines(fileOf(content, 1 << 16), { lineBytesMax: 1 << 20 })) {
    count++;
    assert.equal(line.length, content.length);
  }
  assert.equal(count, 1);
});
