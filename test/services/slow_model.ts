/**
 * A model that takes a while: 15 million random weights, written once per test process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { presetShape } from "../../bench/models/presets.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";

/** A model file that `remove` deletes. */
export interface ModelFile {
  readonly path: string;
  remove(): void;
}

/** Writes the model; greedy generation with it goes on until it is stopped. */
export function writeSlowModel(): ModelFile {
  const directory = mkdtempSync(join(tmpdir(), "skep-slow-"));
  const path = join(directory, "random-15m.gguf");
  writeRandomModel({ shape: presetShape("15m"), type: "q8_0", seed: 1, path });
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
