import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PartsError } from "../../src/parts/mod.ts";
import {
  decodePartAnswer,
  decodePartRequest,
  encodePartRequest,
} from "../../src/parts/part_frames.ts";
import type { PartRequest } from "../../src/parts/part_frames.ts";
import { SeededRandom } from "../../src/sim/mod.ts";

const runs = 200 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);
const root = fc.uint8Array({ minLength: 32, maxLength: 32 });
const request: fc.Arbitrary<PartRequest> = fc.oneof(
  fc.record({ kind: fc.constant("about" as const), root }),
  fc.record({
    kind: fc.constant("outboard" as const),
    root,
    fromBytes: fc.maxSafeNat(),
    bytes: fc.integer({ min: 1, max: 512 * 1024 }),
  }),
  fc.record({
    kind: fc.constant("groups" as const),
    root,
    range: fc.record({
      first: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      count: fc.integer({ min: 1, max: 32 }),
    }),
  }),
);

test("requests come back as they were, and a changed length is refused", () => {
  fc.assert(
    fc.property(request, (one) => {
      const frame = encodePartRequest(one);
      assert.deepEqual(decodePartRequest(frame), structuredClone(one));
      assert.throws(() => decodePartRequest(frame.subarray(1)), PartsError);
      assert.throws(() => decodePartRequest(Uint8Array.of(...frame, 0)), PartsError);
    }),
    { numRuns: runs },
  );
});

test("whatever comes, a frame is read or refused as malformed", () => {
  const random = new SeededRandom(11);
  for (let i = 0; i < 50 * runs; i++) {
    const frame = random.fill(new Uint8Array(random.below(60)));
    if (i % 2 === 0 && frame.length > 0) frame[0] = random.below(5);
    for (
      const decode of [
        decodePartRequest,
        (bytes: Uint8Array): unknown => decodePartAnswer(bytes, { from: 4, to: 20 }),
      ]
    ) {
      try {
        decode(frame);
      } catch (thrown) {
        assert(thrown instanceof PartsError && thrown.code === "malformed", String(thrown));
      }
    }
  }
});
