/** Texts for an encoder: which are computed together, and their embeddings. */
import type { ModelShape } from "../model/mod.ts";
import { noPooling } from "./_refusals.ts";
import { pool } from "./pooling.ts";

/** Cuts a list of texts into groups of at most `rowsMax` tokens; a longer text is alone. */
export function* textGroups(
  texts: readonly Uint32Array[],
  rowsMax: number,
): Generator<readonly Uint32Array[]> {
  let group: Uint32Array[] = [];
  let rows = 0;
  for (const text of texts) {
    if (rows > 0 && rows + text.length > rowsMax) {
      yield group;
      group = [];
      rows = 0;
    }
    group.push(text);
    rows += text.length;
  }
  if (group.length > 0) yield group;
}

/**
 * Pools the rows of each text.
 *
 * @param hidden rows of the texts, one text after the other
 * @returns texts x width
 * @throws {EngineError} "not-held" when the model has no pooling
 */
export function embeddingsOf(
  texts: readonly Uint32Array[],
  hidden: Float32Array,
  { width, family: { pooling } }: ModelShape,
): Float32Array {
  if (pooling === undefined) throw noPooling();
  const result = new Float32Array(texts.length * width);
  let at = 0;
  texts.forEach((text, i) => {
    const rows = hidden.subarray(at, at += text.length * width);
    result.set(pool(rows, { width, pooling }), i * width);
  });
  return result;
}
