/**
 * BLAKE3 in plain TypeScript, at the same addresses as the WebAssembly kernel: its oracle in tests,
 * and its stand-in where an engine has no SIMD.
 *
 * Follows the paper's tree top-down (section 2.1: the left side of a parent is the largest power of
 * two of chunks), where the kernel goes bottom-up, so that an error in one is not one in the other.
 */
import {
  DEPTH,
  DIGEST,
  FLAGS,
  KEY,
  MEMORY_BYTES,
  NODE,
  PUSHED,
  STACK,
  TABLE,
  WINDOW_BYTES,
} from "./_blake3_map.ts";
import type { Blake3Kernel } from "./_blake3_map.ts";

const CHUNK_BYTES = 1024;
const GROUP_BYTES = 16 * CHUNK_BYTES;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

/** The initial value, section 2.2. */
const IV = Uint32Array.of(
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
  ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
);

/** The message permutation between rounds, table 2. */
const PERMUTATION = Uint8Array.of(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);

/** State words of a round's eight quarter rounds, four by column and four by diagonal. */
const QUADS = Uint8Array.of(
  ...[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  ...[0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3, 4, 9, 14],
);

/** A compression that waits to know whether it is the root: 16 message words and 8 of the chain. */
interface Node {
  readonly value: Uint32Array;
  readonly block: Uint32Array;
  readonly length: number;
  readonly counter: bigint;
  readonly flags: number;
}

/** Bytes of input, and the number of their first chunk. */
interface Span {
  readonly at: number;
  readonly length: number;
  readonly chunk: bigint;
}

/** A kernel over memory of its own. */
export function blake3Twin(): Blake3Kernel {
  return new Blake3Twin();
}

class Blake3Twin implements Blake3Kernel {
  readonly memory: { readonly buffer: ArrayBuffer } = { buffer: new ArrayBuffer(MEMORY_BYTES) };
  readonly #bytes = new Uint8Array(this.memory.buffer);
  readonly #view = new DataView(this.memory.buffer);

  begin(): void {
    this.#view.setUint32(DEPTH, 0, true);
    this.#view.setBigUint64(PUSHED, 0n, true);
  }

  push(p: number): void {
    const pushed = this.#view.getBigUint64(PUSHED, true);
    let depth = this.#view.getUint32(DEPTH, true);
    this.#write(
      this.#value({ at: p, length: WINDOW_BYTES, chunk: pushed * 64n }),
      STACK + 32 * depth,
    );
    depth++;
    // Full subtrees of equal size are merged at once: more bytes follow, so none is the root.
    for (let n = pushed + 1n; n % 2n === 0n; n /= 2n) {
      depth--;
      this.parent(STACK + 32 * (depth - 1), STACK + 32 * (depth - 1));
    }
    this.#view.setUint32(DEPTH, depth, true);
    this.#view.setBigUint64(PUSHED, pushed + 1n, true);
  }

  finish(p: number, length: number): void {
    const pushed = this.#view.getBigUint64(PUSHED, true);
    let node = this.#subtree({ at: p, length, chunk: pushed * 64n });
    for (let depth = this.#view.getUint32(DEPTH, true); depth > 0; depth--) {
      node = this.#parentNode(this.#words(STACK + 32 * (depth - 1), 8), chain(node));
    }
    this.#finishNode(node);
  }

  digest(p: number, length: number): void {
    if (length <= 64) {
      const node = this.#chunk({ at: p, length, chunk: 0n });
      this.#write(compress({ ...node, flags: node.flags | ROOT }), DIGEST);
      return;
    }
    this.begin();
    let at = p;
    for (; length - (at - p) > WINDOW_BYTES; at += WINDOW_BYTES) this.push(at);
    this.finish(at, length - (at - p));
  }

  // tidy: allow positional-parameters as a WebAssembly export takes numbers only
  squeeze(low: number, high: number, blocks: number, out: number): void {
    const node = this.#readNode();
    const first = BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
    for (let i = 0; i < blocks; i++) {
      const block = compress({ ...node, counter: first + BigInt(i), flags: node.flags | ROOT });
      this.#write(block, out + 64 * i);
    }
  }

  batch(base: number, count: number, out: number): void {
    for (let i = 0; i < count; i++) {
      const entry = TABLE + 8 * i;
      const at = base + this.#view.getUint32(entry, true);
      this.digest(at, this.#view.getUint32(entry + 4, true));
      this.#bytes.copyWithin(out + 32 * i, DIGEST, DIGEST + 32);
    }
  }

  // tidy: allow positional-parameters as a WebAssembly export takes numbers only
  groups(p: number, length: number, low: number, high: number, out: number): void {
    const first = BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
    for (let done = 0; done < length; done += GROUP_BYTES) {
      const chunk = first + BigInt(done / CHUNK_BYTES);
      const part = Math.min(GROUP_BYTES, length - done);
      this.#write(
        this.#value({ at: p + done, length: part, chunk }),
        out + 32 * (done / GROUP_BYTES),
      );
    }
  }

  parent(p: number, out: number): void {
    this.#write(chain(this.#parentNode(this.#words(p, 8), this.#words(p + 32, 8))), out);
  }

  parentRoot(p: number): void {
    this.#finishNode(this.#parentNode(this.#words(p, 8), this.#words(p + 32, 8)));
  }

  #value(span: Span): Uint32Array {
    return chain(this.#subtree(span));
  }

  #subtree(span: Span): Node {
    if (span.length <= CHUNK_BYTES) return this.#chunk(span);
    const chunks = Math.ceil(span.length / CHUNK_BYTES);
    const left = 2 ** Math.ceil(Math.log2(chunks) - 1) * CHUNK_BYTES;
    const { at, length, chunk } = span;
    return this.#parentNode(
      this.#value({ at, length: left, chunk }),
      this.#value({
        at: at + left,
        length: length - left,
        chunk: chunk + BigInt(left / CHUNK_BYTES),
      }),
    );
  }

  #chunk({ at, length, chunk }: Span): Node {
    let value = this.#words(KEY, 8);
    const blocks = Math.max(1, Math.ceil(length / 64));
    for (let i = 0;; i++) {
      const part = Math.min(64, length - 64 * i);
      const last = i === blocks - 1;
      const flags = this.#flags() | (i === 0 ? CHUNK_START : 0) | (last ? CHUNK_END : 0);
      const block = this.#paddedBlock(at + 64 * i, part);
      const node = { value, block, length: part, counter: chunk, flags };
      if (last) return node;
      value = chain(node);
    }
  }

  #parentNode(left: Uint32Array, right: Uint32Array): Node {
    const block = new Uint32Array(16);
    block.set(left);
    block.set(right, 8);
    const flags = this.#flags() | PARENT;
    return { value: this.#words(KEY, 8), block, length: 64, counter: 0n, flags };
  }

  #finishNode(node: Node): void {
    this.#write(node.value, NODE);
    this.#write(node.block, NODE + 32);
    this.#view.setUint32(NODE + 96, node.length, true);
    this.#view.setUint32(NODE + 100, node.flags, true);
    this.#view.setBigUint64(NODE + 104, node.counter, true);
    this.squeeze(0, 0, 1, DIGEST);
  }

  #readNode(): Node {
    return {
      value: this.#words(NODE, 8),
      block: this.#words(NODE + 32, 16),
      length: this.#view.getUint32(NODE + 96, true),
      flags: this.#view.getUint32(NODE + 100, true),
      counter: this.#view.getBigUint64(NODE + 104, true),
    };
  }

  #flags(): number {
    return this.#view.getUint32(FLAGS, true);
  }

  #paddedBlock(at: number, length: number): Uint32Array {
    const padded = new Uint8Array(64);
    padded.set(this.#bytes.subarray(at, at + length));
    const view = new DataView(padded.buffer);
    return Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
  }

  #words(at: number, count: number): Uint32Array {
    const words = new Uint32Array(count);
    for (let i = 0; i < count; i++) words[i] = this.#view.getUint32(at + 4 * i, true);
    return words;
  }

  #write(words: Uint32Array, at: number): void {
    words.forEach((word, i) => this.#view.setUint32(at + 4 * i, word, true));
  }
}

/** The chaining value of a node: the first half of its compression. */
function chain(node: Node): Uint32Array {
  return compress(node).subarray(0, 8);
}

/** The 16 words that one compression gives, section 2.2. */
function compress({ value, block, length, counter, flags }: Node): Uint32Array {
  const state = new Uint32Array(16);
  state.set(value);
  state.set(IV.subarray(0, 4), 8);
  state.set([Number(counter & 0xffffffffn), Number(counter >> 32n), length, flags], 12);
  let words = block;
  for (let round = 0; round < 7; round++) {
    for (let i = 0; i < 8; i++) quarterRound(state, i, words);
    words = words.map((_, i) => at(words, at(PERMUTATION, i)));
  }
  for (let i = 0; i < 8; i++) {
    state[i] = at(state, i) ^ at(state, i + 8);
    state[i + 8] = at(state, i + 8) ^ at(value, i);
  }
  return state;
}

function quarterRound(state: Uint32Array, index: number, words: Uint32Array): void {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => at(QUADS, 4 * index + i)) as [
    number,
    number,
    number,
    number,
  ];
  for (const [half, down, up] of [[0, 16, 12], [1, 8, 7]] as const) {
    state[a] = at(state, a) + at(state, b) + at(words, 2 * index + half);
    state[d] = rotate(at(state, d) ^ at(state, a), down);
    state[c] = at(state, c) + at(state, d);
    state[b] = rotate(at(state, b) ^ at(state, c), up);
  }
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function at(list: Uint32Array | Uint8Array, index: number): number {
  return list[index] ?? 0;
}
