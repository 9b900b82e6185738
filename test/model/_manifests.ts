/** A models directory on the real disk, with a model that has more than one group. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addModel } from "../../src/model/mod.ts";
import type { AddModelOptions, ModelManifest } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { fixture } from "./_vectors.ts";

/** Folders and a file of a test. */
export interface ModelPlace {
  readonly disk: ReturnType<typeof realDisk>;
  /** Holds the file; removed at the end. */
  readonly home: string;
  /** The models directory; not made yet. */
  readonly directory: string;
  /** The model file, absolute. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Runs a test over a copy of the model stories260K-q8_0 (379,168 bytes, 24 groups). */
export async function withModel(run: (place: ModelPlace) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "skep-manifest-"));
  try {
    const path = join(home, "stories.gguf");
    const bytes = fixture("models/stories260K/stories260K-q8_0.gguf");
    writeFileSync(path, bytes);
    await run({ disk: realDisk(), home, directory: join(home, "a", "models"), path, bytes });
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** Adds the place's model. */
export function add(
  place: ModelPlace,
  options: Partial<AddModelOptions> = {},
): Promise<ModelManifest> {
  const support = (): { numericClasses: string[]; obstacles: string[] } => ({
    numericClasses: ["demo/1"],
    obstacles: [],
  });
  return addModel({ ...place, support, ...options });
}

/** Writes a file of the models directory. */
export function putFile({ directory }: ModelPlace, name: string, text: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), text);
}

/** Reads a file of the models directory. */
export function getFile({ directory }: ModelPlace, name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(directory, name)));
}
