/** Phi 3's fused matrices, and its two vectors of factors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matrixPlace, plainFamily, unusedTensors } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { f32, string, tinyShape, u32 } from "./_family_files.ts";

const architecture = "phi3";
const layer = {
  "attn_q.weight": undefined,
  "attn_k.weight": undefined,
  "attn_v.weight": undefined,
  "attn_qkv.weight": [8, 16],
  "ffn_gate.weight": undefined,
  "ffn_up.weight": [8, 24],
};
const factors = { "rope_factors_long.weight": [2], "rope_factors_short.weight": [2] };

test("Phi 3 has two fused matrices, a window, and rotates halves", async () => {
  const shape = await tinyShape({
    architecture,
    layer,
    keys: { "attention.sliding_window": u32(7) },
  });
  assert.deepEqual(shape.family, {
    ...plainFamily({ layerCount: 2, headWidth: 4 }),
    ropePairs: "halves",
    fused: ["qkv", "gate-up"],
    layers: [{ window: 7, rope: 0 }, { window: 7, rope: 0 }],
  });
  const up = matrixPlace(shape, 1, "ffn_up");
  assert.deepEqual([up.tensor, up.firstRow, up.rowCount], ["blk.1.ffn_up.weight", 12, 12]);
});

test("Phi 3 takes the long factors when its context is longer than the first one", async () => {
  const keys = {
    "rope.scaling.original_context_length": u32(8),
    "rope.scaling.attn_factor": f32(1.25),
  };
  const long = await tinyShape({ architecture, layer, keys, other: factors });
  assert.equal(long.family.ropes[0]?.factorsTensor, "rope_factors_long.weight");
  assert.equal(long.family.ropes[0]?.magnitude, 1.25);
  assert.deepEqual(unusedTensors(long), ["rope_factors_short.weight"]);
  const short = await tinyShape({ architecture, layer, other: factors });
  assert.equal(short.family.ropes[0]?.factorsTensor, "rope_factors_short.weight");
  assert.deepEqual(unusedTensors(short), ["rope_factors_long.weight"]);
});

test("Phi 3 without the factors that it needs is refused, and so is a factor beside them", async () => {
  await assert.rejects(
    tinyShape({ architecture, layer, other: { "rope_factors_long.weight": [2] } }),
    isModelError("bad-shape", /no tensor 'rope_factors_short.weight'/),
  );
  await assert.rejects(
    tinyShape({
      architecture,
      layer,
      other: factors,
      keys: { "rope.scaling.type": string("longrope"), "rope.scaling.factor": f32(4) },
    }),
    isModelError("unsupported-feature", /'phi3.rope.scaling.factor' must be 1/),
  );
});
