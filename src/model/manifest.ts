/**
 * The manifest of a model file: what it is, its BLAKE3 root, where its outboard is, and which bytes
 * belong to which part. Format: docs/MANIFEST.md.
 *
 * Not here: files (`manifest_store.ts`), hashing (`manifest_add.ts`, `manifest_verify.ts`).
 */
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { outboardBytes } from "../hot/mod.ts";
import { ModelError, quoteForMessage } from "./errors.ts";
import { LAYERS_MAX, TENSORS_MAX } from "./limits.ts";

/** The format's name and version. */
export const MANIFEST_FORMAT = "skep-model/1";

/** Longest manifest, in bytes: 65,536 tensors that all lie apart make some 6 MiB. */
export const MANIFEST_BYTES_MAX: number = 8 * 1024 * 1024;

/** Longest content of a tree: 64 GiB. */
const CONTENT_BYTES_MAX = 2 ** 36;

const name = v.pipe(
  v.string(),
  v.regex(/^(?!embedded$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "it is no name of a model"),
);
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(CONTENT_BYTES_MAX));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits"));
const sentence = v.pipe(v.string(), v.maxLength(65_536));
/** A file beside the manifest. */
const plainName = v.pipe(v.string(), v.regex(/^[^/\0]{1,255}$/), v.notValues([".", ".."]));
const absolute = v.pipe(
  v.string(),
  v.maxLength(4096),
  v.check((path) => isAbsolute(path) && !path.includes("\0"), "it must be absolute"),
);
const range = v.strictObject({ offsetBytes: bytes, lengthBytes: bytes });
const shard = v.strictObject({
  part: v.picklist(["header", "embedding", "layer", "head", "other"]),
  layer: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(999_999))),
  ranges: v.pipe(v.array(range), v.minLength(1), v.maxLength(TENSORS_MAX)),
});

/** The schema of the format's version 1. */
export const manifestSchema = v.strictObject({
  format: v.literal(MANIFEST_FORMAT),
  name,
  file: v.strictObject({
    path: v.union([absolute, plainName]),
    sizeBytes: bytes,
    modifiedMs: v.pipe(v.number(), v.safeInteger()),
  }),
  root: digest,
  outboard: v.strictObject({ path: plainName, sizeBytes: bytes, digest }),
  numericClasses: v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(64)),
  obstacles: v.pipe(v.array(sentence), v.maxLength(64)),
  shards: v.pipe(v.array(shard), v.maxLength(LAYERS_MAX + TENSORS_MAX)),
});

/** A manifest, checked. */
export type ModelManifest = v.InferOutput<typeof manifestSchema>;

/** Whether a text may be a model's name: a letter or digit, then letters, digits, `.`, `_`, `-`. */
export function isModelName(text: string): boolean {
  return v.is(name, text);
}

/** The name that a file gets when none is given: its own, without .gguf and odd characters. */
export function modelNameOf(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1).replace(/\.gguf$/i, "");
  const plain = file.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  const cut = plain.slice(0, 128);
  return isModelName(cut) ? cut : "model";
}

/** Where the model's file is. @param directory the models directory, absolute */
export function manifestFile(directory: string, manifest: ModelManifest): string {
  const { path } = manifest.file;
  return isAbsolute(path) ? path : join(directory, path);
}

/** The manifest as a file's bytes: JSON for people to read, ending in a newline. */
export function encodeManifest(manifest: ModelManifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 1)}\n`);
}

/**
 * Reads a manifest, and checks what its parts say of each other.
 *
 * @param source its path, for messages
 * @throws {ModelError} `bad-manifest`, naming the member
 */
export function parseManifest(source: Uint8Array, path: string): ModelManifest {
  const result = v.safeParse(manifestSchema, jsonOf(source, path));
  if (!result.success) {
    const [issue] = result.issues;
    const where = v.getDotPath(issue) ?? "the whole";
    throw badManifest(path, `${where} is wrong: ${issue.message}`);
  }
  const { file, outboard, shards } = result.output;
  if (outboard.sizeBytes !== outboardBytes(file.sizeBytes)) {
    throw badManifest(path, `its outboard must have ${outboardBytes(file.sizeBytes)} bytes`);
  }
  for (const { ranges } of shards) {
    let end = 0;
    for (const { offsetBytes, lengthBytes } of ranges) {
      if (offsetBytes < end || offsetBytes + lengthBytes > file.sizeBytes) {
        throw badManifest(path, "its ranges must ascend and end within the file");
      }
      end = offsetBytes + lengthBytes;
    }
  }
  return result.output;
}

function jsonOf(source: Uint8Array, path: string): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(source));
    return value;
  } catch (cause) {
    throw badManifest(path, "it is no JSON", cause);
  }
}

function badManifest(path: string, rule: string, cause?: unknown): ModelError {
  const advice = `run "skep model add" again`;
  return new ModelError(
    "bad-manifest",
    `Cannot use manifest ${quoteForMessage(path)} as ${rule}; ${advice}`,
    { cause },
  );
}
