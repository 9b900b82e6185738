/** Splitting a byte stream into lines, whatever its pieces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitLines } from "../../src/platform/stdin_lines.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

async function lines(text: string, size: number, charsMax = 100): Promise<string[]> {
  const seen: string[] = [];
  const chunks = pieces(new TextEncoder().encode(text), size);
  for await (const line of splitLines(chunks, { charsMax })) seen.push(line);
  return seen;
}

test("splitLines() gives the same lines at every cut, also within a character", async () => {
  const text = "erste\r\nzweite: \u00e4\u{1f41d}\n\nletzte";
  for (let size = 1; size <= text.length + 8; size++) {
    const expected = ["erste", "zweite: \u00e4\u{1f41d}", "", "letzte"];
    assert.deepEqual(await lines(text, size), expected);
  }
  assert.deepEqual(await lines("a\n", 1), ["a"]);
  assert.deepEqual(await lines("", 1), []);
});

test("splitLines() refuses a line beyond its bound before it is complete", async () => {
  await assert.rejects(lines("x".repeat(101), 10), RangeError);
  await assert.rejects(lines("x".repeat(101) + "\n", 1_000), RangeError);
  assert.deepEqual(await lines("x".repeat(100) + "\n", 10), ["x".repeat(100)]);
});
