/** Frames: every cut gives the same messages, and hostile lengths cost nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame, encodeTextFrame, frameDecoder } from "../../src/wire/mod.ts";
import {
  bytesOf,
  decodeAll,
  joined,
  NOT_UTF8,
  piecesOf,
  runs,
  sameUnderEveryCut,
  sameUnderRandomCuts,
  textOf,
} from "./_cuts.ts";

const limits = { bytesMax: 300, utf8: true };
const make = (): ReturnType<typeof frameDecoder> => frameDecoder(limits);

function framesOf(texts: readonly string[]): Uint8Array {
  return joined(...texts.map((text) => encodeTextFrame(text, limits)));
}

test("a frame cut at every byte, in pieces and whole, gives the same messages", () => {
  const texts = ["", "a", "\u00e4\u20ac\u{1f41d}", "x".repeat(300), "", "end"];
  const whole = sameUnderEveryCut(framesOf(texts), make);
  assert.deepEqual(whole.messages.map(textOf), texts);
  assert.equal(whole.refusal, undefined);
});

test("random frames come out as they went in, wherever they are cut", () => {
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 60 }), { maxLength: 20 });
  sameUnderRandomCuts(texts.map(framesOf), make);
  fc.assert(
    fc.property(texts, (some) => {
      assert.deepEqual(decodeAll(make(), [framesOf(some)]).messages.map(textOf), some);
    }),
    { numRuns: runs(60) },
  );
});

test("any bytes at all are messages, a wait or a named refusal, the same under every cut", () => {
  sameUnderRandomCuts(fc.uint8Array({ maxLength: 120 }), make);
});

test("messages longer than a window and than many chunks come out exact", () => {
  const bytesMax = 300_000;
  const texts = ["y".repeat(200_000), "", "\u00e4".repeat(70_000), "z"];
  const stream = joined(...texts.map((text) => encodeTextFrame(text, { bytesMax })));
  for (const size of [1_000, 65_536, 65_537, 1 << 20]) {
    const { messages } = decodeAll(frameDecoder({ bytesMax, utf8: true }), piecesOf(stream, size));
    assert.ok(messages.map(textOf).join() === texts.join(), `Pieces of ${size}`);
  }
});

test("a length above the limit is refused by its four bytes, after the messages before it", () => {
  for (const head of [[0, 0, 1, 0x2d], [0x7f, 255, 255, 255], [255, 255, 255, 255]]) {
    const stream = joined(framesOf(["before"]), new Uint8Array(head));
    const { messages, refusal } = sameUnderEveryCut(stream, make);
    assert.deepEqual(messages.map(textOf), ["before"]);
    assert.equal(refusal, "too-large");
  }
});

test("what is kept grows with what arrives, not with what was announced", () => {
  const decoder = frameDecoder({ bytesMax: 8 * 2 ** 20 });
  decoder.push(new Uint8Array([0, 0x80, 0, 0, 1, 2, 3]));
  assert.equal(decoder.next(), undefined);
  assert.equal(decoder.pendingBytes, 7);
});

test("one byte at a time, a large frame is gathered in linear time", () => {
  const text = "b".repeat(400_000);
  const stream = encodeTextFrame(text, { bytesMax: 400_000 });
  const decoder = frameDecoder({ bytesMax: 400_000, utf8: true });
  const { messages } = decodeAll(decoder, piecesOf(stream, 1));
  assert.equal(messages.length, 1);
  assert.equal(textOf(messages[0] ?? new Uint8Array()), text);
});

test("bytes that are no UTF-8 are refused at every position, and taken when nobody asked", () => {
  for (const bad of NOT_UTF8) {
    for (let before = 0; before < 40; before++) {
      const body = joined(bytesOf("a".repeat(before)), new Uint8Array(bad), bytesOf("tail"));
      const stream = joined(framesOf(["ok"]), encodeFrame(body, limits));
      const { messages, refusal } = decodeAll(make(), [stream]);
      assert.deepEqual(messages.map(textOf), ["ok"]);
      assert.equal(refusal, "not-utf8");
      const any = decodeAll(frameDecoder({ bytesMax: 300 }), [stream]);
      assert.deepEqual(any.messages[1], body);
    }
  }
});

test("decoders take turns at the one scanner without seeing each other's messages", () => {
  const decoders = [make(), make(), make()];
  const streams = decoders.map((_, i) => framesOf([`a${i}`, `b${i}`.repeat(9), `c${i}`]));
  const got = decoders.map((): string[] => []);
  for (let at = 0; at < 40; at++) {
    for (const [i, decoder] of decoders.entries()) {
      decoder.push((streams[i] ?? new Uint8Array()).subarray(at, at + 1));
    }
    for (const [i, decoder] of decoders.entries()) {
      for (let one = decoder.next(); one !== undefined; one = decoder.next()) {
        got[i]?.push(textOf(one));
      }
    }
  }
  assert.deepEqual(got, decoders.map((_, i) => [`a${i}`, `b${i}`.repeat(9), `c${i}`]));
});

test("messages of one chunk stay as they are when other chunks come", () => {
  const decoder = make();
  decoder.push(framesOf(["one", "two"]));
  const first = decoder.next();
  const second = decoder.next();
  assert.equal(decoder.next(), undefined);
  decodeAll(decoder, piecesOf(framesOf(["xxxxxxxxxxxx", "yyyyyyyyyy"]), 3));
  assert.deepEqual([first, second].map((one) => textOf(one ?? new Uint8Array())), ["one", "two"]);
});

test("bytes pushed before the last ones are used up are the caller's mistake", () => {
  const decoder = make();
  decoder.push(framesOf(["one", "two"]));
  assert.throws(() => decoder.push(new Uint8Array(1)), TypeError);
  assert.equal(textOf(decoder.next() ?? new Uint8Array()), "one");
  assert.throws(() => decoder.push(new Uint8Array(1)), TypeError);
});

test("what is too long is not sent either", () => {
  assert.throws(() => encodeFrame(new Uint8Array(11), { bytesMax: 10 }), { code: "too-large" });
  assert.throws(() => encodeTextFrame("\u00e4".repeat(6), { bytesMax: 10 }), { code: "too-large" });
  assert.equal(encodeTextFrame("\u00e4".repeat(5), { bytesMax: 10 }).length, 14);
});
