/** Texts for an encoder: which are computed together, and their embeddings. */
import type { ModelShape } from "../model/mod.ts";
import { noPooling } from "./_refusals.ts";
import { tilePositions } from "./numeric_class.ts";
import { pool } from "./pooling.ts";

/** What a group of texts may take. */
export interface GroupLimits {
  /** Tokens of all its texts. */
  readonly rowsMax: number;
  /** KV pages: each text begins one of its own. */
  readonly pagesMax: number;
}

/** Cuts a list of texts into groups within limits; a text that is longer is alone. */
export function* textGroups(
  texts: readonly Uint32Array[],
  { rowsMax, pagesMax }: GroupLimits,
): Generator<readonly Uint32Array[]> {
  let group: Uint32Array[] = [];
  let rows = 0;
  let pages = 0;
  for (const text of texts) {
    const textPages = Math.ceil(text.length / tilePositions);
    if (group.length > 0 && (rows + text.length > rowsMax || pages + textPages > pagesMax)) {
      yield group;
      group = [];
      rows = 0;
      pages = 0;
    }
    group.push(text);
    rows += text.length;
    pages += textPages;
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
