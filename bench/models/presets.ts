/**
 * Shapes of well-known sizes: the TinyStories Llamas of 15 and 110 million parameters, and
 * TinyLlama's 1.1 billion, with its 32 query and 4 key-value heads.
 */
import type { ModelShape } from "../../src/model/mod.ts";
import { familyShape } from "./family_shapes.ts";
import type { FamilyName, ModelExtents } from "./family_shapes.ts";

/** Names of the sizes. */
export type ModelSize = "15m" | "110m" | "1b";

type Extents = Pick<
  ModelShape,
  "layerCount" | "width" | "ffnWidth" | "headCount" | "kvHeadCount"
>;

const EXTENTS: Readonly<Record<ModelSize, Extents>> = {
  "15m": { layerCount: 6, width: 288, ffnWidth: 768, headCount: 6, kvHeadCount: 6 },
  "110m": { layerCount: 12, width: 768, ffnWidth: 2048, headCount: 12, kvHeadCount: 12 },
  "1b": { layerCount: 22, width: 2048, ffnWidth: 5632, headCount: 32, kvHeadCount: 4 },
};

/** Whether `text` names a size. */
export function isModelSize(text: string | undefined): text is ModelSize {
  return text !== undefined && Object.hasOwn(EXTENTS, text);
}

/**
 * The shape of a size: a Llama of 32,000 tokens and 2,048 positions with a head of its own, unless
 * asked otherwise.
 */
export function presetShape(
  size: ModelSize,
  changes: Partial<ModelExtents> & { readonly family?: FamilyName } = {},
): ModelShape {
  const { family = "llama", ...extents } = changes;
  const preset = EXTENTS[size];
  return familyShape(family, {
    ...preset,
    headWidth: preset.width / preset.headCount,
    vocabularySize: 32_000,
    contextMax: 2048,
    tiedOutput: false,
    ...extents,
  });
}
