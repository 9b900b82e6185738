/** Goal: a bar for people while a large model loads, four lines for a log, nothing for a small model. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelProgress } from "../../src/cli/_progress.ts";
import type { CliIo } from "../../src/cli/mod.ts";

const totalBytes = 2_000_000_000;

/** What is written to standard error while a model of `total` bytes loads in 100 steps. */
function written(isTerminal: boolean, total = totalBytes): string {
  let text = "";
  const stderr = {
    write: (more: string) => void (text += more),
    isTerminal,
    columns: 80,
    rows: 24,
  };
  const progress = new ModelProgress({ stderr } as unknown as CliIo);
  for (let step = 0; step <= 100; step++) {
    progress.show({ what: "large", loadedBytes: (total / 100) * step, totalBytes: total });
  }
  progress.clear();
  return text;
}

test("ModelProgress draws one line that grows, and removes it at the end", () => {
  const text = written(true);
  assert.equal(text.includes("\n"), false);
  const frames = text.split("\r").filter((frame) => frame.startsWith("Loading"));
  assert.equal(frames.length, 101);
  assert.match(frames[50] ?? "", /^Loading large \[#{15}\.{15}\] 50 % of 2\.0 GB/);
  for (const frame of frames) assert(frame.replace("\x1b[K", "").length < 80);
  assert(text.endsWith("\r\x1b[K"));
});

test("ModelProgress writes a plain line for each quarter where no person looks", () => {
  const lines = written(false).trimEnd().split("\n");
  assert.deepEqual(lines, [0, 25, 50, 75, 100].map((at) => `Loading large: ${at} % of 2.0 GB`));
});

test("ModelProgress shows nothing for a model that loads at once", () => {
  assert.equal(written(true, 1_000_000), "");
});
