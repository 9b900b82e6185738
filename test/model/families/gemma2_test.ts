/** Gemma 2's norms, caps and windows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainFamily } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { f32, tinyShape, u32 } from "./_family_files.ts";

const architecture = "gemma2";
const layer = { "post_attention_norm.weight": [8], "post_ffw_norm.weight": [8] };

test("Gemma 2 has llama.cpp's defaults where its file is silent", async () => {
  const { family } = await tinyShape({ architecture, layer });
  assert.deepEqual(family, {
    ...plainFamily({ layerCount: 2, headWidth: 4 }),
    ropePairs: "halves",
    normPlaces: "around",
    activation: "gelu-tanh",
    embeddingScale: Math.fround(Math.sqrt(8)),
    attentionCap: 50,
    logitCap: 30,
  });
});

test("Gemma 2 windows every other layer, from the first", async () => {
  const keys = {
    "attention.sliding_window": u32(6),
    "attn_logit_softcapping": f32(20),
    "final_logit_softcapping": f32(10),
  };
  const { family } = await tinyShape({ architecture, layer, keys, layerCount: 4 });
  assert.deepEqual(family.layers.map(({ window }) => window), [6, 0, 6, 0]);
  assert.deepEqual([family.attentionCap, family.logitCap], [20, 10]);
});

test("Gemma 2 of 46 layers scales queries by the width of a share of the hidden state", async () => {
  const keys = { "attention.key_length": u32(2), "attention.value_length": u32(2) };
  const narrow = {
    ...layer,
    "attn_q.weight": [8, 4],
    "attn_k.weight": [8, 2],
    "attn_v.weight": [8, 2],
    "attn_output.weight": [4, 8],
  };
  const small = await tinyShape({ architecture, layer: narrow, keys });
  assert.equal(small.family.attentionScale, Math.fround(1 / Math.sqrt(2)));
  const large = await tinyShape({ architecture, layer: narrow, keys, layerCount: 46 });
  assert.equal(large.family.attentionScale, 0.5);
});

test("Gemma 2 takes a pattern of its file, and refuses one that does not fit", async () => {
  const keys = (value: boolean[]) => ({
    "attention.sliding_window": u32(6),
    "attention.sliding_window_pattern": { type: "array", of: "bool", value } as const,
  });
  const { family } = await tinyShape({ architecture, layer, keys: keys([false, true]) });
  assert.deepEqual(family.layers.map(({ window }) => window), [0, 6]);
  await assert.rejects(
    tinyShape({ architecture, layer, keys: keys([true]) }),
    isModelError("bad-metadata", /for each of the 2 layers: it is an array of 1 items/),
  );
});
