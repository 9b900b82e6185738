/** Chains token blocks in an executor's memory; the plain form is `token_blocks.ts`. */
import type { Layout } from "./_layout.ts";
import type { Kernels } from "./_module.ts";
import { tokenBlocksMax } from "./_scratch.ts";
import type { TokenBlockOptions } from "./face.ts";
import { checkTokenBlocks } from "./token_blocks.ts";

/** What it works with. */
export interface DigestHome {
  readonly layout: Layout;
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  /** Threads of the executor. */
  readonly threads: number;
}

/**
 * The links of the tokens' whole blocks. It runs here and now, in memory that no pass uses.
 *
 * @throws {RangeError} when an option is out of range
 */
export function digestTokens(
  home: DigestHome,
  tokens: Uint32Array,
  options: TokenBlockOptions,
): Uint8Array {
  const { layout: { scratch }, kernels, memory } = home;
  const { blockTokens, seed } = options;
  const blocks = checkTokenBlocks(tokens, options);
  const { tokensPtr: seedPtr, linksPtr } = scratch;
  const digestPtr = scratch.digestPtr + home.threads * scratch.digestStride;
  const tokensPtr = seedPtr + 32;
  const links = new Uint8Array(blocks * 32);
  let before = seed;
  for (let first = 0; first < blocks; first += tokenBlocksMax) {
    const count = Math.min(tokenBlocksMax, blocks - first);
    const part = tokens.subarray(first * blockTokens, (first + count) * blockTokens);
    new Uint8Array(memory.buffer, seedPtr, 32).set(before);
    new Uint32Array(memory.buffer, tokensPtr, part.length).set(part);
    kernels.digestChain(tokensPtr, count, blockTokens * 4, seedPtr, digestPtr, linksPtr);
    links.set(new Uint8Array(memory.buffer, linksPtr, count * 32), first * 32);
    before = links.subarray((first + count - 1) * 32, (first + count) * 32);
  }
  return links;
}
