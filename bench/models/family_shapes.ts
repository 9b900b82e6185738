/**
 * Shapes of models of each family: a family's own choices over any extents.
 */
import { plainFamily, plainRope } from "../../src/model/mod.ts";
import type { Architecture, Family, ModelShape } from "../../src/model/mod.ts";

/** Extents of a model, without its family. */
export interface ModelExtents {
  readonly layerCount: number;
  readonly width: number;
  readonly ffnWidth: number;
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headWidth: number;
  readonly vocabularySize: number;
  readonly contextMax: number;
  readonly tiedOutput: boolean;
}

/** A family as it can be asked for: an architecture, and a variant of it where there are several. */
interface Recipe {
  readonly architecture: Architecture;
  readonly describe: (plain: Family, extents: ModelExtents) => Family;
  /** Share of a head that is rotated. @default 1 */
  readonly rotated?: number;
}

const QWEN_BASE = 1_000_000;
const LLAMA3_BASE = 500_000;
const MISTRAL_WINDOW = 4096;
const PHI_WINDOW = 2047;
const GEMMA2_WINDOW = 4096;
const GEMMA3_WINDOW = 1024;
const GEMMA3_PERIOD = 6;
/** Layers of the 27B models, which scale queries by width / heads. */
const GEMMA2_LARGEST = 46;
const GEMMA3_LARGEST = 62;
/** How much longer the contexts of stretched models are than those that they were first trained for. */
export const STRETCH = 4;

const RECIPES = {
  llama: { architecture: "llama", describe: (plain) => plain },
  llama3: {
    architecture: "llama",
    describe: (plain) => withRope(plain, { base: LLAMA3_BASE, factorsTensor: "rope_freqs.weight" }),
  },
  "llama-linear": {
    architecture: "llama",
    describe: (plain) => withRope(plain, { frequencyScale: 1 / STRETCH }),
  },
  "llama-yarn": {
    architecture: "llama",
    describe: (plain, { contextMax }) =>
      withRope(plain, {
        frequencyScale: 1 / STRETCH,
        yarn: {
          originalContext: Math.max(1, Math.floor(contextMax / STRETCH)),
          extrapolation: 1,
          betaFast: 32,
          betaSlow: 1,
        },
        magnitude: Math.fround(0.1 * Math.log(STRETCH) + 1),
      }),
  },
  "llama-biases": {
    architecture: "llama",
    describe: (plain) => ({
      ...plain,
      biases: ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"],
    }),
  },
  mistral: {
    architecture: "llama",
    describe: (plain, extents) => ({ ...plain, layers: windowed(extents, MISTRAL_WINDOW) }),
  },
  qwen2: {
    architecture: "qwen2",
    describe: (plain) => ({
      ...withRope(plain, { base: QWEN_BASE }),
      ropePairs: "halves",
      biases: ["attn_q", "attn_k", "attn_v"],
    }),
  },
  qwen3: {
    architecture: "qwen3",
    describe: (plain) => ({
      ...withRope(plain, { base: QWEN_BASE }),
      ropePairs: "halves",
      headNorms: true,
    }),
  },
  phi3: {
    architecture: "phi3",
    describe: (plain, extents) => ({ ...phi(plain), layers: windowed(extents, PHI_WINDOW) }),
  },
  "phi3-long": {
    architecture: "phi3",
    rotated: 0.75,
    describe: (plain) =>
      withRope(phi(plain), { factorsTensor: "rope_factors_long.weight", magnitude: 1.1875 }),
  },
  gemma2: {
    architecture: "gemma2",
    describe: (plain, extents) => ({
      ...gemma(plain, extents, GEMMA2_LARGEST),
      layers: windowed(extents, GEMMA2_WINDOW).map((layer, index) => {
        return index % 2 === 0 ? layer : { window: 0, rope: 0 };
      }),
      attentionCap: 50,
      logitCap: 30,
    }),
  },
  gemma3: {
    architecture: "gemma3",
    describe: (plain, extents) => ({
      ...withRope(gemma(plain, extents, GEMMA3_LARGEST), {
        base: QWEN_BASE,
        frequencyScale: 1 / STRETCH,
      }),
      headNorms: true,
      ropes: [{ ...plainRope(QWEN_BASE), frequencyScale: 1 / STRETCH }, plainRope(10_000)],
      layers: windowed(extents, GEMMA3_WINDOW).map(({ window }, index) => {
        const isGlobal = index % GEMMA3_PERIOD === GEMMA3_PERIOD - 1;
        return isGlobal ? { window: 0, rope: 0 } : { window, rope: 1 };
      }),
    }),
  },
  bert: {
    architecture: "bert",
    describe: (plain, extents) => ({ ...encoder(plain, extents), pooling: "cls" }),
  },
  "bert-mean": { architecture: "bert", describe: encoder },
} as const satisfies Readonly<Record<string, Recipe>>;

/** A family that can be written. */
export type FamilyName = keyof typeof RECIPES;

/** All families that can be written. */
export const familyNames = Object.keys(RECIPES) as readonly FamilyName[];

/** Whether `text` names a family. */
export function isFamilyName(text: string | undefined): text is FamilyName {
  return text !== undefined && Object.hasOwn(RECIPES, text);
}

/** The shape of a model of a family. Gemma ties its head to its embedding; an encoder has none. */
export function familyShape(name: FamilyName, extents: ModelExtents): ModelShape {
  const { layerCount, headWidth } = extents;
  const recipe: Recipe = RECIPES[name];
  const { architecture } = recipe;
  const isTied = architecture === "bert" || architecture.startsWith("gemma");
  return {
    ...extents,
    architecture,
    ropeWidth: 2 * Math.round(headWidth * (recipe.rotated ?? 1) / 2),
    normEpsilon: Math.fround(architecture === "bert" ? 1e-12 : 1e-5),
    tiedOutput: extents.tiedOutput || isTied,
    family: recipe.describe(plainFamily({ layerCount, headWidth }), extents),
  };
}

function withRope(family: Family, changes: Partial<Family["ropes"][number]>): Family {
  return { ...family, ropes: [{ ...plainRope(10_000), ...changes }] };
}

function phi(plain: Family): Family {
  return { ...plain, ropePairs: "halves", fused: ["qkv", "gate-up"] };
}

function gemma(plain: Family, extents: ModelExtents, largestLayers: number): Family {
  const { layerCount, width, headCount, headWidth } = extents;
  const scaled = layerCount === largestLayers ? Math.floor(width / headCount) : headWidth;
  return {
    ...plain,
    ropePairs: "halves",
    normPlaces: "around",
    activation: "gelu-tanh",
    embeddingScale: Math.fround(Math.sqrt(width)),
    attentionScale: Math.fround(1 / Math.sqrt(scaled)),
  };
}

function encoder(plain: Family, { contextMax }: ModelExtents): Family {
  return {
    ...plain,
    norm: "layer",
    normPlaces: "after",
    activation: "gelu-erf",
    gated: false,
    causal: false,
    ropes: [],
    biases: ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"],
    pooling: "mean",
    positionRows: contextMax,
    tokenTypeRows: 2,
  };
}

function windowed({ layerCount, contextMax }: ModelExtents, size: number): Family["layers"] {
  const window = size < contextMax ? size : 0;
  return Array.from({ length: layerCount }, () => ({ window, rope: 0 }));
}
