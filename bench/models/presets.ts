/**
 * Shapes of well-known sizes: the TinyStories Llamas of 15 and 110 million parameters, and
 * TinyLlama's 1.1 billion, with its 32 query and 4 key-value heads.
 */
import { type ModelShape, plainFamily } from "../../src/model/mod.ts";

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

/** The shape of a size: 32,000 tokens, 2,048 positions, a head of its own. */
export function presetShape(size: ModelSize): ModelShape {
  const extents = EXTENTS[size];
  const headWidth = extents.width / extents.headCount;
  return {
    architecture: "llama",
    ...extents,
    headWidth,
    ropeWidth: headWidth,
    normEpsilon: Math.fround(1e-5),
    vocabularySize: 32_000,
    contextMax: 2048,
    tiedOutput: false,
    family: plainFamily({ layerCount: extents.layerCount, headWidth }),
  };
}
