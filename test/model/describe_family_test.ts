/** What people are told of a family. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspectModel, plainFamily, plainRope } from "../../src/model/mod.ts";
import { describeFamily } from "../../src/model/describe_family.ts";
import { presetShape } from "../../bench/models/presets.ts";
import { openWritten, tinyLlama } from "./_files.ts";

test("describeFamily() says little of a plain Llama", async () => {
  const summary = inspectModel(await openWritten(tinyLlama()));
  assert.deepEqual(summary.family, [
    "RMS norms before each half of a layer",
    "SiLU, gated",
    "RoPE of base 10000",
  ]);
});

test("describeFamily() names every choice that sets a model apart", () => {
  const shape = presetShape("15m");
  const family = plainFamily({ layerCount: 2, headWidth: 48 });
  const yarn = { originalContext: 4096, extrapolation: 1, betaFast: 32, betaSlow: 1 };
  const words = describeFamily({
    ...shape,
    family: {
      ...family,
      headNorms: true,
      normPlaces: "around",
      activation: "gelu-tanh",
      causal: false,
      layers: [{ window: 512, rope: 0 }, { window: 0, rope: 1 }],
      ropes: [
        { base: 1e6, frequencyScale: 0.125, yarn, magnitude: 1.5, factorsTensor: "x.weight" },
        plainRope(10_000),
      ],
      biases: ["attn_q"],
      fused: ["qkv"],
      embeddingScale: 8,
      attentionCap: 50,
      logitCap: 30,
      pooling: "mean",
      positionRows: 512,
    },
  });
  assert.deepEqual(words, [
    "RMS norms around each half of a layer",
    "normalised queries and keys",
    "GELU by tanh, gated",
    "every position sees every other",
    "a window of 512 positions in 1 of 2 layers",
    "RoPE of base 1000000, stretched by 8, YaRN from 4096 positions, factors from x.weight, magnitude 1.5, in 1 of 2 layers",
    "RoPE of base 10000, in 1 of 2 layers",
    "512 learned positions",
    "biases on attn_q",
    "fused qkv",
    "scores capped at 50",
    "logits capped at 30",
    "embeddings times 8",
    "pooled by mean",
  ]);
});
