/**
 * The reader on files that lie: each kind of lie has its code, and the message names the place. Then
 * properties: whatever is cut or flipped, nothing but a ModelError comes out, in bounded reads.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeGguf } from "../../bench/models/encode_gguf.ts";
import type { GgufToWrite, TensorToWrite } from "../../bench/models/encode_gguf.ts";
import {
  inspectModel,
  loadTokenizer,
  ModelError,
  openGguf,
  readModelShape,
} from "../../src/model/mod.ts";
import type { ModelErrorCode } from "../../src/model/mod.ts";
import { countingSource, isModelError, openWritten, runs, tensor, tinyLlama } from "./_files.ts";
import { fixture } from "./_vectors.ts";

const HUGE = 2n ** 60n;

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** One lie: its name, the code and words that it must be refused with, and the file. */
type Lie = readonly [name: string, code: ModelErrorCode, words: RegExp, file: GgufToWrite];

function oneTensor(changes: Partial<TensorToWrite>): GgufToWrite {
  return { metadata: [], tensors: [{ ...tensor("t", [32, 2]), ...changes }] };
}

const LIES: readonly Lie[] = [
  ["version 1", "unsupported-version", /current version is 1/, { metadata: [], version: 1 }],
  ["version 4", "unsupported-version", /2 or 3/, { metadata: [], version: 4 }],
  ["big endian", "big-endian", /big-endian/, { metadata: [], version: 0x0300_0000 }],
  ["2^60 pairs", "truncated", /its metadata cannot fit/, { metadata: [], pairCount: HUGE }],
  ["2^60 tensors", "truncated", /its tensor list cannot fit/, { metadata: [], tensorCount: HUGE }],
  ["2^60 items", "truncated", /value of key 'k' cannot fit/, {
    metadata: [["k", { type: "array", of: "f32", value: [], count: HUGE }]],
  }],
  ["2^60 strings", "truncated", /value of key 'k' cannot fit/, {
    metadata: [["k", { type: "array", of: "string", value: [], count: HUGE }]],
  }],
  ["2^60 bools", "truncated", /value of key 'k' cannot fit/, {
    metadata: [["k", { type: "array", of: "bool", value: [], count: HUGE }]],
  }],
  ["a string of 2^60 bytes", "truncated", /value of key 'k' cannot fit/, {
    metadata: [["k", { type: "raw", typeId: 8, value: u64(HUGE) }]],
  }],
  ["an item past the end", "truncated", /item 0 of the value of key 'k'/, {
    metadata: [["k", {
      type: "raw",
      typeId: 9,
      value: concat(Uint8Array.of(8, 0, 0, 0), u64(1n), u64(1000n)),
    }]],
  }],
  ["a long key", "too-large", /metadata key 0 must be at most 65535/, {
    metadata: [["k".repeat(70_000), { type: "u8", value: 1 }]],
  }],
  ["a long token", "too-large", /item 0/, {
    metadata: [["k", { type: "array", of: "string", value: ["x".repeat(8193)] }]],
  }],
  ["an empty key", "bad-metadata", /key 0 must not be empty/, {
    metadata: [["", { type: "u8", value: 1 }]],
  }],
  ["a key of invalid UTF-8", "bad-metadata", /metadata key 0 at byte 24 must be valid UTF-8/, {
    metadata: [[Uint8Array.of(0xc3, 0x28), { type: "u8", value: 1 }]],
  }],
  ["a string of invalid UTF-8", "bad-metadata", /value of key 'k'.* valid UTF-8/, {
    metadata: [["k", { type: "string", value: Uint8Array.of(0xff) }]],
  }],
  ["a key twice", "duplicate", /key 'k' at byte 38 must occur once/, {
    metadata: [["k", { type: "u8", value: 1 }], ["k", { type: "u8", value: 1 }]],
  }],
  ["an unknown value type", "bad-metadata", /current type is 13/, {
    metadata: [["k", { type: "raw", typeId: 13, value: new Uint8Array(8) }]],
  }],
  ["an unknown item type", "bad-metadata", /item type: it is 99/, {
    metadata: [["k", {
      type: "raw",
      typeId: 9,
      value: concat(Uint8Array.of(99, 0, 0, 0), u64(0n)),
    }]],
  }],
  ["an array of arrays", "bad-metadata", /array of arrays/, {
    metadata: [["k", {
      type: "raw",
      typeId: 9,
      value: concat(Uint8Array.of(9, 0, 0, 0), u64(0n)),
    }]],
  }],
  ["a bool of 2", "bad-metadata", /current byte is 2/, {
    metadata: [["k", { type: "raw", typeId: 7, value: Uint8Array.of(2) }]],
  }],
  ["an integer of 2^53", "bad-metadata", /within 2\^53 - 1/, {
    metadata: [["k", { type: "u64", value: 2n ** 53n }]],
  }],
  ["an alignment of 24", "bad-metadata", /'general.alignment'.*current value is 24/, {
    metadata: [["general.alignment", { type: "u32", value: 24 }]],
  }],
  ["an alignment of 0", "bad-metadata", /'general.alignment'/, {
    metadata: [["general.alignment", { type: "u32", value: 0 }]],
  }],
  ["an alignment of words", "bad-metadata", /'general.alignment'/, {
    metadata: [["general.alignment", { type: "string", value: "32" }]],
  }],
  ["a tensor twice", "duplicate", /tensor 't' must occur once/, {
    metadata: [],
    tensors: [tensor("t", [4]), tensor("t", [4])],
  }],
  ["a nameless tensor", "bad-tensor", /tensor 0 must not be empty/, oneTensor({ name: "" })],
  ["a long name", "too-large", /the name of tensor 0/, oneTensor({ name: "t".repeat(65) })],
  ["no extents", "bad-tensor", /current count is 0/, oneTensor({ shape: [] })],
  ["five extents", "bad-tensor", /current count is 5/, oneTensor({ shape: [1, 1, 1, 1, 1] })],
  ["an extent of 0", "bad-tensor", /above 0: current shape is 0 x 2/, oneTensor({ shape: [0, 2] })],
  ["2^80 elements", "bad-tensor", /countable size/, oneTensor({ shape: [2n ** 40n, 2n ** 40n] })],
  ["0 x 2^63", "bad-tensor", /above 0/, oneTensor({ shape: [2n ** 63n, 0n] })],
  ["half a block", "bad-tensor", /multiple of 32 for Q8_0/, oneTensor({ shape: [40], typeId: 8 })],
  ["type IQ2_XXS", "unsupported-tensor-type", /current type is IQ2_XXS/, oneTensor({ typeId: 16 })],
  ["type 4", "unsupported-tensor-type", /current type is number 4/, oneTensor({ typeId: 4 })],
  [
    "a crooked offset",
    "bad-tensor",
    /multiple of 32: current offset is 8/,
    oneTensor({ offset: 8 }),
  ],
  ["a far offset", "truncated", /tensor 't' ends at byte/, oneTensor({ offset: 1 << 20 })],
  ["an offset of 2^60", "truncated", /starts beyond any file/, oneTensor({ offset: HUGE })],
  [
    "a missing tail",
    "truncated",
    /tensor 't' ends at byte/,
    oneTensor({ data: new Uint8Array(8) }),
  ],
  ["an overlap", "bad-tensor", /'t' and 'u' must not overlap/, {
    metadata: [],
    tensors: [tensor("t", [32]), { ...tensor("u", [32]), offset: 32 }],
  }],
];

for (const [name, code, words, file] of LIES) {
  test(`openGguf() refuses ${name} as ${code}`, async () => {
    await assert.rejects(openWritten(file), isModelError(code, words));
  });
}

test("openGguf() refuses what is no GGUF file, and one of no bytes", async () => {
  const pattern = /must be 'GGUF'/;
  for (const text of ["", "GGU", "GGML....", "<html>not found</html>"]) {
    const source = countingSource(new TextEncoder().encode(text));
    await assert.rejects(openGguf(source), isModelError("not-gguf", pattern));
  }
});

test("openGguf() refuses a header cut at every byte as truncated", async () => {
  const { metadata, tensors } = tinyLlama();
  const bytes = encodeGguf({ metadata, tensors });
  const headerBytes =
    encodeGguf({ metadata, tensors: tensors.map((each) => ({ ...each, data: new Uint8Array(0) })) })
      .length;
  for (let length = 4; length < headerBytes; length++) {
    await assert.rejects(
      openGguf(countingSource(bytes.subarray(0, length))),
      isModelError("truncated"),
    );
  }
});

test("openGguf() escapes control characters of hostile names in messages", async () => {
  const file = oneTensor({ name: "a\u001b[2J\n", shape: [0] });
  await assert.rejects(openWritten(file), isModelError("bad-tensor", /'a\\u001b\[2J\\u000a'/));
});

/** Opens and reads all that the area can read; only ModelErrors may come out. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const source = countingSource(bytes);
  try {
    const file = await openGguf(source);
    inspectModel(file);
    readModelShape(file);
    loadTokenizer(file).encode("a b");
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    assert.match(error.message, /^Cannot /);
    assert.ok(error.message.length < 1000);
  }
  const { bytesAsked, reads, bufferBytesMax } = source.counts;
  assert.ok(bufferBytesMax <= Math.max(bytes.length, 256 * 1024));
  assert.ok(bytesAsked <= 4 * bytes.length + 256 * 1024, `asked for ${bytesAsked}`);
  assert.ok(reads <= 16 + bytes.length / 1024, `${reads} reads`);
}

test("any flipped bits, cuts and forged counts give ModelErrors in bounded reads", async () => {
  const valid = [encodeGguf(tinyLlama()), fixture("models/stories260K/stories260K-q4_0.gguf")];
  const edit = fc.oneof(
    fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), bit: fc.nat(7) }),
    fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
    fc.record({
      kind: fc.constant("forge" as const),
      at: fc.nat(),
      value: fc.constantFrom(
        0n,
        1n,
        2n ** 31n,
        2n ** 32n - 1n,
        2n ** 53n,
        2n ** 60n,
        2n ** 64n - 1n,
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async (which, edits) => {
        let bytes = (valid[which] ?? new Uint8Array(0)).slice();
        // Most of a file is weights, which are not read: aim at the header.
        for (const each of edits) {
          const at = each.at % Math.min(bytes.length, 14_000);
          if (each.kind === "cut") bytes = bytes.subarray(0, Math.max(9, at));
          else if (each.kind === "flip") bytes[at] = (bytes[at] ?? 0) ^ (1 << each.bit);
          else bytes.set(u64(each.value).subarray(0, bytes.length - at), at);
        }
        await readAll(bytes);
      },
    ),
    { numRuns: runs(2000) },
  );
});

test("an array that fits in the file is held in at most eight times its bytes", async () => {
  const count = 100_000;
  for (const itemType of ["u8", "bool", "u64", "f32"] as const) {
    const bytes = encodeGguf({
      metadata: [["k", { type: "array", of: itemType, value: new Uint8Array(count) }]],
    });
    const value = (await openGguf(countingSource(bytes))).metadata.get("k");
    assert.ok(typeof value === "object" && value.length === count);
    const heldBytes = ArrayBuffer.isView(value) ? value.byteLength : count * 8;
    assert.ok(heldBytes <= 8 * bytes.length);
  }
});
