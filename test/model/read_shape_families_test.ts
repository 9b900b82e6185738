/** Whatever the keys of a family hold, reading ends in a sane shape or in a refusal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ValueToWrite } from "../../bench/models/encode_gguf.ts";
import { familyNames, familyShape } from "../../bench/models/family_shapes.ts";
import type { FamilyName } from "../../bench/models/family_shapes.ts";
import { shapeKeys, tokenTypeKeys } from "../../bench/models/shape_keys.ts";
import {
  expectedTensors,
  layerMatricesOf,
  matrixPlace,
  ModelError,
  readModelShape,
  unusedTensors,
} from "../../src/model/mod.ts";
import type { ModelShape } from "../../src/model/mod.ts";
import { openWritten, runs, tensor } from "./_files.ts";

const EXTENTS = {
  layerCount: 3,
  width: 8,
  ffnWidth: 12,
  headCount: 2,
  kvHeadCount: 2,
  headWidth: 4,
  vocabularySize: 6,
  contextMax: 64,
  tiedOutput: false,
};

/** Keys of any family that a file may hold, and values that may be wrong in type or size. */
const anyKey = fc.constantFrom(
  "rope.freq_base",
  "rope.freq_base_swa",
  "rope.dimension_count",
  "rope.scaling.type",
  "rope.scaling.factor",
  "rope.scaling.attn_factor",
  "rope.scaling.original_context_length",
  "rope.scaling.yarn_ext_factor",
  "rope.scaling.yarn_beta_fast",
  "rope.scaling.yarn_beta_slow",
  "rope.scaling.yarn_log_multiplier",
  "attention.sliding_window",
  "attention.sliding_window_pattern",
  "attention.causal",
  "attention.layer_norm_epsilon",
  "attention.layer_norm_rms_epsilon",
  "attn_logit_softcapping",
  "final_logit_softcapping",
  "pooling_type",
  "expert_count",
  "context_length",
);
const anyValue: fc.Arbitrary<ValueToWrite> = fc.oneof(
  fc.record({ type: fc.constant("u32" as const), value: fc.nat(300) }),
  fc.record({ type: fc.constant("i32" as const), value: fc.integer({ min: -3, max: 300 }) }),
  fc.record({ type: fc.constant("f32" as const), value: fc.float() }),
  fc.record({ type: fc.constant("f32" as const), value: fc.float({ min: 0, max: 64 }) }),
  fc.record({ type: fc.constant("bool" as const), value: fc.boolean() }),
  fc.record({
    type: fc.constant("string" as const),
    value: fc.constantFrom("none", "linear", "yarn", "longrope", "dynamic", ""),
  }),
  fc.record({
    type: fc.constant("array" as const),
    of: fc.constant("bool" as const),
    value: fc.array(fc.boolean(), { maxLength: 4 }),
  }),
);

function isSane({ family, layerCount, contextMax }: ModelShape): boolean {
  const numbers = [
    family.embeddingScale,
    family.attentionScale,
    family.attentionCap,
    family.logitCap,
    ...family.ropes.flatMap(({ base, frequencyScale, magnitude, yarn }) => {
      return [base, frequencyScale, magnitude, ...Object.values(yarn ?? {})];
    }),
  ];
  return numbers.every((value) => Number.isFinite(value) && value >= 0) &&
    family.layers.length === layerCount &&
    family.layers.every(({ window, rope }) => {
      const hasRope = rope < family.ropes.length || family.ropes.length === 0;
      return hasRope && window >= 0 && window < contextMax;
    });
}

for (const name of familyNames) {
  test(`whatever ${name}'s keys hold, its shape is sane or it is refused`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(anyKey, anyValue, { maxKeys: 4 }), async (changes) => {
        const shape = await readChanged(name, changes);
        assert.ok(shape === undefined || isSane(shape), JSON.stringify(shape?.family));
      }),
      { numRuns: runs(60) },
    );
  });

  test(`every matrix of ${name} lies within a tensor that is expected`, () => {
    const shape = familyShape(name, EXTENTS);
    const expected = expectedTensors(shape);
    for (const matrix of layerMatricesOf(shape)) {
      const { tensor, firstRow, rowCount, columnCount, bias } = matrixPlace(shape, 2, matrix);
      const [columns, rows = 0] = expected.get(tensor) ?? [];
      assert.equal(columns, columnCount);
      assert.ok(firstRow + rowCount <= rows);
      if (bias !== undefined) assert.deepEqual(expected.get(bias), [rows]);
    }
  });
}

/** Reads a file of the family with other keys; undefined when it is refused. */
async function readChanged(
  name: FamilyName,
  changes: Readonly<Record<string, ValueToWrite>>,
): Promise<ModelShape | undefined> {
  const shape = familyShape(name, EXTENTS);
  const metadata = new Map([...shapeKeys(shape), ...tokenTypeKeys(shape.family)]);
  for (const [key, value] of Object.entries(changes)) {
    metadata.set(`${shape.architecture}.${key}`, value);
  }
  const names = [...expectedTensors(shape)].map(([each, extents]) => tensor(each, [...extents]));
  const unused = unusedTensors(shape).map((each) => tensor(each, [shape.ropeWidth / 2]));
  const file = await openWritten({ metadata: [...metadata], tensors: [...names, ...unused] });
  try {
    return readModelShape(file);
  } catch (cause) {
    if (cause instanceof ModelError) return undefined;
    throw cause;
  }
}
