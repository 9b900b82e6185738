/**
 * Opens the fixture models for the engine's tests.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import type { WeightType } from "../../bench/models/random_weights.ts";
import { bytesSource, openGguf, readModelShape } from "../../src/model/mod.ts";
import type { ByteSource, GgufFile, ModelShape } from "../../src/model/mod.ts";

/** A fixture, ready to be loaded. */
export interface Fixture {
  readonly name: string;
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
}

const storyTypes = ["f32", "f16", "bf16", "q8_0", "q4_0", "iq4_nl", "q4_1", "q5_0", "q5_1"];
const babyTypes = ["f32", "f16", "q8_0", "q4_0", "q4_1"];
const kquantTypes = ["q2_k", "q3_k_m", "q4_k_m", "q5_k_m", "q6_k"];

/** Every fixture file of the numeric class, by its name without the extension. */
export const fixtureNames: readonly string[] = [
  ...storyTypes.map((type) => `stories260K-${type}`),
  ...babyTypes.map((type) => `babyllama-tok105-${type}`),
  ...kquantTypes.map((type) => `rand256-${type}`),
];

const folders: Readonly<Record<string, string>> = {
  stories260K: "stories260K",
  babyllama: "babyllama",
  rand256: "kquant_random",
};

/** The path of a file below test/. */
export function testFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** Reads a fixture into memory, as a fresh copy that a test may spoil. */
export function fixtureBytes(name: string): Uint8Array {
  const [model = ""] = name.split("-");
  const path = testFile(`fixtures/models/${folders[model] ?? "?"}/${name}.gguf`);
  if (existsSync(path)) return new Uint8Array(readFileSync(path));
  return new Uint8Array(brotliDecompressSync(readFileSync(new URL(`${path.href}.br`))));
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

/** A model of random weights, always the same. */
export async function randomModel(type: WeightType, shape: ModelShape): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), "skep-random-"));
  try {
    const path = join(folder, "random.gguf");
    writeRandomModel({ shape, type, seed: 7, path });
    return await openBytes("random", new Uint8Array(readFileSync(path)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
