/**
 * Reading the shape of a model from a file's metadata and tensor list.
 *
 * Whatever in a file would change the arithmetic and is not known here is refused by name, since
 * ignoring it would compute something else than the model. Keys: ggml's docs/gguf.md, "LLM", and
 * those of llama.cpp's families (families/).
 */
import { checkFeatures } from "./_features.ts";
import { quoteForMessage } from "./errors.ts";
import { ArchitectureKeys } from "./families/family_reader.ts";
import type { Extents, FamilyReader } from "./families/family_reader.ts";
import { familyReaders } from "./families/table.ts";
import { architectures } from "./family.ts";
import type { Architecture } from "./family.ts";
import type { GgufFile } from "./gguf_types.ts";
import { floatKey, integerKey, missing, modelError, requiredInteger, stringKey } from "./_keys.ts";
import {
  CONTEXT_MAX,
  FFN_WIDTH_MAX,
  HEAD_WIDTH_MAX,
  HEADS_MAX,
  LAYERS_MAX,
  VOCABULARY_MAX,
  WIDTH_MAX,
} from "./limits.ts";
import type { ModelShape } from "./shape.ts";
import { checkTensors } from "./shape_tensors.ts";

/**
 * Reads the shape of a model that this release can execute, and checks every tensor against it.
 *
 * @throws {ModelError} `unsupported-architecture` or `unsupported-feature` for a model that needs
 * other arithmetic; `bad-metadata` or `bad-shape` for one that contradicts itself
 */
export function readModelShape(file: GgufFile): ModelShape {
  const architecture = readArchitecture(file);
  const reader = familyReaders[architecture];
  checkFeatures(file, { architecture, ownKeys: reader.keys });
  const extents = readExtents(file, architecture, reader);
  const family = reader.describe(new ArchitectureKeys(file, architecture), extents);
  const shape: ModelShape = { ...extents, family };
  checkTensors(file, shape);
  return shape;
}

function readArchitecture(file: GgufFile): Architecture {
  const architecture = stringKey(file, "general.architecture");
  const known = architectures.find((each) => each === architecture);
  if (known !== undefined) return known;
  const current = architecture === undefined ? "not given" : quoteForMessage(architecture);
  throw modelError(
    file,
    "unsupported-architecture",
    `'general.architecture' must be one of ${architectures.join(", ")}: it is ${current}`,
  );
}

function readExtents(
  file: GgufFile,
  architecture: Architecture,
  { epsilonKey }: FamilyReader,
): Extents {
  const key = (name: string): string => `${architecture}.${name}`;
  return {
    architecture,
    layerCount: requiredInteger(file, { key: key("block_count"), min: 1, max: LAYERS_MAX }),
    width: requiredInteger(file, { key: key("embedding_length"), min: 1, max: WIDTH_MAX }),
    ffnWidth: requiredInteger(file, {
      key: key("feed_forward_length"),
      min: 1,
      max: FFN_WIDTH_MAX,
    }),
    contextMax: requiredInteger(file, { key: key("context_length"), min: 1, max: CONTEXT_MAX }),
    ...readHeads(file, key),
    normEpsilon: readEpsilon(file, key(epsilonKey)),
    vocabularySize: readVocabularySize(file, key),
    tiedOutput: !file.tensors.has("output.weight"),
  };
}

function readHeads(
  file: GgufFile,
  key: (name: string) => string,
): Pick<ModelShape, "headCount" | "kvHeadCount" | "headWidth" | "ropeWidth"> {
  const heads = { min: 1, max: HEADS_MAX };
  const headCount = requiredInteger(file, { key: key("attention.head_count"), ...heads });
  const kvHeadCount = integerKey(file, { key: key("attention.head_count_kv"), ...heads }) ??
    headCount;
  if (headCount % kvHeadCount !== 0) {
    throw modelError(
      file,
      "bad-shape",
      `'${
        key("attention.head_count_kv")
      }' must divide the ${headCount} heads: current value is ${kvHeadCount}`,
    );
  }
  const headWidth = readHeadWidth(file, { key, headCount });
  const ropeWidth =
    integerKey(file, { key: key("rope.dimension_count"), min: 2, max: headWidth }) ?? headWidth;
  if (ropeWidth % 2 !== 0) {
    throw modelError(
      file,
      "bad-shape",
      `the rotated part of a head must be even: it is ${ropeWidth}`,
    );
  }
  return { headCount, kvHeadCount, headWidth, ropeWidth };
}

function readHeadWidth(
  file: GgufFile,
  options: { readonly key: (name: string) => string; readonly headCount: number },
): number {
  const { key, headCount } = options;
  const widths = { min: 1, max: HEAD_WIDTH_MAX };
  const keyWidth = integerKey(file, { key: key("attention.key_length"), ...widths });
  const valueWidth = integerKey(file, { key: key("attention.value_length"), ...widths });
  const width = requiredInteger(file, { key: key("embedding_length"), min: 1, max: WIDTH_MAX });
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

function readEpsilon(file: GgufFile, key: string): number {
  const epsilon = floatKey(file, { key, min: 0, max: 1 });
  if (epsilon === undefined) throw missing(file, key);
  return epsilon;
}

/** Rows of the embedding; the tokens and `<architecture>.vocab_size`, where given, must agree. */
function readVocabularySize(file: GgufFile, key: (name: string) => string): number {
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
  const stated = integerKey(file, { key: key("vocab_size"), min: 1, max: VOCABULARY_MAX });
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
