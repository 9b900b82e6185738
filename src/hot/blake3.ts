/**
 * BLAKE3 over bytes in memory: hash, keyed hash, key derivation, extended output, batches of many
 * inputs. Follows the BLAKE3 paper, version 20211102.
 *
 * Not here: pieces over time (`blake3_hasher.ts`), verified slices (`outboard.ts`), SHA-256 (use
 * node:crypto, which is faster).
 */
import {
  ARENA,
  ARENA_BYTES,
  BATCH_INPUTS_MAX,
  DIGEST,
  FLAGS,
  KEY,
  OUTPUT,
  OUTPUT_BYTES,
  SMALL,
  TABLE,
  WINDOW_BYTES,
} from "./_blake3_map.ts";
import type { Blake3Kernel } from "./_blake3_map.ts";
import { batchSpan, checkBatch, shortOutput } from "./_blake3_batch.ts";
import type { Blake3Batch } from "./_blake3_batch.ts";
import { bytes as base64 } from "./_blake3_bytes.ts";
import { blake3Twin } from "./_blake3_twin.ts";
import { KernelModule } from "./_module.ts";
import type { KernelChoice, KernelKind } from "./_module.ts";
import { encodeHex } from "./hex.ts";

/** Bytes of a digest of default length. */
export const BLAKE3_DIGEST_BYTES = 32;
/** Bytes of a chunk group, the unit of verification of an outboard. */
export const BLAKE3_GROUP_BYTES = 16384;
/** Bytes of a key of the keyed mode. */
export const BLAKE3_KEY_BYTES = 32;

/** Initial value of the unkeyed modes, section 2.2. */
const IV = [
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
  ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
];
const GROUP_CHUNKS = 16;
const KEYED_HASH = 16;
const DERIVE_KEY_CONTEXT = 32;
const DERIVE_KEY_MATERIAL = 64;

const MODULE = new KernelModule<Blake3Kernel>(base64, blake3Twin);

/** The mode of a `Blake3`, and what it runs on. */
export interface Blake3Options {
  /** Keyed hash under these 32 bytes. Not together with `context`. */
  readonly key?: Uint8Array;
  /** Key derivation for this context: a constant, globally unique text. The inputs are material. */
  readonly context?: string;
  /** @default {"auto"} WebAssembly where the engine has SIMD, else the twin in TypeScript */
  readonly kernel?: KernelChoice;
}

/**
 * One mode of BLAKE3 with a kernel's memory of its own (1.25 MiB, touched only as far as used).
 *
 * Nothing is allocated per call by the methods that take `out`. Inputs may be any bytes, also those
 * of `arena`, which are then not copied; `out` may overlap the input, but not the arena. An instance
 * must not be used by two threads; within one, calls never interleave.
 */
export class Blake3 {
  /** "wasm", or "plain" where the engine has no SIMD. */
  readonly kind: KernelKind;
  /**
   * 4 MiB inside the kernel's memory for callers that read straight into it. What it holds is lost
   * by the next call whose input is not in it.
   */
  readonly arena: Uint8Array<ArrayBuffer>;
  /** The kernel, for this area's own hashers. */
  readonly kernel: Blake3Kernel;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #answer: Uint8Array<ArrayBuffer>;
  readonly #small: Uint8Array<ArrayBuffer>;
  /** Saves what a hasher left in the kernel before something else uses the tree. */
  #evict: (() => void) | undefined;

  /**
   * @throws {RangeError} when `key` is not 32 bytes, or the kernel asked for is not to be had
   * @throws {TypeError} when both `key` and `context` are given
   */
  constructor(options: Blake3Options = {}) {
    const { key, context, kernel: choice = "auto" } = options;
    if (key !== undefined && context !== undefined) {
      throw new TypeError("Cannot open BLAKE3 as 'key' and 'context' exclude each other");
    }
    const { kernel, kind } = MODULE.open(choice);
    this.kernel = kernel;
    this.kind = kind;
    this.#bytes = new Uint8Array(kernel.memory.buffer);
    this.#words = new Uint32Array(kernel.memory.buffer);
    this.#answer = this.#bytes.subarray(DIGEST, DIGEST + BLAKE3_DIGEST_BYTES);
    this.#small = this.#bytes.subarray(SMALL, SMALL + 64);
    this.arena = this.#bytes.subarray(ARENA, ARENA + ARENA_BYTES);
    this.#words.set(IV, KEY / 4);
    if (key !== undefined) this.#setKey(key, KEYED_HASH);
    if (context !== undefined) this.#setContext(context);
  }

  /**
   * Writes the digest of `input` to 32 bytes of `out` from `at`.
   *
   * @throws {RangeError} when `out` has no 32 bytes from `at`
   */
  hashInto(input: Uint8Array, out: Uint8Array, at = 0): void {
    if (!(at >= 0 && at + 32 <= out.length)) throw shortOutput(out, at);
    this.#digest(input);
    out.set(this.#answer, at);
  }

  /** The digest of `input` as 32 new bytes. */
  hash(input: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#digest(input);
    return this.#bytes.slice(DIGEST, DIGEST + BLAKE3_DIGEST_BYTES);
  }

  /** The digest of `input` as 64 hexadecimal digits in lower case. */
  hashHex(input: Uint8Array): string {
    this.#digest(input);
    return encodeHex(this.#bytes, DIGEST, BLAKE3_DIGEST_BYTES);
  }

  /**
   * Fills `out` with extended output of `input`, from byte `offset` of the stream.
   *
   * @param offset 0 to 2^53 - 1; `offset + out.length` too
   * @throws {RangeError} when the offset is outside that range
   */
  extendInto(input: Uint8Array, out: Uint8Array, offset = 0): void {
    this.#stream(input);
    this.readInto(out, offset);
  }

  /**
   * Digests of many inputs, four at a time where they are of at most 1,024 bytes each.
   *
   * @throws {RangeError} when `table`, `out` or an entry's range is short; nothing is written then
   */
  hashBatch(batch: Blake3Batch): void {
    checkBatch(batch);
    const { count } = batch;
    for (let first = 0; first < count;) first = this.#hashSome(batch, first);
  }

  /**
   * Chaining values of the 16 KiB groups of `input`, 32 B each, to `out`: the leaves of an outboard.
   *
   * @param input 1 byte to 4 MiB; only the last group of the whole may be short, and the whole must
   * have more than one group, since a root is no chaining value
   * @param firstGroup number of the first group, from 0
   * @throws {RangeError} when `input` is longer than the arena, or `out` too short
   */
  groupValuesInto(input: Uint8Array, firstGroup: number, out: Uint8Array): void {
    const groups = Math.ceil(input.length / BLAKE3_GROUP_BYTES);
    if (input.length > ARENA_BYTES || out.length < 32 * groups) {
      throw new RangeError(
        `Cannot hash groups as input has at most ${ARENA_BYTES} bytes and 32 per group are needed: ` +
          `current values are ${input.length} and ${out.length}`,
      );
    }
    const chunk = firstGroup * GROUP_CHUNKS;
    const at = this.place(input);
    this.kernel.groups(at, input.length, chunk % 2 ** 32, Math.floor(chunk / 2 ** 32), OUTPUT);
    out.set(this.#bytes.subarray(OUTPUT, OUTPUT + 32 * groups));
  }

  /**
   * The chaining value of the parent of `pair` (64 B), or the root's digest, to 32 B of `out`.
   *
   * @throws {RangeError} when `pair` has not 64 bytes
   */
  parentInto(pair: Uint8Array, root: boolean, out: Uint8Array): void {
    if (pair.length !== 64) {
      throw new RangeError(
        `Cannot hash a pair as it must have 64 bytes: current value has ${pair.length}`,
      );
    }
    if (root && this.#evict !== undefined) this.release();
    const at = this.place(pair);
    if (root) this.kernel.parentRoot(at);
    else this.kernel.parent(at, DIGEST);
    out.set(this.#answer);
  }

  /** Reads extended output of what was finished last. For this area's hashers. */
  readInto(out: Uint8Array, offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(offset + out.length)) {
      throw new RangeError(
        `Cannot read extended output as its offset must be from 0 to 2^53 - 1: current value is ${offset}`,
      );
    }
    for (let done = 0; done < out.length;) {
      const block = Math.floor((offset + done) / 64);
      const skipped = (offset + done) % 64;
      const part = Math.min(out.length - done, OUTPUT_BYTES - skipped);
      const blocks = Math.ceil((skipped + part) / 64);
      this.kernel.squeeze(block % 2 ** 32, Math.floor(block / 2 ** 32), blocks, OUTPUT);
      out.set(this.#bytes.subarray(OUTPUT + skipped, OUTPUT + skipped + part), done);
      done += part;
    }
  }

  /** Gives the kernel's tree to a hasher: `evict` is called once before anything else uses it. */
  occupy(evict: () => void): void {
    this.release();
    this.#evict = evict;
  }

  /** Ends a hasher's hold of the tree without saving. */
  forget(): void {
    this.#evict = undefined;
  }

  /** Makes the tree free. */
  release(): void {
    const evict = this.#evict;
    this.#evict = undefined;
    evict?.();
  }

  /** Where the bytes of `input` are in the kernel's memory, after copying them if they are not. */
  place(input: Uint8Array): number {
    if (input.buffer === this.arena.buffer) return input.byteOffset;
    this.#bytes.set(input, ARENA);
    return ARENA;
  }

  #digest(input: Uint8Array): void {
    const { length } = input;
    if (length <= 64) {
      // Copied even from the arena: to ask where it is would cost as much.
      this.#small.set(input);
      this.kernel.digest(SMALL, length);
      return;
    }
    this.#stream(input);
  }

  /** Hashes through the tree, a window at a time, so that a copy stays in the cache. */
  #stream(input: Uint8Array): void {
    if (this.#evict !== undefined) this.release();
    const { kernel } = this;
    kernel.begin();
    let done = 0;
    for (; input.length - done > WINDOW_BYTES; done += WINDOW_BYTES) {
      kernel.push(this.place(input.subarray(done, done + WINDOW_BYTES)));
    }
    kernel.finish(this.place(done === 0 ? input : input.subarray(done)), input.length - done);
  }

  /** Hashes as many entries as one call of the kernel takes. Returns the first one left. */
  #hashSome({ data, table, count, out }: Blake3Batch, first: number): number {
    const span = batchSpan(table, first, Math.min(count, first + BATCH_INPUTS_MAX));
    if (span.end === first) {
      const at = table[2 * first] as number;
      const length = table[2 * first + 1] as number;
      this.hashInto(data.subarray(at, at + length), out, 32 * first);
      return first + 1;
    }
    if (this.#evict !== undefined) this.release();
    const base = this.place(data.subarray(span.low, span.high)) - span.low;
    this.#words.set(table.subarray(2 * first, 2 * span.end), TABLE / 4);
    this.kernel.batch(base, span.end - first, OUTPUT);
    const bytes = 32 * (span.end - first);
    out.set(this.#bytes.subarray(OUTPUT, OUTPUT + bytes), 32 * first);
    return span.end;
  }

  #setKey(key: Uint8Array, flags: number): void {
    if (key.length !== BLAKE3_KEY_BYTES) {
      throw new RangeError(
        `Cannot open BLAKE3 as 'key' must have 32 bytes: current value has ${key.length}`,
      );
    }
    this.#bytes.set(key, KEY);
    this.#words[FLAGS / 4] = flags;
  }

  #setContext(context: string): void {
    this.#words[FLAGS / 4] = DERIVE_KEY_CONTEXT;
    this.#setKey(this.hash(new TextEncoder().encode(context)), DERIVE_KEY_MATERIAL);
  }
}
