/** A table measured in pieces: which of recorded lines is shown, and which pairs a piece is of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MODEL_ROWS, nameOf, somePairs } from "../../bench/inference/rows.ts";
import { readResults } from "../../bench/results_file.ts";

const result = {
  name: "decode-110m",
  what: "decode",
  runtime: "node 24.1.0",
  peer: "wllama",
  ratio: 1,
  gate: null,
  pass: true,
  ourNs: 1,
  peerNs: 1,
  checksum: 0,
  small: false,
};

function line(date: string, changes: object): string {
  return JSON.stringify({ date, machine: "one", ...changes });
}

test("readResults() keeps the newest of a row, runtime and peer, wherever it stands", () => {
  const { results, notes } = readResults([
    line("2026-11-21T17:00Z", { ...result, ratio: 2 }),
    line("2026-11-20", { ...result, runtime: "node 24.0.0", ratio: 3 }),
    line("2026-11-20", { ...result, runtime: "deno 2.9.6", ratio: 4 }),
    line("2026-11-21T18:00Z", { ...result, peer: "llama", ratio: 5 }),
    line("2026-11-21T17:30Z", { note: "llama: AVX2" }),
    line("2026-11-21T18:30Z", { note: "llama: AVX-512" }),
    "",
  ].join("\n"));
  assert.deepEqual(results.map(({ ratio }) => ratio), [2, 4, 5]);
  assert.equal(results[0]?.date, "2026-11-21T17:00Z");
  assert.deepEqual(notes, ["llama: AVX-512"]);
});

test("somePairs() takes those of a text, and pieces make up the whole", () => {
  for (const rows of MODEL_ROWS) {
    const pieces = ["llama-cpp", "/ skep", "wllama"].flatMap((part) => somePairs(rows, part).pairs);
    assert.deepEqual(new Set(pieces), new Set(rows.pairs), nameOf(rows));
    assert.equal(pieces.length, rows.pairs.length, nameOf(rows));
  }
  const large = MODEL_ROWS.find(({ footprint }) => footprint);
  assert.ok(large !== undefined);
  assert.equal(somePairs(large, "llama").footprint, false);
  const footprint = somePairs(large, "footprint");
  assert.ok(footprint.pairs.length > 0 && footprint.rounds === 0);
  assert.ok(footprint.pairs.every(({ peer }) => peer.startsWith("skep")));
});
