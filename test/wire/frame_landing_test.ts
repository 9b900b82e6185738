/** Frames read where they land: the same messages as the decoder's, however the reads cut them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameScanner } from "../../src/hot/mod.ts";
import { encodeTextFrame, frameDecoder, FrameLanding } from "../../src/wire/mod.ts";
import type { WireError } from "../../src/wire/mod.ts";
import { decodeAll, joined, runs, textOf } from "./_cuts.ts";

const scanners = [new FrameScanner(), new FrameScanner({ kernel: "plain" })];

/** Lands the stream in reads of these sizes, over and over. */
function land(
  stream: Uint8Array,
  options: { sizes: readonly number[]; scanner: FrameScanner; bytesMax: number },
): { messages: string[]; refusal: string | undefined } {
  const messages: string[] = [];
  let broken: WireError | undefined;
  const landing = new FrameLanding({
    scanner: options.scanner,
    bytesMax: options.bytesMax,
    take: (message) => messages.push(textOf(message)),
    onBroken: (error) => broken = error,
  });
  let at = 0;
  for (let turn = 0; at < stream.length; turn++) {
    const space = landing.space();
    assert.ok(space.length > 0);
    const size = options.sizes[turn % options.sizes.length] ?? 1;
    const piece = stream.subarray(at, at + Math.min(size, space.length));
    space.set(piece);
    landing.landed(piece.length);
    at += piece.length;
  }
  return { messages, refusal: broken?.code };
}

test("landed frames are the decoder's, on both kernels, and so is the refusal", () => {
  const limits = { bytesMax: 300 };
  const frame = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => encodeTextFrame(text, limits)),
    fc.uint8Array({ minLength: 1, maxLength: 6 }),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), sizes, (frames, cuts) => {
      const stream = joined(...frames);
      const whole = decodeAll(frameDecoder({ ...limits, utf8: true }), [stream]);
      for (const scanner of scanners) {
        const landed = land(stream, { sizes: cuts, scanner, ...limits });
        assert.deepEqual(landed.messages, whole.messages.map(textOf));
        assert.equal(landed.refusal, whole.refusal);
      }
    }),
    { numRuns: runs(60) },
  );
});

test("messages near the size of the memory go through it again and again", () => {
  const bytesMax = 8 * 2 ** 20;
  const sizes = [5_000_000, 10, bytesMax, 3_000_000, 4_000_000, 1, bytesMax - 7];
  for (const scanner of scanners.slice(0, 1)) {
    const parts = sizes.map((size) => encodeTextFrame("m".repeat(size), { bytesMax }));
    const stream = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      stream.set(part, at);
      at += part.length;
    }
    const { messages, refusal } = land(stream, { sizes: [65_536, 30_001], scanner, bytesMax });
    assert.equal(refusal, undefined);
    assert.deepEqual(messages.map((text) => text.length), sizes);
  }
});

test("a limit that the memory can't hold is refused at once", () => {
  const [scanner] = scanners;
  assert.ok(scanner !== undefined);
  const idle = { take: (): void => {}, onBroken: (): void => {} };
  assert.throws(() => new FrameLanding({ scanner, bytesMax: 9 * 2 ** 20, ...idle }), RangeError);
});
