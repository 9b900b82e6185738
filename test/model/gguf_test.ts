/** The reader on valid files: our own, the fixtures, and against @huggingface/gguf. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gguf as otherReader } from "@huggingface/gguf";
import { encodeGguf } from "../../bench/models/encode_gguf.ts";
import { bytesSource, openGguf } from "../../src/model/mod.ts";
import { countingSource, openWritten, tinyLlama } from "./_files.ts";
import { fixture } from "./_vectors.ts";

const FIXTURES = [
  "models/stories260K/stories260K-f32.gguf",
  "models/stories260K/stories260K-q8_0.gguf",
  "models/stories260K/stories260K-q4_0.gguf",
  "models/babyllama/babyllama-tok105-f16.gguf",
  "models/stories260K/stories260K-bf16.gguf",
  "vocab/ggml-vocab-phi-3.gguf",
];

/** What the other reader fetches, answered from memory. */
function memoryFetch(bytes: Uint8Array): typeof fetch {
  return (_url: unknown, init?: RequestInit): Promise<Response> => {
    const range = new Headers(init?.headers).get("range") ?? "bytes=0-";
    const [first = "0", last = ""] = range.replace("bytes=", "").split("-");
    const end = last === "" ? bytes.length : Math.min(bytes.length, Number(last) + 1);
    return Promise.resolve(new Response(bytes.slice(Number(first), end), { status: 206 }));
  };
}

/** Plain values; a leading U+FEFF goes, since the other reader drops that token's only character. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/^\ufeff/, "");
  if (typeof value === "bigint") return Number(value);
  if (ArrayBuffer.isView(value)) return [...value as unknown as Iterable<number>];
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

test("openGguf() agrees with @huggingface/gguf on metadata and tensors of every fixture", async () => {
  for (const path of FIXTURES) {
    const bytes = fixture(path);
    const ours = await openGguf(bytesSource(bytes, path));
    const theirs = await otherReader("https://example.invalid/model.gguf", {
      fetch: memoryFetch(bytes),
    });
    const { version, tensor_count: _tensors, kv_count: _pairs, ...metadata } = theirs.metadata;
    assert.equal(ours.version, version);
    assert.deepEqual(
      Object.fromEntries([...ours.metadata].map(([key, value]) => [key, plain(value)])),
      Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, plain(value)])),
      path,
    );
    const data = Number(theirs.tensorDataOffset);
    assert.deepEqual(
      [...ours.tensors.values()].map(({ name, shape, offset }) => ({ name, shape, offset })),
      theirs.tensorInfos.map(({ name, shape, offset }) => {
        return { name, shape: shape.map(Number), offset: data + Number(offset) };
      }),
      path,
    );
  }
});

test("openGguf() reads the header in windows, whatever the source returns at a time", async () => {
  const bytes = fixture("vocab/ggml-vocab-phi-3.gguf");
  const whole = await openGguf(bytesSource(bytes, "counted"));
  for (const readBytesMax of [1021, 65_537, Infinity]) {
    const source = countingSource(bytes, readBytesMax);
    assert.deepEqual(await openGguf(source), whole);
    assert.ok(source.counts.bufferBytesMax <= 256 * 1024, "one window at a time");
  }
  const small = encodeGguf(tinyLlama());
  const bitwise = countingSource(small, 1);
  assert.deepEqual(await openGguf(bitwise), await openGguf(bytesSource(small, "counted")));
});

test("openGguf() never reads weights beyond the window that ends the header", async () => {
  const source = countingSource(fixture("models/stories260K/stories260K-f32.gguf"));
  await openGguf(source);
  assert.equal(source.counts.reads, 1);
  assert.ok(source.counts.bytesAsked <= 256 * 1024);
});

test("openGguf() reads every value type", async () => {
  const file = await openWritten({
    metadata: [
      ["u8", { type: "u8", value: 255 }],
      ["i8", { type: "i8", value: -1 }],
      ["u16", { type: "u16", value: 65_535 }],
      ["i16", { type: "i16", value: -2 }],
      ["u32", { type: "u32", value: 4_294_967_295 }],
      ["i32", { type: "i32", value: -3 }],
      ["f32", { type: "f32", value: 0.5 }],
      ["bool", { type: "bool", value: true }],
      ["string", { type: "string", value: "h\u00e9\u{1f99a}" }],
      ["u64", { type: "u64", value: 2n ** 53n - 1n }],
      ["i64", { type: "i64", value: -(2n ** 53n) + 1n }],
      ["f64", { type: "f64", value: Math.PI }],
      ["bytes", { type: "array", of: "u8", value: [1, 2] }],
      ["i8s", { type: "array", of: "i8", value: [-1] }],
      ["u32s", { type: "array", of: "u32", value: [4_000_000_000] }],
      ["f32s", { type: "array", of: "f32", value: [0.25] }],
      ["f64s", { type: "array", of: "f64", value: [0.1] }],
      ["u64s", { type: "array", of: "u64", value: [7n] }],
      ["bools", { type: "array", of: "bool", value: [true, false] }],
      ["strings", { type: "array", of: "string", value: ["", "\ufeffx"] }],
      ["none", { type: "array", of: "string", value: [] }],
    ],
  });
  assert.deepEqual(Object.fromEntries(file.metadata), {
    u8: 255,
    i8: -1,
    u16: 65_535,
    i16: -2,
    u32: 4_294_967_295,
    i32: -3,
    f32: 0.5,
    bool: true,
    string: "h\u00e9\u{1f99a}",
    u64: 2 ** 53 - 1,
    i64: -(2 ** 53) + 1,
    f64: Math.PI,
    bytes: Int32Array.of(1, 2),
    i8s: Int32Array.of(-1),
    u32s: Uint32Array.of(4_000_000_000),
    f32s: Float32Array.of(0.25),
    f64s: Float64Array.of(0.1),
    u64s: [7],
    bools: [true, false],
    strings: ["", "\ufeffx"],
    none: [],
  });
});

test("openGguf() places tensors by general.alignment and reads version 2", async () => {
  const { tensors } = tinyLlama();
  const metadata = [["general.alignment", { type: "u32", value: 128 }]] as const;
  const file = await openWritten({ metadata, tensors, alignmentBytes: 128, version: 2 });
  assert.equal(file.version, 2);
  assert.equal(file.alignmentBytes, 128);
  let end = 0;
  for (const { offset, sizeBytes } of file.tensors.values()) {
    assert.equal(offset % 128, 0);
    assert.ok(offset >= end);
    end = offset + sizeBytes;
  }
  assert.ok(end <= file.sizeBytes);
});

test("openGguf() keeps the token U+FEFF of a real vocabulary", async () => {
  const path = "vocab/ggml-vocab-phi-3.gguf";
  const file = await openGguf(bytesSource(fixture(path), path));
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  assert.ok(Array.isArray(tokens) && tokens.includes("\ufeff"));
});
