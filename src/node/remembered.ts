/**
 * remembered.json: which model, and which of its layers, a command told this node to have from then on.
 * It is in the state directory and written by programs; skep.toml is the user's and is never written.
 *
 * What is remembered wins over skep.toml, but for settings that skep.toml has changed since, and loses
 * against the environment and flags. Layers are those of a model: where another one is asked for they
 * are no more meant.
 */
import * as v from "valibot";
import { DiskError, makeDirectoryDurably, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { NodeError } from "./node_error.ts";

/** Two short texts. */
const REMEMBERED_BYTES_MAX = 64 * 1024;

const choice = v.strictObject({
  value: v.string(),
  /** What skep.toml said of the setting then; null when it said nothing. */
  over: v.nullable(v.string()),
});

const schema = v.strictObject({
  /** The command that told, such as "skep join". */
  by: v.pipe(v.string(), v.maxLength(64)),
  model: v.optional(choice),
  layers: v.optional(choice),
});

/** A setting that is remembered. */
export type RememberedChoice = v.InferOutput<typeof choice>;

/** What is remembered. */
export type Remembered = v.InferOutput<typeof schema>;

/** Where remembered.json is. */
export interface RememberedFile {
  readonly disk: Disk;
  /** Absolute path. */
  readonly path: string;
}

/** Reads it; undefined when nothing is remembered. @throws {NodeError} code "config" for a damaged one */
export async function readRemembered(file: RememberedFile): Promise<Remembered | undefined> {
  const { disk, path } = file;
  if (await disk.stat(path) === undefined) return undefined;
  try {
    const bytes = await readWholeFile(disk, { path, bytesMax: REMEMBERED_BYTES_MAX });
    return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === "not-found") return undefined;
    const message = "is not what this release writes; remove it, and say --model and --layers anew";
    throw new NodeError({
      code: "config",
      message: `Cannot use the configuration: ${path}: ${message}`,
      violations: [{ place: path, path: "", message }],
      cause,
    });
  }
}

/** Replaces it, mode 0600; on return it survives a power cut. @throws {DiskError} */
export async function writeRemembered(file: RememberedFile, what: Remembered): Promise<void> {
  const { disk, path } = file;
  const bytes = new TextEncoder().encode(`${JSON.stringify(what, undefined, 2)}\n`);
  await makeDirectoryDurably(disk, { path: path.slice(0, Math.max(1, path.lastIndexOf("/"))) });
  await writeFileDurably(disk, { path, bytes, permissions: 0o600 });
}

/** Forgets; returns whether there was anything. @throws {DiskError} */
export async function forgetRemembered({ disk, path }: RememberedFile): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "not-found") return false;
    throw thrown;
  }
}

/**
 * What of it holds.
 *
 * @param told `file`: what skep.toml says; `above`: what the environment and flags say
 */
export function holdingOf(
  { model, layers }: Remembered,
  told: {
    readonly file: Readonly<Record<"model" | "layers", unknown>>;
    /** The model that wins over both; undefined where none does. */
    readonly modelAbove: unknown;
  },
): { readonly model?: string; readonly layers?: string } {
  const { file, modelAbove } = told;
  const isLast = (key: "model" | "layers", one: RememberedChoice | undefined): boolean =>
    one !== undefined && (file[key] ?? null) === one.over;
  const hasModel = isLast("model", model);
  const chosen = modelAbove ?? (hasModel ? model?.value : file.model);
  const isSameModel = model === undefined ? modelAbove === undefined : chosen === model.value;
  return {
    ...(hasModel && model !== undefined ? { model: model.value } : {}),
    ...(isLast("layers", layers) && layers !== undefined && isSameModel
      ? { layers: layers.value }
      : {}),
  };
}
