/**
 * Digests of a run: BLAKE3 over little-endian f32 (docs/NUMERIC_CLASS.md section 7).
 */
import { readFileSync } from "node:fs";
import { blake3 } from "hash-wasm";
import type { Executor } from "../../src/engine/mod.ts";
import { testFile } from "./_fixtures.ts";

/** Positions that the golden digests cover. */
export const digestPositions = 32;

/** The digests of one fixture, in hexadecimal. */
export interface Digests {
  readonly tokens: readonly number[];
  readonly embedding: string;
  readonly layers: readonly string[];
  readonly logits: string;
}

/** The golden file. */
export interface Golden {
  readonly numericClass: string;
  readonly fixtures: Readonly<Record<string, Digests>>;
}

/** Where the golden digests are, below test/. */
export const goldenPath = "vectors/digests/skep-q8a-1.json";

/** Reads the golden digests. */
export function readGolden(): Golden {
  return JSON.parse(readFileSync(testFile(goldenPath), "utf8")) as Golden;
}

/** BLAKE3 of an activation. */
export function digest(values: Float32Array): Promise<string> {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setFloat32(i * 4, value, true));
  return blake3(new Uint8Array(view.buffer));
}

/**
 * Runs the tokens, one layer after the other, and digests everything.
 *
 * @param chunk positions computed together: all of them, as in prefill, or 1, as in decode
 */
export async function digestsOf(
  executor: Executor,
  tokens: readonly number[],
  chunk = tokens.length,
): Promise<Digests> {
  const { width } = executor.shape;
  const session = executor.openSession();
  let hidden = await executor.embed(Uint32Array.from(tokens));
  const embedding = await digest(hidden);
  const layers: string[] = [];
  for (let layer = 0; layer < executor.shape.layerCount; layer++) {
    const next = new Float32Array(hidden.length);
    for (let firstPosition = 0; firstPosition < tokens.length; firstPosition += chunk) {
      const positionCount = Math.min(chunk, tokens.length - firstPosition);
      const rows = hidden.subarray(firstPosition * width, (firstPosition + positionCount) * width);
      const entry = { session, firstPosition, positionCount };
      next.set(
        await executor.forward({ from: layer, to: layer + 1 }, [entry], rows),
        firstPosition * width,
      );
    }
    hidden = next;
    layers.push(await digest(hidden));
  }
  session.drop();
  return { tokens, embedding, layers, logits: await digest(await executor.head(hidden)) };
}
