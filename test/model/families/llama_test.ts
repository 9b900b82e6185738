/** Llama's variants: windows, scaled RoPE, biases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedTensors, plainFamily, plainRope } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { f32, string, tinyShape, u32 } from "./_family_files.ts";

const architecture = "llama";

test("a plain Llama is the plain family", async () => {
  const shape = await tinyShape({ architecture });
  assert.deepEqual(shape.family, plainFamily({ layerCount: 2, headWidth: 4 }));
});

test("Mistral's window holds in every layer, and is none when it is as long as the context", async () => {
  const windowed = await tinyShape({ architecture, keys: { "attention.sliding_window": u32(5) } });
  assert.deepEqual(windowed.family.layers.map(({ window }) => window), [5, 5]);
  const whole = await tinyShape({ architecture, keys: { "attention.sliding_window": u32(16) } });
  assert.deepEqual(whole.family.layers.map(({ window }) => window), [0, 0]);
});

test("a linear factor stretches positions, by the new key, the old one, or none", async () => {
  const linear = { ...plainRope(10_000), frequencyScale: 0.25 };
  for (const key of ["rope.scaling.factor", "rope.scale_linear"]) {
    const shape = await tinyShape({ architecture, keys: { [key]: f32(4) } });
    assert.deepEqual(shape.family.ropes, [linear]);
  }
  const none = await tinyShape({
    architecture,
    keys: { "rope.scaling.type": string("none"), "rope.scaling.factor": f32(4) },
  });
  assert.deepEqual(none.family.ropes, [plainRope(10_000)]);
});

test("YaRN has llama.cpp's defaults, and the paper's magnitude", async () => {
  const keys = {
    "rope.freq_base": f32(500_000),
    "rope.scaling.type": string("yarn"),
    "rope.scaling.factor": f32(4),
    "rope.scaling.original_context_length": u32(8),
  };
  const { family } = await tinyShape({ architecture, keys });
  assert.deepEqual(family.ropes, [{
    base: 500_000,
    frequencyScale: 0.25,
    yarn: { originalContext: 8, extrapolation: 1, betaFast: 32, betaSlow: 1 },
    magnitude: Math.fround(1 + 0.1 * Math.log(4)),
    factorsTensor: undefined,
  }]);
});

test("YaRN's other keys are read, and 0 of it leaves the linear factor", async () => {
  const yarn = {
    "rope.scaling.type": string("yarn"),
    "rope.scaling.factor": f32(2),
    "rope.scaling.attn_factor": f32(0.5),
  };
  const tuned = await tinyShape({
    architecture,
    keys: {
      ...yarn,
      "rope.scaling.yarn_ext_factor": f32(0.5),
      "rope.scaling.yarn_beta_fast": f32(16),
      "rope.scaling.yarn_beta_slow": f32(2),
      "rope.scaling.yarn_log_multiplier": f32(1),
    },
  });
  assert.deepEqual(tuned.family.ropes[0], {
    ...plainRope(10_000),
    frequencyScale: 0.5,
    yarn: { originalContext: 16, extrapolation: 0.5, betaFast: 16, betaSlow: 2 },
    magnitude: 0.5,
  });
  const off = await tinyShape({
    architecture,
    keys: { ...yarn, "rope.scaling.yarn_ext_factor": f32(0) },
  });
  assert.equal(off.family.ropes[0]?.yarn, undefined);
  assert.equal(off.family.ropes[0]?.magnitude, 0.5);
});

test("factors that would turn angles too far, and YaRN without frequencies, are refused", async () => {
  await assert.rejects(
    tinyShape({ architecture, keys: { "rope.scaling.factor": f32(0.25) } }),
    isModelError("unsupported-feature", /at least 0.5: it is 0.25/),
  );
  const flat = { "rope.scaling.type": string("yarn"), "rope.freq_base": f32(1) };
  await assert.rejects(
    tinyShape({ architecture, keys: flat }),
    isModelError("bad-shape", /YaRN needs a RoPE base above 1/),
  );
});

test("Llama 3's factors are a tensor of half the rotated width", async () => {
  const shape = await tinyShape({ architecture, other: { "rope_freqs.weight": [2] } });
  assert.equal(shape.family.ropes[0]?.factorsTensor, "rope_freqs.weight");
  assert.deepEqual(expectedTensors(shape).get("rope_freqs.weight"), [2]);
  await assert.rejects(
    tinyShape({ architecture, other: { "rope_freqs.weight": [3] } }),
    isModelError("bad-shape", /'rope_freqs.weight' must have the shape 2: current shape is 3/),
  );
});

test("biases are those of the first layer, and must be in every layer", async () => {
  const layer = { "attn_q.bias": [8], "attn_output.bias": [8], "ffn_gate.bias": [12] };
  const { family } = await tinyShape({ architecture, layer });
  assert.deepEqual(family.biases, ["attn_q", "attn_output", "ffn_gate"]);
  await assert.rejects(
    tinyShape({ architecture, other: { "blk.0.attn_v.bias": [4] } }),
    isModelError("bad-shape", /no tensor 'blk.1.attn_v.bias'/),
  );
});

test("queries, keys and values may lie in one tensor, with one bias", async () => {
  const layer = {
    "attn_q.weight": undefined,
    "attn_k.weight": undefined,
    "attn_v.weight": undefined,
    "attn_qkv.weight": [8, 16],
    "attn_qkv.bias": [16],
  };
  const shape = await tinyShape({ architecture, layer });
  assert.deepEqual(shape.family.fused, ["qkv"]);
  assert.deepEqual(shape.family.biases, ["attn_q", "attn_k", "attn_v"]);
});
