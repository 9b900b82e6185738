/**
 * Names for beginnings of token sequences, so that keys and values of a prompt's beginning can be
 * found again, here or on another node: section 7.2 of docs/NUMERIC_CLASS.md.
 *
 * For callers without an executor; an executor makes the same links in its own memory.
 */
import { Blake3 } from "../hot/mod.ts";
import { blockTokensMax } from "./_scratch.ts";
import type { TokenBlockOptions } from "./face.ts";

const LINK_BYTES = 32;

/**
 * The seed of a model's chains: other weights or another arithmetic mean other keys and values.
 *
 * @param model its numeric class, and the BLAKE3 root of its file as 64 hexadecimal digits
 */
export function tokenChainSeed(
  model: { readonly numericClass: string; readonly root: string },
): Uint8Array {
  const text = `skep-token-blocks/1\n${model.numericClass}\n${model.root}\n`;
  return new Blake3().hash(new TextEncoder().encode(text));
}

/**
 * The links of the tokens' whole blocks, 32 B each, in order.
 *
 * @throws {RangeError} when an option is out of range
 */
export function hashTokenBlocks(tokens: Uint32Array, options: TokenBlockOptions): Uint8Array {
  const { blockTokens, seed } = options;
  const count = checkTokenBlocks(tokens, options);
  const blake3 = new Blake3();
  const links = new Uint8Array(count * LINK_BYTES);
  const data = littleEndian(tokens.subarray(0, count * blockTokens));
  const bytes = blockTokens * 4;
  const table = Uint32Array.from(
    { length: 2 * count },
    (_, i) => i % 2 === 0 ? (i / 2) * bytes : bytes,
  );
  blake3.hashBatch({ data, table, count, out: links });
  const pair = new Uint8Array(2 * LINK_BYTES);
  pair.set(seed);
  for (let at = 0; at < links.length; at += LINK_BYTES) {
    pair.set(links.subarray(at, at + LINK_BYTES), LINK_BYTES);
    blake3.hashInto(pair, links, at);
    pair.set(links.subarray(at, at + LINK_BYTES));
  }
  return links;
}

/** How many whole blocks there are. @throws {RangeError} when an option is out of range */
export function checkTokenBlocks(tokens: Uint32Array, options: TokenBlockOptions): number {
  const { blockTokens, seed } = options;
  if (!Number.isInteger(blockTokens) || blockTokens < 1 || blockTokens > blockTokensMax) {
    throw new RangeError(
      `Cannot cut tokens as "blockTokens" must be an integer from 1 to ${blockTokensMax}: current value is ${blockTokens}`,
    );
  }
  if (seed.length !== LINK_BYTES) {
    throw new RangeError(
      `Cannot chain tokens as "seed" must have ${LINK_BYTES} bytes: current value has ${seed.length}`,
    );
  }
  return Math.floor(tokens.length / blockTokens);
}

function littleEndian(tokens: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(tokens.length * 4));
  tokens.forEach((token, i) => view.setUint32(i * 4, token, true));
  return new Uint8Array(view.buffer);
}
