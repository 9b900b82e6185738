/** Qwen 2's biases and halves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainFamily } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { tinyShape, u32 } from "./_family_files.ts";

const architecture = "qwen2";
const layer = { "attn_q.bias": [8], "attn_k.bias": [4], "attn_v.bias": [4] };

test("Qwen 2 is a Llama with three biases that rotates halves", async () => {
  const { family } = await tinyShape({ architecture, layer });
  assert.deepEqual(family, {
    ...plainFamily({ layerCount: 2, headWidth: 4 }),
    ropePairs: "halves",
    biases: ["attn_q", "attn_k", "attn_v"],
  });
});

test("Qwen 2 needs its biases, in the extents of their matrices", async () => {
  const missing = isModelError("bad-shape", /no tensor 'blk.0.attn_v.bias'/);
  await assert.rejects(
    tinyShape({ architecture, layer: { ...layer, "attn_v.bias": undefined } }),
    missing,
  );
  await assert.rejects(
    tinyShape({ architecture, layer: { ...layer, "attn_k.bias": [8] } }),
    isModelError("bad-shape", /'blk.0.attn_k.bias' must have the shape 4: current shape is 8/),
  );
});

test("Qwen 2 with a window is refused, as not every layer has it", async () => {
  await assert.rejects(
    tinyShape({ architecture, layer, keys: { "attention.sliding_window": u32(4) } }),
    isModelError("unsupported-feature", /'qwen2.attention.sliding_window' is only supported as 0/),
  );
});
