/** Shapes of the fixtures, and the refusal of all that would be computed wrongly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValueToWrite } from "../../bench/models/encode_gguf.ts";
import { bytesSource, openGguf, plainFamily, readModelShape } from "../../src/model/mod.ts";
import type { ModelErrorCode } from "../../src/model/mod.ts";
import { isModelError, openWritten, tensor, tinyLlama, withKey } from "./_files.ts";
import { fixture } from "./_vectors.ts";

test("readModelShape() reads the fixtures", async () => {
  const path = "models/stories260K/stories260K-q8_0.gguf";
  assert.deepEqual(readModelShape(await openGguf(bytesSource(fixture(path), path))), {
    architecture: "llama",
    layerCount: 5,
    width: 64,
    ffnWidth: 172,
    contextMax: 128,
    headCount: 8,
    kvHeadCount: 4,
    headWidth: 8,
    ropeWidth: 8,
    normEpsilon: Math.fround(1e-5),
    vocabularySize: 512,
    tiedOutput: false,
    family: plainFamily({ layerCount: 5, headWidth: 8 }),
  });
});

test("readModelShape() takes a file without a head as tied, and defaults as llama.cpp does", async () => {
  const { metadata, tensors } = tinyLlama();
  const shape = readModelShape(
    await openWritten({
      metadata: metadata.filter(([key]) => !key.endsWith("head_count_kv")),
      tensors: tensors.filter(({ name }) => name !== "output.weight").map((each) => {
        return /attn_[kv]\./.test(String(each.name)) ? tensor(String(each.name), [8, 8]) : each;
      }),
    }),
  );
  assert.equal(shape.tiedOutput, true);
  assert.equal(shape.kvHeadCount, 2);
  assert.equal(shape.headWidth, 4);
  assert.equal(shape.ropeWidth, 4);
  assert.equal(shape.family.ropes[0]?.base, 10_000);
});

const u32 = (value: number): ValueToWrite => ({ type: "u32", value });
const string = (value: string): ValueToWrite => ({ type: "string", value });

type BadKey = readonly [key: string, value: ValueToWrite, code: ModelErrorCode, words: RegExp];

const BAD_KEYS: readonly BadKey[] = [
  ["general.architecture", string("mistral3"), "unsupported-architecture", /it is 'mistral3'/],
  ["general.architecture", string("toString"), "unsupported-architecture", /it is 'toString'/],
  ["general.architecture", u32(1), "bad-metadata", /must be a string/],
  ["general.type", string("adapter"), "unsupported-feature", /'general.type'/],
  ["split.count", u32(3), "unsupported-feature", /'split.count'/],
  ["llama.expert_count", u32(8), "unsupported-feature", /'llama.expert_count'/],
  ["llama.rope.scaling.type", string("ntk"), "unsupported-feature", /it is 'ntk'/],
  ["llama.attn_logit_softcapping", { type: "f32", value: 50 }, "unsupported-feature", /as 0/],
  ["llama.attention.causal", { type: "bool", value: false }, "unsupported-feature", /as true/],
  ["llama.new_trick", u32(1), "unsupported-feature", /'llama.new_trick'/],
  ["llama.block_count", u32(0), "bad-shape", /'llama.block_count'/],
  ["llama.block_count", u32(2000), "bad-shape", /1 to 1024: current value is 2000/],
  ["llama.block_count", u32(3), "bad-shape", /no tensor 'blk.2.attn_norm.weight'/],
  ["llama.block_count", u32(1), "unsupported-feature", /'blk.1.attn_norm.weight'/],
  ["llama.embedding_length", u32(16), "bad-shape", /must have the shape 16 x 6/],
  ["llama.feed_forward_length", string("12"), "bad-metadata", /must be an integer/],
  [
    "llama.feed_forward_length",
    u32(13),
    "bad-shape",
    /ffn_gate.weight' must have the shape 8 x 13/,
  ],
  ["llama.attention.head_count", u32(3), "bad-shape", /heads must divide the width/],
  ["llama.attention.head_count_kv", u32(0), "bad-shape", /1 to 1024/],
  [
    "llama.attention.head_count_kv",
    { type: "array", of: "u32", value: [1, 2] },
    "bad-metadata",
    /array/,
  ],
  ["llama.attention.value_length", u32(2), "bad-shape", /attn_q/],
  ["llama.rope.dimension_count", u32(3), "bad-shape", /must be even/],
  ["llama.rope.dimension_count", u32(6), "bad-shape", /2 to 4/],
  ["llama.rope.freq_base", { type: "f32", value: NaN }, "bad-shape", /current value is NaN/],
  ["llama.rope.freq_base", { type: "f32", value: Infinity }, "bad-shape", /Infinity/],
  ["llama.attention.layer_norm_rms_epsilon", { type: "f32", value: -1 }, "bad-shape", /0 to 1/],
  ["llama.vocab_size", u32(7), "bad-shape", /7 tokens must equal the 6 rows/],
  ["tokenizer.ggml.tokens", { type: "array", of: "string", value: ["a"] }, "bad-shape", /1 tokens/],
];

for (const [key, value, code, words] of BAD_KEYS) {
  test(`readModelShape() refuses ${key} = ${JSON.stringify(value)} as ${code}`, async () => {
    const { metadata, tensors } = tinyLlama();
    const file = await openWritten({ metadata: withKey(metadata, [key, value]), tensors });
    assert.throws(() => readModelShape(file), isModelError(code, words));
  });
}

test("readModelShape() accepts features that ask for nothing", async () => {
  const { metadata, tensors } = tinyLlama();
  const neutral: [string, ValueToWrite][] = [
    ["general.type", string("model")],
    ["llama.rope.scaling.type", string("none")],
    ["llama.rope.scaling.factor", { type: "f32", value: 8 }],
    ["llama.attention.sliding_window", u32(0)],
    ["llama.expert_count", u32(0)],
    ["split.count", u32(1)],
  ];
  const file = await openWritten({ metadata: [...metadata, ...neutral], tensors });
  const { layerCount, family, headWidth } = readModelShape(file);
  assert.deepEqual(family, plainFamily({ layerCount, headWidth }));
});

for (
  const [name, words] of [
    ["blk.1.attn_q.bias", /biases/],
    ["blk.0.attn_norm.bias", /biases/],
    ["rope_freqs.bias", /biases/],
    ["rope_factors.weight", /scaled RoPE/],
    ["blk.0.attn_q_norm.weight", /normalised queries/],
    ["cls.weight", /a classifier/],
    ["blk.0.ffn_gate_exps.weight", /mixture of experts/],
    ["something.else", /'something.else' means something else/],
  ] as const
) {
  test(`readModelShape() refuses the tensor ${name}, whose part it would leave out`, async () => {
    const { metadata, tensors } = tinyLlama();
    const file = await openWritten({ metadata, tensors: [...tensors, tensor(name, [8])] });
    assert.throws(() => readModelShape(file), isModelError("unsupported-feature", words));
  });
}

test("readModelShape() names each missing tensor and key", async () => {
  const { metadata, tensors } = tinyLlama();
  for (const { name } of tensors) {
    if (name === "output.weight") continue;
    const file = await openWritten({
      metadata,
      tensors: tensors.filter((each) => each.name !== name),
    });
    const missing = isModelError("bad-shape", new RegExp(`no tensor '${name}'`));
    assert.throws(() => readModelShape(file), missing);
  }
  for (const [key] of metadata.filter(([key]) => /block|length|head_count$|epsilon/.test(key))) {
    const file = await openWritten({
      metadata: metadata.filter((each) => each[0] !== key),
      tensors,
    });
    assert.throws(
      () => readModelShape(file),
      isModelError("bad-metadata", new RegExp(`no '${key}'`)),
    );
  }
});
