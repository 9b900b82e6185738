/** NDJSON lines: every cut gives the same lines; empty, long and endless ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeJsonLine, lineDecoder } from "../../src/wire/mod.ts";
import {
  bytesOf,
  decodeAll,
  joined,
  NOT_UTF8,
  piecesOf,
  sameUnderEveryCut,
  sameUnderRandomCuts,
  textOf,
} from "./_cuts.ts";

const make = (): ReturnType<typeof lineDecoder> => lineDecoder({ bytesMax: 40, utf8: true });

test("lines cut at every byte, in pieces and whole, are the same", () => {
  const lines = ["{}", "", "\u00e4\u20ac\u{1f41d}", "x".repeat(40), '{"a":1}\r', ""];
  const whole = sameUnderEveryCut(bytesOf(lines.map((line) => `${line}\n`).join("")), make);
  assert.deepEqual(whole.messages.map(textOf), lines);
});

test("any bytes are lines, a wait or a named refusal, the same under every cut", () => {
  const some = fc.constantFrom(10, 13, 97, 0xc3, 0xa4, 0xff);
  const streams = fc.array(some, { maxLength: 150 }).map((bytes) => new Uint8Array(bytes));
  sameUnderRandomCuts(streams, make);
});

test("what follows the last LF is kept, and is no line", () => {
  const { messages, pendingBytes } = decodeAll(make(), [bytesOf("a\nrest")]);
  assert.deepEqual(messages.map(textOf), ["a"]);
  assert.equal(pendingBytes, 4);
});

test("a line above the limit is refused without its end, and the limit itself is not", () => {
  const fits = sameUnderEveryCut(bytesOf(`ok\n${"x".repeat(40)}\n`), make);
  assert.equal(fits.refusal, undefined);
  for (const line of [`${"x".repeat(41)}\n`, "x".repeat(41), "x".repeat(500)]) {
    const { messages, refusal } = sameUnderEveryCut(bytesOf(`ok\n${line}`), make);
    assert.deepEqual([messages.map(textOf), refusal], [["ok"], "too-large"]);
  }
});

test("a million empty lines are a million messages, whole and in chunks", () => {
  const stream = new Uint8Array(1_000_000).fill(10);
  for (const pieces of [[stream], [...piecesOf(stream, 65_536)]]) {
    const decoder = make();
    let count = 0;
    for (const piece of pieces) {
      decoder.push(piece);
      for (let line = decoder.next(); line !== undefined; line = decoder.next()) {
        if (line.length === 0) count += 1;
      }
    }
    assert.equal(count, 1_000_000);
  }
});

test("one byte at a time, a long line is gathered in linear time", () => {
  const text = "c".repeat(400_000);
  const decoder = lineDecoder({ bytesMax: 400_000, utf8: true });
  const { messages } = decodeAll(decoder, piecesOf(bytesOf(`${text}\n`), 1));
  assert.deepEqual(messages.map(textOf), [text]);
});

test("a line that is no UTF-8 is refused at every position", () => {
  for (const bad of NOT_UTF8) {
    for (let before = 0; before < 20; before++) {
      const line = joined(bytesOf("a".repeat(before)), new Uint8Array(bad), bytesOf("b\n"));
      const { messages, refusal } = decodeAll(make(), [joined(bytesOf("ok\n"), line)]);
      assert.deepEqual([messages.map(textOf), refusal], [["ok"], "not-utf8"]);
    }
  }
});

test("a value becomes one line of JSON, within the limit", () => {
  const limits = { bytesMax: 10 };
  assert.equal(textOf(encodeJsonLine({ a: "\n" }, limits)), '{"a":"\\n"}\n');
  assert.throws(() => encodeJsonLine({ a: "bcde" }, limits), { code: "too-large" });
  assert.throws(() => encodeJsonLine(undefined, limits), TypeError);
});
