import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  FrameScanner,
  SCAN_ARGUMENTS_MAX,
  SCAN_BYTES_MAX,
  SCAN_RECORDS_MAX,
} from "../../src/hot/frames.ts";
import type { ScanLimits } from "../../src/hot/frames.ts";
import { KERNELS, numbersFrom, runs } from "./_runs.ts";

type Framing = "frames" | "lines" | "commands";

const FRAMINGS: readonly Framing[] = ["frames", "lines", "commands"];
const encoder = new TextEncoder();

function scan(
  scanner: FrameScanner,
  framing: Framing,
  data: Uint8Array,
  limits: ScanLimits,
): number {
  if (framing === "frames") return scanner.scanFrames(data, limits);
  return framing === "lines" ? scanner.scanLines(data, limits) : scanner.scanCommands(data, limits);
}

/** Everything that a scan says. */
function answerOf(
  scanner: FrameScanner,
  framing: Framing,
  data: Uint8Array,
  limits: ScanLimits,
): object {
  const count = scan(scanner, framing, data, limits);
  const width = framing === "commands" ? 4 : 2;
  const records = [...scanner.records.subarray(0, width * count)];
  const last = framing === "commands" && count > 0
    ? (records.at(-2) ?? 0) + (records.at(-1) ?? 0)
    : 0;
  return {
    records,
    arguments: [...scanner.arguments.subarray(0, 2 * last)],
    status: scanner.status,
    consumedBytes: scanner.consumedBytes,
    errorOffset: scanner.errorOffset,
    neededBytes: scanner.neededBytes,
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + message.length);
  new DataView(frame.buffer).setUint32(0, message.length);
  frame.set(message, 4);
  return frame;
}

function encodeCommand(args: readonly Uint8Array[]): Uint8Array {
  const head = encoder.encode(`*${args.length}\r\n`);
  const tail = encoder.encode("\r\n");
  const bulks = args.map((arg) => joined([encoder.encode(`$${arg.length}\r\n`), arg, tail]));
  return joined([head, ...bulks]);
}

function encode(framing: Framing, messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (framing === "frames") return joined(messages.map(encodeFrame));
  if (framing === "lines") return joined(messages.flatMap((each) => [each, Uint8Array.of(10)]));
  const commands = messages.map((each) => encodeCommand([each, encoder.encode("x"), each]));
  return joined(commands);
}

/** Messages as text, taken off a stream that arrives in the given pieces. */
function decodePieces(
  scanner: FrameScanner,
  framing: Framing,
  pieces: readonly Uint8Array[],
): readonly string[] {
  const limits = { bytesMax: 10_000, utf8: true, recordsMax: 3 };
  const found: string[] = [];
  let rest = new Uint8Array(0);
  for (const piece of pieces) {
    rest = joined([rest, piece]);
    for (;;) {
      const count = scan(scanner, framing, rest, limits);
      found.push(...textsOf(scanner, framing, rest, count));
      const { status, consumedBytes, neededBytes } = scanner;
      rest = rest.slice(consumedBytes);
      assert.ok(status === "done" || status === "table-full", status);
      if (status === "table-full") continue;
      assert.ok(neededBytes === 0 || neededBytes > rest.length, "it waits for what is not there");
      break;
    }
  }
  assert.equal(rest.length, 0);
  return found;
}

function textsOf(
  scanner: FrameScanner,
  framing: Framing,
  data: Uint8Array,
  count: number,
): readonly string[] {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const table = framing === "commands" ? scanner.arguments : scanner.records;
    const entry = framing === "commands" ? scanner.records[4 * i + 2] ?? 0 : i;
    const at = table[2 * entry] ?? 0;
    texts.push(new TextDecoder().decode(data.subarray(at, at + (table[2 * entry + 1] ?? 0))));
  }
  return texts;
}

for (const kernel of KERNELS) {
  const scanner = new FrameScanner({ kernel });

  for (const framing of FRAMINGS) {
    test(`${framing} (${kernel}) are the same whole, under every cut, and byte by byte`, () => {
      const line = fc.string({ unit: "binary", maxLength: 90 })
        .map((text) => encoder.encode(text.replaceAll("\n", "").toWellFormed()));
      fc.assert(
        fc.property(fc.array(line, { maxLength: 6 }), (messages) => {
          const data = encode(framing, messages);
          const expected = messages.map((each) => new TextDecoder().decode(each));
          // TextDecoder drops a byte order mark; so does the comparison.
          assert.deepEqual(decodePieces(scanner, framing, [data]), expected);
          const bytewise = Array.from(data, (_, i) => data.subarray(i, i + 1));
          assert.deepEqual(decodePieces(scanner, framing, bytewise), expected);
          for (let cut = 1; cut < data.length; cut++) {
            const pieces = [data.subarray(0, cut), data.subarray(cut)];
            assert.deepEqual(decodePieces(scanner, framing, pieces), expected);
          }
        }),
        runs(12),
      );
    });
  }

  test(`scanFrames() (${kernel}) refuses a length above the limit before its bytes are there`, () => {
    const limits = { bytesMax: 8 };
    for (const length of [9, 0x100, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const data = joined([encodeFrame(encoder.encode("ok")), new Uint8Array(4)]);
      new DataView(data.buffer).setUint32(6, length);
      assert.equal(scanner.scanFrames(data, limits), 1);
      assert.equal(scanner.status, "too-long");
      assert.equal(scanner.consumedBytes, 6);
      assert.equal(scanner.errorOffset, 6);
    }
    assert.equal(scanner.scanFrames(Uint8Array.of(0, 0, 0, 8, 1), limits), 0);
    assert.deepEqual([scanner.status, scanner.neededBytes], ["done", 12]);
    assert.equal(scanner.scanFrames(Uint8Array.of(0, 0, 0, 0), { bytesMax: 0 }), 1);
  });

  test(`scanLines() (${kernel}) refuses a line above the limit before its end is there`, () => {
    const limits = { bytesMax: 70 };
    const fits = encoder.encode(`${"a".repeat(70)}\n`);
    assert.equal(scanner.scanLines(fits, limits), 1);
    assert.equal(scanner.scanLines(encoder.encode("a".repeat(70)), limits), 0);
    assert.deepEqual([scanner.status, scanner.consumedBytes], ["done", 0]);
    for (const long of ["a".repeat(71), `${"a".repeat(71)}\n`, `${"a".repeat(700)}\nb\n`]) {
      const data = encoder.encode(`ok\n${long}`);
      assert.equal(scanner.scanLines(data, limits), 1);
      assert.deepEqual([scanner.status, scanner.errorOffset], ["too-long", 3]);
    }
  });

  test(`scanLines() (${kernel}) takes a million empty lines in full tables`, () => {
    const data = new Uint8Array(1_000_000).fill(10);
    let lines = 0;
    let scans = 0;
    for (let at = 0; at < data.length; at += scanner.consumedBytes) {
      lines += scanner.scanLines(data.subarray(at), { bytesMax: 100, utf8: true });
      scans++;
      assert.ok(["done", "table-full"].includes(scanner.status));
    }
    assert.equal(lines, 1_000_000);
    assert.equal(scans, Math.ceil(1_000_000 / SCAN_RECORDS_MAX));
  });

  test(`scanCommands() (${kernel}) refuses counts and forms that are not plain`, () => {
    const limits = { bytesMax: 100, argumentsMax: 3 };
    const cases: readonly (readonly [string, string, number])[] = [
      ["*-1\r\n", "wrong-count", 0],
      ["*+1\r\n", "wrong-count", 0],
      ["*\r\n", "wrong-count", 0],
      ["*01\r\n", "wrong-count", 0],
      ["*1x\r\n", "wrong-count", 0],
      ["*1\rx", "wrong-count", 0],
      ["*1\n", "wrong-count", 0],
      ["*1000000000\r\n", "wrong-count", 0],
      [`*${"9".repeat(50)}`, "wrong-count", 0],
      ["*4\r\n", "too-many", 0],
      ["*999999999\r\n", "too-many", 0],
      ["PING\r\n", "wrong-type", 0],
      ["*1\r\n:5\r\n", "wrong-type", 4],
      ["*1\r\n$-1\r\n", "wrong-count", 4],
      ["*1\r\n$999999999\r\n", "too-long", 4],
      ["*1\r\n$90\r\n", "too-long", 4],
      ["*1\r\n$2\r\nabc\r\n", "wrong-end", 10],
      ["*1\r\n$2\r\nab\rx", "wrong-end", 10],
    ];
    for (const [text, status, error] of cases) {
      assert.equal(scanner.scanCommands(encoder.encode(`*0\r\n${text}`), limits), 1, text);
      assert.deepEqual([scanner.status, scanner.errorOffset], [status, 4 + error], text);
      assert.equal(scanner.consumedBytes, 4);
    }
    assert.equal(scanner.scanCommands(encoder.encode("*1\r\n$50\r\nab"), limits), 0);
    assert.deepEqual([scanner.status, scanner.neededBytes], ["done", 61]);
  });

  test(`scanCommands() (${kernel}) gives a full table of arguments back before going on`, () => {
    const one = encodeCommand(Array.from({ length: 40_000 }, () => new Uint8Array(0)));
    const data = joined([one, one]);
    const limits = { bytesMax: SCAN_BYTES_MAX };
    assert.equal(scanner.scanCommands(data, limits), 1);
    assert.equal(scanner.status, "table-full");
    assert.equal(scanner.consumedBytes, one.length);
    assert.equal(scanner.scanCommands(data.subarray(one.length), limits), 1);
    assert.equal(scanner.status, "done");
    const most = encodeCommand(
      Array.from({ length: SCAN_ARGUMENTS_MAX + 1 }, () => new Uint8Array(0)),
    );
    assert.equal(scanner.scanCommands(most, limits), 0);
    assert.equal(scanner.status, "too-many");
  });

  test(`UTF-8 (${kernel}) is refused at every position, and the byte is named`, () => {
    const good = encoder.encode(
      "plain text, né \u{1f41d} 蜂 and more of it, to fill blocks \u{10ffff}.",
    );
    const bad = [0x80, 0xc0, 0xc1, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff];
    for (const byte of bad) {
      for (let i = 0; i < good.length; i++) {
        const text = good.slice();
        text[i] = byte;
        const valid = isUtf8(text);
        for (const framing of FRAMINGS) {
          const data = encode(framing, [good, text, good]);
          const count = scan(scanner, framing, data, { bytesMax: 4096, utf8: true });
          assert.equal(count, valid ? 3 : 1, `${framing}, 0x${byte.toString(16)} at ${i}`);
          assert.equal(scanner.status, valid ? "done" : "invalid-utf8");
          assert.equal(scan(scanner, framing, data, { bytesMax: 4096 }), 3);
        }
        const prefix = scanner.utf8Prefix(text);
        assert.ok(isUtf8(text.subarray(0, prefix)));
        assert.equal(prefix === text.length, valid);
        if (!valid) assert.ok(i - 3 <= prefix && prefix <= i + 3);
      }
    }
  });
}

test("an open sequence is refused wherever it is cut off by plain text, also between blocks", () => {
  const scanner = new FrameScanner();
  for (const lead of [0xc3, 0xe2, 0xf0, 0xbf]) {
    for (let i = 0; i < 200; i++) {
      const text = new Uint8Array(200).fill(0x61);
      text[i] = lead;
      for (const framing of FRAMINGS) {
        const data = encode(framing, [text]);
        assert.equal(scan(scanner, framing, data, { bytesMax: 4096, utf8: true }), 0);
        assert.equal(scanner.status, "invalid-utf8", `${framing}, 0x${lead.toString(16)} at ${i}`);
      }
    }
  }
});

test("bytes that an earlier scan left behind the data are never read as part of it", () => {
  const scanner = new FrameScanner();
  for (const left of ["\n", "*", "$", "0", "\0", "\xff"]) {
    for (let length = 0; length < 150; length++) {
      for (const framing of FRAMINGS) {
        scanner.input.fill(left.charCodeAt(0), 0, 300);
        const data = framing === "commands"
          ? encoder.encode("*3\r\n$1\r\na\r\n$2\r\n")
          : new Uint8Array(length).fill(0x61);
        const part = data.subarray(0, Math.min(length, data.length));
        assert.equal(scan(scanner, framing, part, { bytesMax: 2 ** 22, utf8: true }), 0);
        const expected = framing === "frames" && length >= 4 ? "too-long" : "done";
        assert.equal(scanner.status, expected, `${framing} of ${length}`);
      }
    }
  }
});

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test("UTF-8 validation agrees with TextDecoder on random sequences near the borders", () => {
  const scanner = new FrameScanner();
  const next = numbersFrom(77);
  const edges = [0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1];
  edges.push(0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
  for (let run = 0; run < runs(20_000).numRuns; run++) {
    const length = next() % 6 === 0 ? next() % 80 : next() % 7;
    const text = Uint8Array.from({ length }, () => edges[next() % edges.length] ?? 0);
    const padded = new Uint8Array(next() % 40 + length).fill(0x61);
    padded.set(text, padded.length - length);
    scanner.scanFrames(encodeFrame(padded), { bytesMax: 200, utf8: true });
    assert.equal(scanner.status === "done", isUtf8(padded), [...padded].join(" "));
  }
});

test("the scanner and its twin say the same of any bytes", () => {
  const wasm = new FrameScanner();
  const plain = new FrameScanner({ kernel: "plain" });
  const soup = fc.array(
    fc.oneof(
      fc.constantFrom(
        "*1\r\n",
        "*2\r\n",
        "$1\r\n",
        "$3\r\nabc\r\n",
        "\r\n",
        "\n",
        "\n\n",
        "é",
        "\u{1f41d}",
      ),
      fc.constantFrom("\0\0\0\x01a", "\0\0\0\x05hello", "\0\0\0\0", "\0\0\0", "x".repeat(70)),
      fc.constantFrom("$12\r\nhello world!\r\n", "$10\r\n", "$99\r\n", "*10\r\n", "$123\r\n"),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 40 },
  ).map((parts) => encoder.encode(parts.join("")));
  const limits = fc.record({
    bytesMax: fc.nat({ max: 100 }),
    recordsMax: fc.integer({ min: 1, max: 20 }),
    argumentsMax: fc.nat({ max: 4 }),
    utf8: fc.boolean(),
  });
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 });
  fc.assert(
    fc.property(
      fc.constantFrom(...FRAMINGS),
      soup,
      flips,
      limits,
      (framing, data, changes, limit) => {
        for (const [at, byte] of changes) if (data.length > 0) data[at % data.length] = byte;
        // Shorter and shorter, so that what lies behind the data is what would come next.
        for (let length = data.length; length >= 0; length -= length > 30 ? 17 : 1) {
          const part = data.subarray(0, length);
          const answer = answerOf(plain, framing, part, limit);
          assert.deepEqual(answerOf(wasm, framing, part, limit), answer);
        }
      },
    ),
    runs(500),
  );
});

test("FrameScanner scans its own input in place, and refuses what is out of range", () => {
  const scanner = new FrameScanner();
  const data = encode("lines", [encoder.encode("one"), encoder.encode("two")]);
  scanner.input.set(data, 100_000);
  const placed = scanner.input.subarray(100_000, 100_000 + data.length);
  assert.equal(scanner.scanLines(placed, { bytesMax: 9 }), 2);
  assert.deepEqual([...scanner.records.subarray(0, 4)], [0, 3, 4, 3]);
  assert.throws(
    () => scanner.scanLines(new Uint8Array(SCAN_BYTES_MAX + 1), { bytesMax: 1 }),
    RangeError,
  );
  const wrong: readonly ScanLimits[] = [
    { bytesMax: -1 },
    { bytesMax: NaN },
    { bytesMax: SCAN_BYTES_MAX + 1 },
    { bytesMax: 1, recordsMax: 0 },
    { bytesMax: 1, recordsMax: SCAN_RECORDS_MAX + 1 },
    { bytesMax: 1, argumentsMax: SCAN_ARGUMENTS_MAX + 1 },
  ];
  for (const limits of wrong) assert.throws(() => scanner.scanCommands(data, limits), RangeError);
});
