/** Commands of the Redis protocol: every cut, exact bytes, hostile counts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commandDecoder, encodeCommand } from "../../src/wire/mod.ts";
import type { RespCommand } from "../../src/wire/mod.ts";
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

const limits = { bytesMax: 400, argumentsMax: 10, utf8: true };
const make = (): ReturnType<typeof commandDecoder> => commandDecoder(limits);
const send = (...parts: string[]): Uint8Array => encodeCommand(parts, limits);

function partsOf(commands: readonly RespCommand[]): string[][] {
  return commands.map(({ parts }) => parts.map(textOf));
}

test("commands cut at every byte, in pieces and whole, are the same, with their exact bytes", () => {
  const wanted = [["PING"], [], ["SET", "k\u00e4y", "\r\n$3\r\n"], ["GET", ""], ["x".repeat(200)]];
  const sent = wanted.map((parts) => send(...parts));
  const whole = sameUnderEveryCut(joined(...sent), make);
  assert.deepEqual(partsOf(whole.messages), wanted);
  assert.deepEqual(whole.messages.map(({ bytes }) => textOf(bytes)), sent.map(textOf));
});

test("random commands come out as they went in, wherever they are cut", () => {
  const command = fc.array(fc.string({ unit: "grapheme", maxLength: 9 }), { maxLength: 8 });
  const some = fc.array(command, { maxLength: 8 });
  sameUnderRandomCuts(some.map((list) => joined(...list.map((parts) => send(...parts)))), make);
  fc.assert(
    fc.property(some, (list) => {
      const stream = joined(...list.map((parts) => send(...parts)));
      assert.deepEqual(partsOf(decodeAll(make(), [stream]).messages), list);
    }),
    { numRuns: runs(60) },
  );
});

test("almost any bytes are commands, a wait or a refusal, and never another one when cut", () => {
  const some = fc.constantFrom(..."*$0123\r\nab-".split(""));
  fc.assert(
    fc.property(fc.array(some, { maxLength: 60 }), fc.nat(60), (text, at) => {
      const stream = bytesOf(`${text.join("")}\r\n\r\n\r\n*1\r\n$1\r\na\r\n`);
      const whole = decodeAll(make(), [stream]);
      const cut = decodeAll(make(), [stream.subarray(0, at), stream.subarray(at)]);
      assert.deepEqual(partsOf(cut.messages), partsOf(whole.messages));
      assert.equal(cut.refusal, whole.refusal);
    }),
    { numRuns: runs(300) },
  );
});

test("hostile counts are refused, however they arrive", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["*-1\r\n", "malformed"],
    ["*+1\r\n", "malformed"],
    ["*01\r\n", "malformed"],
    ["*\r\n", "malformed"],
    ["*99999999999999999999\r\n", "malformed"],
    ["*11\r\n", "too-large"],
    ["*999999999\r\n", "too-large"],
    ["*1\r\n$-1\r\n", "malformed"],
    ["*1\r\n$401\r\n", "too-large"],
    ["*1\r\n$999999999\r\n", "too-large"],
    ["*1\r\n$99999999999\r\n", "malformed"],
    ["*1\r\n$1\r\naXX", "malformed"],
    ["*1\r\n:1\r\n", "malformed"],
    ["PING\r\n", "malformed"],
    ["*1\n$1\r\na\r\n", "malformed"],
  ];
  for (const [text, code] of cases) {
    const stream = joined(send("ok"), bytesOf(text), bytesOf("\r\n".repeat(10)));
    const { messages, refusal } = decodeAll(make(), [stream]);
    assert.deepEqual([partsOf(messages), refusal], [[["ok"]], code], JSON.stringify(text));
    const slow = decodeAll(make(), piecesOf(stream, 1));
    assert.deepEqual([partsOf(slow.messages), slow.refusal], [[["ok"]], code], `slow ${text}`);
  }
});

test("an argument that is no UTF-8 is refused where UTF-8 was asked for", () => {
  for (const bad of NOT_UTF8) {
    const stream = encodeCommand(["SET", new Uint8Array(bad)], limits);
    assert.equal(decodeAll(make(), [stream]).refusal, "not-utf8");
    const any = decodeAll(commandDecoder({ bytesMax: 400, argumentsMax: 2 }), [stream]);
    assert.deepEqual(any.messages[0]?.parts[1], new Uint8Array(bad));
  }
});

test("one byte at a time, a command of many arguments is gathered in linear time", () => {
  const parts = Array.from({ length: 30_000 }, (_, i) => String(i));
  const bytesMax = 1_000_000;
  const decoder = commandDecoder({ bytesMax, argumentsMax: 65_536, utf8: true });
  const { messages } = decodeAll(decoder, piecesOf(encodeCommand(parts, { bytesMax }), 1));
  assert.deepEqual(partsOf(messages), [parts]);
});

test("what is too long is not sent either", () => {
  assert.throws(() => encodeCommand(["x".repeat(10)], { bytesMax: 19 }), { code: "too-large" });
});
