/**
 * A summary of a model file for people and scripts; plain data, safe to print as JSON.
 */
import { describeFamily } from "./describe_family.ts";
import { ModelError } from "./errors.ts";
import type { GgufFile, TensorType } from "./gguf_types.ts";
import { loadTokenizer } from "./load_tokenizer.ts";
import { readModelShape } from "./read_shape.ts";
import type { ModelShape } from "./shape.ts";

/** How much of a file has one element type. */
export interface TypeShare {
  readonly type: TensorType;
  readonly tensorCount: number;
  readonly parameterCount: number;
  readonly sizeBytes: number;
}

/** What a model file is, and whether this release can execute it. */
export interface ModelSummary {
  /** The source's name: a path, usually. */
  readonly source: string;
  /** `general.name`. */
  readonly name: string | null;
  /** `general.architecture`. */
  readonly architecture: string | null;
  readonly ggufVersion: number;
  readonly fileSizeBytes: number;
  readonly weightsSizeBytes: number;
  readonly tensorCount: number;
  readonly parameterCount: number;
  /** By descending size. */
  readonly tensorTypes: readonly TypeShare[];
  /** The shape, when this release can execute the model. */
  readonly shape: Omit<ModelShape, "family"> | null;
  /** The family's choices in words, when this release can execute the model. */
  readonly family: readonly string[] | null;
  /** Positions that the model was trained for. */
  readonly contextMax: number | null;
  /** `tokenizer.ggml.model`, and the number of tokens. */
  readonly tokenizer: { readonly kind: string | null; readonly vocabularySize: number };
  readonly hasChatTemplate: boolean;
  /** `general.license`, or the name and link that stand in for it. */
  readonly licence: string | null;
  readonly executable: boolean;
  /** Why the model cannot be executed, a sentence each; empty when it can. */
  readonly obstacles: readonly string[];
}

/** Summarises a file; what cannot be executed is told in `obstacles`, not thrown. */
export function inspectModel(file: GgufFile): ModelSummary {
  const obstacles: string[] = [];
  const shape = attempt(() => readModelShape(file), obstacles);
  attempt(() => loadTokenizer(file), obstacles);
  const architecture = text(file, "general.architecture");
  const context = file.metadata.get(`${architecture}.context_length`);
  const tensorTypes = shares(file);
  return {
    source: file.name,
    name: text(file, "general.name"),
    architecture,
    ggufVersion: file.version,
    fileSizeBytes: file.sizeBytes,
    weightsSizeBytes: sum(tensorTypes.map(({ sizeBytes }) => sizeBytes)),
    tensorCount: file.tensors.size,
    parameterCount: sum(tensorTypes.map(({ parameterCount }) => parameterCount)),
    tensorTypes,
    ...shape === undefined ? { shape: null, family: null } : summarise(shape),
    contextMax: typeof context === "number" ? context : null,
    tokenizer: { kind: text(file, "tokenizer.ggml.model"), vocabularySize: tokenCount(file) },
    hasChatTemplate: text(file, "tokenizer.chat_template") !== null,
    licence: text(file, "general.license") ?? text(file, "general.license.name") ??
      text(file, "general.license.link"),
    executable: obstacles.length === 0,
    obstacles,
  };
}

function summarise(shape: ModelShape): Pick<ModelSummary, "shape" | "family"> {
  const { family: _, ...extents } = shape;
  return { shape: extents, family: describeFamily(shape) };
}

function attempt<T>(read: () => T, obstacles: string[]): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    obstacles.push(cause.message);
    return undefined;
  }
}

function text(file: GgufFile, key: string): string | null {
  const value = file.metadata.get(key);
  return typeof value === "string" ? value : null;
}

function tokenCount(file: GgufFile): number {
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  return Array.isArray(tokens) ? tokens.length : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function shares(file: GgufFile): TypeShare[] {
  const byType = new Map<TensorType, TypeShare>();
  for (const { type, shape, sizeBytes } of file.tensors.values()) {
    const share = byType.get(type);
    byType.set(type, {
      type,
      tensorCount: (share?.tensorCount ?? 0) + 1,
      parameterCount: (share?.parameterCount ?? 0) + shape.reduce((all, extent) => all * extent, 1),
      sizeBytes: (share?.sizeBytes ?? 0) + sizeBytes,
    });
  }
  return [...byType.values()].sort((a, b) => b.sizeBytes - a.sizeBytes);
}
