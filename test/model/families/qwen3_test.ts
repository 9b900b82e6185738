/** Qwen 3's normalised heads of a width of their own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainFamily } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { tinyShape, u32 } from "./_family_files.ts";

const architecture = "qwen3";
const layer = {
  "attn_q.weight": [8, 12],
  "attn_k.weight": [8, 6],
  "attn_v.weight": [8, 6],
  "attn_output.weight": [12, 8],
  "attn_q_norm.weight": [6],
  "attn_k_norm.weight": [6],
};
const keys = { "attention.key_length": u32(6), "attention.value_length": u32(6) };

test("Qwen 3 normalises heads, whose width its file states, and rotates halves", async () => {
  const { family, headWidth, ropeWidth } = await tinyShape({ architecture, layer, keys });
  assert.deepEqual([headWidth, ropeWidth], [6, 6]);
  assert.deepEqual(family, {
    ...plainFamily({ layerCount: 2, headWidth: 6 }),
    ropePairs: "halves",
    headNorms: true,
  });
});

test("Qwen 3 needs its norms", async () => {
  await assert.rejects(
    tinyShape({ architecture, keys, layer: { ...layer, "attn_k_norm.weight": undefined } }),
    isModelError("bad-shape", /no tensor 'blk.0.attn_k_norm.weight'/),
  );
});

test("Qwen 3 as an embedding model is refused by the key that makes it one", async () => {
  await assert.rejects(
    tinyShape({ architecture, layer, keys: { ...keys, pooling_type: u32(3) } }),
    isModelError("unsupported-feature", /'qwen3.pooling_type' is only supported as 0: it is 3/),
  );
});
