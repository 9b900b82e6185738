/**
 * runtime.json: how others find the running node. Written durably as the last step of the boot,
 * removed as the first step of the end; one that a killed node left is recognised by its dead
 * control socket and replaced.
 */
import * as v from "valibot";
import { DiskError, makeDirectoryDurably, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";

/** More than any node writes: a few addresses, paths and settings. */
const RUNTIME_BYTES_MAX = 64 * 1024;

/** `set`: settings by dotted path, as flags gave them; `configFile`: absolute, when one was named. */
const startSchema = v.object({
  set: v.record(v.string(), v.unknown()),
  configFile: v.optional(v.string()),
});

const runtimeSchema = v.object({
  pid: v.pipe(v.number(), v.integer()),
  version: v.string(),
  thrumVersion: v.string(),
  hid: v.string(),
  startedAtMs: v.number(),
  addresses: v.record(v.string(), v.string()),
  sockets: v.string(),
  // A node of a release that did not record it was started with nothing, as far as is known.
  startedWith: v.optional(startSchema, { set: {} }),
});

/** What runtime.json says. */
export type RuntimeInfo = v.InferOutput<typeof runtimeSchema>;

/** What a node was started with on the command line. */
export type StartRecord = v.InferOutput<typeof startSchema>;

/** Where runtime.json is. */
export interface RuntimeFile {
  readonly disk: Disk;
  /** Absolute path. */
  readonly path: string;
}

/**
 * Replaces runtime.json, mode 0600; on return it survives a power cut.
 *
 * @throws {DiskError}
 * @throws {RangeError} when it would be longer than readers accept
 */
export async function writeRuntimeInfo(file: RuntimeFile, info: RuntimeInfo): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(info, undefined, 2)}\n`);
  if (bytes.length > RUNTIME_BYTES_MAX) {
    throw new RangeError(
      `Cannot write "${file.path}" as it must have at most ${RUNTIME_BYTES_MAX} bytes (put long settings into skep.toml): current value is ${bytes.length}`,
    );
  }
  const directory = file.path.slice(0, Math.max(1, file.path.lastIndexOf("/")));
  await makeDirectoryDurably(file.disk, { path: directory });
  await writeFileDurably(file.disk, { path: file.path, bytes, permissions: 0o600 });
}

/** Reads runtime.json; `undefined` when there is none, or none that this release understands. */
export async function readRuntimeInfo(file: RuntimeFile): Promise<RuntimeInfo | undefined> {
  if (await file.disk.stat(file.path) === undefined) return undefined;
  try {
    const bytes = await readWholeFile(file.disk, { path: file.path, bytesMax: RUNTIME_BYTES_MAX });
    const checked = v.safeParse(runtimeSchema, JSON.parse(new TextDecoder().decode(bytes)));
    return checked.success ? checked.output : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof RangeError) return undefined;
    if (thrown instanceof DiskError && thrown.code === "not-found") return undefined;
    throw thrown;
  }
}

/** Removes runtime.json; one that is gone already is no failure. @throws {DiskError} */
export async function removeRuntimeInfo(file: RuntimeFile): Promise<void> {
  try {
    await file.disk.remove(file.path);
  } catch (thrown) {
    if (!(thrown instanceof DiskError && thrown.code === "not-found")) throw thrown;
  }
}
