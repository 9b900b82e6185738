/**
 * Reading the shape of a model from a file's metadata and tensor list.
 *
 * Whatever in a file would change the arithmetic and is not known here is refused by name, since
 * ignoring it would compute something else than the model. Keys: ggml's docs/gguf.md, "LLM".
 */
import { checkFeatures } from "./_features.ts";
import { quoteForMessage } from "./errors.ts";
import { plainFamily } from "./family.ts";
import type { GgufFile } from "./gguf_types.ts";
import { floatKey, integerKey, modelError, requiredInteger, stringKey } from "./_keys.ts";
import {
  CONTEXT_MAX,
  FFN_WIDTH_MAX,
  HEAD_WIDTH_MAX,
  HEADS_MAX,
  LAYERS_MAX,
  ROPE_BASE_MAX,
  VOCABULARY_MAX,
  WIDTH_MAX,
} from "./limits.ts";
import type { ModelShape } from "./shape.ts";
import { checkTensors } from "./shape_tensors.ts";

/** Base frequency where a file names none, as llama.cpp assumes. */
const ROPE_BASE_DEFAULT = 10_000;

/**
 * Reads the shape of a model that this release can execute, and checks every tensor against it.
 *
 * @throws {ModelError} `unsupported-architecture` or `unsupported-feature` for a model that needs
 * other arithmetic; `bad-metadata` or `bad-shape` for one that contradicts itself
 */
export function readModelShape(file: GgufFile): ModelShape {
  checkArchitecture(file);
  checkFeatures(file);
  const layerCount = requiredInteger(file, { key: "llama.block_count", min: 1, max: LAYERS_MAX });
  const { ropeBase, normEpsilon } = readConstants(file);
  const heads = readHeads(file);
  const shape: ModelShape = {
    architecture: "llama",
    layerCount,
    ...readWidths(file),
    ...heads,
    normEpsilon,
    family: plainFamily({ layerCount, headWidth: heads.headWidth, ropeBase }),
    vocabularySize: readVocabularySize(file),
    tiedOutput: !file.tensors.has("output.weight"),
  };
  checkTensors(file, shape);
  return shape;
}

function checkArchitecture(file: GgufFile): void {
  const architecture = stringKey(file, "general.architecture");
  if (architecture === "llama") return;
  const current = architecture === undefined ? "not given" : quoteForMessage(architecture);
  throw modelError(
    file,
    "unsupported-architecture",
    `'general.architecture' must be 'llama', the one that is supported: it is ${current}`,
  );
}

function readWidths(file: GgufFile): Pick<ModelShape, "width" | "ffnWidth" | "contextMax"> {
  return {
    width: requiredInteger(file, { key: "llama.embedding_length", min: 1, max: WIDTH_MAX }),
    ffnWidth: requiredInteger(file, {
      key: "llama.feed_forward_length",
      min: 1,
      max: FFN_WIDTH_MAX,
    }),
    contextMax: requiredInteger(file, { key: "llama.context_length", min: 1, max: CONTEXT_MAX }),
  };
}

function readHeads(
  file: GgufFile,
): Pick<ModelShape, "headCount" | "kvHeadCount" | "headWidth" | "ropeWidth"> {
  const heads = { min: 1, max: HEADS_MAX };
  const headCount = requiredInteger(file, { key: "llama.attention.head_count", ...heads });
  const kvHeadCount = integerKey(file, { key: "llama.attention.head_count_kv", ...heads }) ??
    headCount;
  if (headCount % kvHeadCount !== 0) {
    throw modelError(
      file,
      "bad-shape",
      `'llama.attention.head_count_kv' must divide the ${headCount} heads: current value is ${kvHeadCount}`,
    );
  }
  const headWidth = readHeadWidth(file, headCount);
  const ropeWidth =
    integerKey(file, { key: "llama.rope.dimension_count", min: 2, max: headWidth }) ??
      headWidth;
  if (ropeWidth % 2 !== 0) {
    throw modelError(
      file,
      "bad-shape",
      `the rotated part of a head must be even: it is ${ropeWidth}`,
    );
  }
  return { headCount, kvHeadCount, headWidth, ropeWidth };
}

function readHeadWidth(file: GgufFile, headCount: number): number {
  const widths = { min: 1, max: HEAD_WIDTH_MAX };
  const keyWidth = integerKey(file, { key: "llama.attention.key_length", ...widths });
  const valueWidth = integerKey(file, { key: "llama.attention.value_length", ...widths });
  const width = requiredInteger(file, { key: "llama.embedding_length", min: 1, max: WIDTH_MAX });
  const headWidth = keyWidth ?? valueWidth ?? width / headCount;
  if (!Number.isInteger(headWidth) || headWidth > HEAD_WIDTH_MAX) {
    throw modelError(
      file,
      "bad-shape",
      `the ${headCount} heads must divide the width ${width} into at most ${HEAD_WIDTH_MAX} each`,
    );
  }
  if ((valueWidth ?? headWidth) !== headWidth) {
    throw modelError(
      file,
      "unsupported-feature",
      `keys and values must be equally wide: they are ${headWidth} and ${valueWidth}`,
    );
  }
  return headWidth;
}

function readConstants(file: GgufFile): { ropeBase: number; normEpsilon: number } {
  const epsilonKey = "llama.attention.layer_norm_rms_epsilon";
  const normEpsilon = floatKey(file, { key: epsilonKey, min: 0, max: 1 });
  if (normEpsilon === undefined) {
    throw modelError(file, "bad-metadata", `it has no '${epsilonKey}'`);
  }
  const ropeBase = floatKey(file, { key: "llama.rope.freq_base", min: 1, max: ROPE_BASE_MAX });
  return { ropeBase: ropeBase ?? ROPE_BASE_DEFAULT, normEpsilon };
}

/** Rows of the embedding; the tokens and `llama.vocab_size`, where given, must agree. */
function readVocabularySize(file: GgufFile): number {
  const rows = file.tensors.get("token_embd.weight")?.shape[1];
  if (rows === undefined) {
    throw modelError(file, "bad-shape", "it has no tensor 'token_embd.weight' with two extents");
  }
  if (rows > VOCABULARY_MAX) {
    throw modelError(
      file,
      "bad-shape",
      `its vocabulary must be at most ${VOCABULARY_MAX}: it is ${rows}`,
    );
  }
  const stated = integerKey(file, { key: "llama.vocab_size", min: 1, max: VOCABULARY_MAX });
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  const listed = Array.isArray(tokens) ? tokens.length : undefined;
  for (const count of [stated, listed]) {
    if (count !== undefined && count !== rows) {
      throw modelError(
        file,
        "bad-shape",
        `its vocabulary of ${count} tokens must equal the ${rows} rows of 'token_embd.weight'`,
      );
    }
  }
  return rows;
}
