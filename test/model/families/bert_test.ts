/** BERT's tensors and its pooling. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValueToWrite } from "../../../bench/models/encode_gguf.ts";
import { expectedTensors, plainFamily } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { f32, tinyShape, u32 } from "./_family_files.ts";

const architecture = "bert";
const keys: Readonly<Record<string, ValueToWrite | undefined>> = {
  "attention.layer_norm_rms_epsilon": undefined,
  "attention.layer_norm_epsilon": f32(1e-12),
  "attention.head_count_kv": undefined,
  "attention.causal": { type: "bool", value: false },
  pooling_type: u32(2),
  ":tokenizer.ggml.token_type_count": u32(2),
};
const layer = {
  "attn_norm.weight": undefined,
  "ffn_norm.weight": undefined,
  "ffn_gate.weight": undefined,
  "attn_q.bias": [8],
  "attn_k.weight": [8, 8],
  "attn_k.bias": [8],
  "attn_v.weight": [8, 8],
  "attn_v.bias": [8],
  "attn_output.bias": [8],
  "attn_output_norm.weight": [8],
  "attn_output_norm.bias": [8],
  "ffn_up.bias": [12],
  "ffn_down.bias": [8],
  "layer_output_norm.weight": [8],
  "layer_output_norm.bias": [8],
};
const other = {
  "output_norm.weight": undefined,
  "position_embd.weight": [8, 16],
  "token_types.weight": [8, 2],
  "token_embd_norm.weight": [8],
  "token_embd_norm.bias": [8],
};

test("BERT is an encoder with learned positions, layer norms after each half, and biases", async () => {
  const shape = await tinyShape({ architecture, keys, layer, other });
  assert.deepEqual(shape.family, {
    ...plainFamily({ layerCount: 2, headWidth: 4 }),
    norm: "layer",
    normPlaces: "after",
    activation: "gelu-erf",
    gated: false,
    causal: false,
    ropes: [],
    biases: ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"],
    pooling: "cls",
    positionRows: 16,
    tokenTypeRows: 2,
  });
  assert.equal(shape.normEpsilon, Math.fround(1e-12));
  assert.equal(expectedTensors(shape).size, 5 + 2 * 16);
});

for (const [value, pooling] of [[1, "mean"], [2, "cls"], [3, "last"]] as const) {
  test(`BERT's pooling ${value} is ${pooling}`, async () => {
    const chosen = { ...keys, pooling_type: u32(value) };
    const shape = await tinyShape({ architecture, keys: chosen, layer, other });
    assert.equal(shape.family.pooling, pooling);
  });
}

for (
  const [key, value, code, words] of [
    ["pooling_type", u32(4), "unsupported-feature", /it is 4/],
    ["pooling_type", undefined, "bad-metadata", /no 'bert.pooling_type'/],
    [":tokenizer.ggml.token_type_count", undefined, "bad-metadata", /token_type_count/],
    ["attention.causal", { type: "bool", value: true }, "unsupported-feature", /must be false/],
    ["attention.layer_norm_epsilon", undefined, "bad-metadata", /layer_norm_epsilon/],
  ] as const
) {
  test(`BERT is refused with ${key} = ${JSON.stringify(value)}`, async () => {
    await assert.rejects(
      tinyShape({ architecture, keys: { ...keys, [key]: value }, layer, other }),
      isModelError(code, words),
    );
  });
}
