/**
 * Opens the fixture models for the engine's tests.
 */
import { readFileSync } from "node:fs";
import {
  type ByteSource,
  bytesSource,
  type GgufFile,
  type ModelShape,
  openGguf,
  readModelShape,
} from "../../src/model/mod.ts";

/** A fixture, ready to be loaded. */
export interface Fixture {
  readonly name: string;
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
}

/** Every fixture file of the numeric class, by its name without the extension. */
export const fixtureNames: readonly string[] = [
  ...["f32", "f16", "bf16", "q8_0", "q4_0"].map((type) => `stories260K-${type}`),
  ...["f32", "f16", "q8_0", "q4_0"].map((type) => `babyllama-tok105-${type}`),
];

/** The path of a file below test/. */
export function testFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** Reads a fixture into memory, as a fresh copy that a test may spoil. */
export function fixtureBytes(name: string): Uint8Array {
  const folder = name.startsWith("stories") ? "stories260K" : "babyllama";
  return new Uint8Array(readFileSync(testFile(`fixtures/models/${folder}/${name}.gguf`)));
}

/** Opens bytes as a model. */
export async function openBytes(name: string, bytes: Uint8Array): Promise<Fixture> {
  const source = bytesSource(bytes, name);
  const file = await openGguf(source);
  return { name, file, source, shape: readModelShape(file) };
}

/** Opens a fixture by name. */
export function openFixture(name: string): Promise<Fixture> {
  return openBytes(name, fixtureBytes(name));
}
