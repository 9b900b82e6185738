/** Gemma 3's two RoPEs, its windows and its normalised heads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainRope } from "../../../src/model/mod.ts";
import { f32, string, tinyShape, u32 } from "./_family_files.ts";

const architecture = "gemma3";
const layer = {
  "post_attention_norm.weight": [8],
  "post_ffw_norm.weight": [8],
  "attn_q_norm.weight": [4],
  "attn_k_norm.weight": [4],
};
const keys = {
  "attention.sliding_window": u32(6),
  "rope.freq_base": f32(1e6),
  "rope.scaling.type": string("linear"),
  "rope.scaling.factor": f32(8),
};

test("Gemma 3 windows five layers of six, with a RoPE of their own that nothing scales", async () => {
  const { family } = await tinyShape({ architecture, layer, keys, layerCount: 7 });
  const local = { window: 6, rope: 1 };
  const global = { window: 0, rope: 0 };
  assert.deepEqual(family.layers, [local, local, local, local, local, global, local]);
  assert.deepEqual(family.ropes, [
    { ...plainRope(1e6), frequencyScale: 1 / 8 },
    plainRope(10_000),
  ]);
  assert.deepEqual(
    [family.headNorms, family.normPlaces, family.activation, family.ropePairs],
    [true, "around", "gelu-tanh", "halves"],
  );
  assert.deepEqual([family.attentionCap, family.logitCap], [0, 0]);
  assert.equal(family.embeddingScale, Math.fround(Math.sqrt(8)));
});

test("Gemma 3 with a window beyond its context keeps the windowed layers' RoPE", async () => {
  const long = { ...keys, "attention.sliding_window": u32(512), "rope.freq_base_swa": f32(5000) };
  const { family } = await tinyShape({ architecture, layer, keys: long });
  assert.deepEqual(family.layers, [{ window: 0, rope: 1 }, { window: 0, rope: 1 }]);
  assert.deepEqual(family.ropes[1], plainRope(5000));
});

test("Gemma 3 without a window has one kind of layer", async () => {
  const { family } = await tinyShape({ architecture, layer });
  assert.equal(family.ropes.length, 1);
  assert.deepEqual(family.layers, [{ window: 0, rope: 0 }, { window: 0, rope: 0 }]);
});
