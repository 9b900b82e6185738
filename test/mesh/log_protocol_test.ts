/** Frames about journals: what is written is read, and nothing else is, whatever comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import {
  logAnswerFrame,
  logRequestFrame,
  MembershipError,
  parseHeadMessage,
  parseLogAnswer,
  parseLogRequest,
} from "../../src/mesh/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { mutatedFrames } from "./_log_fuzz.ts";

const head = { size: 7, root: "ab".repeat(32), tsMs: 5, signature: "cd".repeat(64) };
const RUNS = Number(process.env["SKEP_TEST_RUNS"] ?? 1);

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function refused(parse: () => unknown, code: MembershipError["code"]): void {
  assert.throws(parse, (thrown) => thrown instanceof MembershipError && thrown.code === code);
}

test("requests, answers and messages come back as they went in", () => {
  assert.deepEqual(parseLogRequest(logRequestFrame([head, head])), [head, head]);
  const answer = { head, proofs: [[head.root], null, []] };
  assert.deepEqual(parseLogAnswer(logAnswerFrame(answer)), answer);
  assert.deepEqual(parseHeadMessage(bytesOf(head)), head);
  const most = { head, proofs: Array.from({ length: 4 }, () => Array(110).fill(head.root)) };
  assert.deepEqual(parseLogAnswer(logAnswerFrame(most)), most, "the largest there can be");
  assert.equal(parseLogRequest(logRequestFrame(Array(9).fill(head))).length, 4);
});

test("what has another form is refused by name", () => {
  for (
    const bad of [
      ...[null, [], 5, "x", {}, { known: [] }, { known: [head], more: 1 }, { known: head }],
      ...[{ known: [{ ...head, size: -1 }] }, { known: [{ ...head, size: 1.5 }] }],
      ...[{ known: [{ ...head, root: "AB".repeat(32) }] }, { known: Array(5).fill(head) }],
    ]
  ) refused(() => parseLogRequest(bytesOf(bad)), "malformed");
  for (
    const bad of [
      ...[{ head }, { head, proofs: [["ab"]] }, { head, proofs: [Array(111).fill(head.root)] }],
      ...[{ head: null, proofs: [] }, { head, proofs: Array(5).fill(null) }],
    ]
  ) refused(() => parseLogAnswer(bytesOf(bad)), "malformed");
  refused(() => parseHeadMessage(Uint8Array.of(0xff, 0xfe)), "malformed");
  refused(() => parseHeadMessage(new Uint8Array(2_049)), "too-long");
  refused(() => parseLogRequest(new Uint8Array(2_049)), "too-long");
  refused(() => parseLogAnswer(new Uint8Array(40_000)), "too-long");
});

test("no mutation of a frame does anything but be read or be refused", () => {
  const seen = mutatedFrames({ count: 3_000 * RUNS, random: new SeededRandom(1) });
  assert.ok(seen.refused > seen.read && seen.read > 0, JSON.stringify(seen));
});
