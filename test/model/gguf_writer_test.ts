/** Random models are valid, equal for equal seeds, and of the scale that was asked for. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import { isModelSize, presetShape } from "../../bench/models/presets.ts";
import {
  f16Bits,
  fillBlocks,
  typeForRows,
  WEIGHT_TYPES,
} from "../../bench/models/random_weights.ts";
import type { WeightType } from "../../bench/models/random_weights.ts";
import { SeededBits } from "../../bench/models/seeded_bits.ts";
import {
  bytesSource,
  embeddedModel,
  inspectModel,
  loadTokenizer,
  openGguf,
  plainFamily,
  readModelShape,
} from "../../src/model/mod.ts";
import type { ModelShape } from "../../src/model/mod.ts";

const SHAPE: ModelShape = {
  ...presetShape("15m"),
  layerCount: 2,
  width: 64,
  ffnWidth: 96,
  headCount: 4,
  kvHeadCount: 2,
  headWidth: 16,
  ropeWidth: 16,
  vocabularySize: 512,
  contextMax: 128,
  family: plainFamily({ layerCount: 2, headWidth: 16 }),
};
const TYPES = Object.keys(WEIGHT_TYPES) as readonly WeightType[];

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "skep-writer-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function written(model: Omit<Parameters<typeof writeRandomModel>[0], "path">): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, "m.gguf");
    const sizeBytes = writeRandomModel({ ...model, path });
    const bytes = new Uint8Array(readFileSync(path));
    assert.equal(bytes.length, sizeBytes);
    return bytes;
  });
}

for (const type of TYPES) {
  test(`writeRandomModel() writes a valid ${type} model of the asked shape, the same for a seed`, async () => {
    const bytes = written({ shape: SHAPE, type, seed: 7 });
    const file = await openGguf(bytesSource(bytes, type));
    assert.deepEqual(readModelShape(file), SHAPE);
    assert.equal(inspectModel(file).executable, true);
    const used = typeForRows(type, SHAPE.width).toUpperCase();
    assert.equal(file.tensors.get("blk.0.attn_q.weight")?.type, used);
    assert.equal(file.tensors.get("output_norm.weight")?.type, "F32");
    const tokenizer = loadTokenizer(file);
    assert.equal(tokenizer.decode(tokenizer.encode("Hi, caf\u00e9")), "Hi, caf\u00e9");
    assert.deepEqual(written({ shape: SHAPE, type, seed: 7 }), bytes);
    assert.notDeepEqual(written({ shape: SHAPE, type, seed: 8 }), bytes);
  });
}

test("writeRandomModel() zeroes the head's rows of special tokens, so that generation goes on", async () => {
  const bytes = written({ shape: SHAPE, type: "f32", seed: 1 });
  const head = (await openGguf(bytesSource(bytes, "m"))).tensors.get("output.weight");
  assert.ok(head !== undefined);
  const rows = new Float32Array(bytes.slice(head.offset, head.offset + head.sizeBytes).buffer);
  assert.ok(rows.subarray(0, 259 * SHAPE.width).every((value) => value === 0));
  assert.ok(rows.subarray(259 * SHAPE.width).some((value) => value !== 0));
});

test("writeRandomModel() takes the vocabulary of another file, and f16 where rows fill no block", async () => {
  const tokenizer = await openGguf(embeddedModel());
  const shape = { ...SHAPE, ffnWidth: 90 };
  const bytes = written({ shape, type: "q8_0", seed: 1, tokenizer });
  const file = await openGguf(bytesSource(bytes, "m"));
  assert.deepEqual(
    loadTokenizer(file).encode("Once upon a time"),
    loadTokenizer(tokenizer).encode("Once upon a time"),
  );
  assert.equal(file.tensors.get("blk.0.ffn_down.weight")?.type, "F16");
});

test("fillBlocks() gives the asked deviation in q8_0", () => {
  const blocks = new Uint8Array(34 * 4000);
  fillBlocks(blocks, { type: "q8_0", bits: new SeededBits(3), deviation: 0.25 });
  const view = new DataView(blocks.buffer);
  let squares = 0;
  for (let at = 0; at < blocks.length; at += 34) {
    const bits = view.getUint16(at, true);
    const scale = 2 ** ((bits >> 10) - 25) * (1024 + (bits & 1023));
    for (let i = 2; i < 34; i++) squares += (scale * view.getInt8(at + i)) ** 2;
  }
  const deviation = Math.sqrt(squares / (4000 * 32));
  assert.ok(Math.abs(deviation / 0.25 - 1) < 0.05, `deviation is ${deviation}`);
});

test("typeForRows() falls back as llama.cpp's quantiser does", () => {
  const cases: readonly (readonly [WeightType, WeightType, WeightType])[] = [
    ["q2_k", "q2_k", "iq4_nl"],
    ["q3_k", "q3_k", "iq4_nl"],
    ["q4_k", "q4_k", "q5_0"],
    ["q5_k", "q5_k", "q5_1"],
    ["q6_k", "q6_k", "q8_0"],
    ["q4_1", "q4_1", "q4_1"],
  ];
  for (const [type, whole, halved] of cases) {
    assert.equal(typeForRows(type, 512), whole);
    assert.equal(typeForRows(type, 288), halved);
    assert.equal(typeForRows(type, 100), "f16");
  }
});

test("f16Bits() rounds to the nearest even, with subnormals and infinity", () => {
  const cases: readonly (readonly [number, number])[] = [
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [65_520, 0x7c00],
    [2 ** -24, 1],
    [2 ** -14, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1.9999, 0x4000],
  ];
  for (const [value, bits] of cases) assert.equal(f16Bits(value), bits, String(value));
});

test("isModelSize() knows the presets only", () => {
  assert.ok(isModelSize("15m") && isModelSize("1b"));
  assert.ok(!isModelSize("toString") && !isModelSize(undefined));
});
