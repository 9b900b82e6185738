/**
 * SentencePiece's precompiled normalisation: the longest prefix of a text that is in a map is replaced.
 *
 * The map (`tokenizer.ggml.precompiled_charsmap`) is a u32 length, a double-array trie of u32 units
 * of that many bytes, and replacements that end in a zero byte. Units, as in Darts-clone:
 *
 *     bits 0-7 the byte that leads here | bit 8 whether a key ends here | bit 31 whether it is a value
 *     bits 10-30 offset of the children, bit 9 whether in units of 256 | bits 0-30 of a value
 */
import { CHARSMAP_KEY_BYTES_MAX, CHARSMAP_REPLACEMENT_BYTES_MAX } from "../limits.ts";

const LABEL_MASK = 0x8000_00ff;
const LEAF_BIT = 0x100;
const WIDE_BIT = 0x200;
const VALUE_MASK = 0x7fff_ffff;

/** A key that was found: how many bytes it takes, and what stands for it. */
export interface Replacement {
  readonly keyBytes: number;
  readonly bytes: Uint8Array;
}

/** A map from byte strings to byte strings. */
export class Charsmap {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;

  constructor(units: Uint32Array, replacements: Uint8Array) {
    this.#units = units;
    this.#replacements = replacements;
  }

  /** Reads a map; undefined when the lengths contradict each other. */
  static tryParse(bytes: Uint8Array): Charsmap | undefined {
    if (bytes.length < 4) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const trieBytes = view.getUint32(0, true);
    if (trieBytes + 4 >= bytes.length) return undefined;
    const units = Uint32Array.from(
      { length: Math.floor(trieBytes / 4) },
      (_, i) => view.getUint32(4 + 4 * i, true),
    );
    return new Charsmap(units, bytes.subarray(4 + trieBytes));
  }

  /** The longest key that the bytes from `at` on begin with. */
  find(bytes: Uint8Array, at: number): Replacement | undefined {
    const to = Math.min(bytes.length, at + CHARSMAP_KEY_BYTES_MAX);
    let node = offsetOf(this.#units[0] ?? 0);
    let found: Replacement | undefined;
    for (let i = at; i < to; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === 0) break;
      node ^= byte;
      const unit = this.#units[node];
      if (unit === undefined || (unit & LABEL_MASK) >>> 0 !== byte) break;
      node ^= offsetOf(unit);
      if ((unit & LEAF_BIT) === 0) continue;
      found = {
        keyBytes: i + 1 - at,
        bytes: this.#replacement(this.#units[node] ?? 0),
      };
    }
    return found;
  }

  #replacement(unit: number): Uint8Array {
    const from = unit & VALUE_MASK;
    const limit = Math.min(
      this.#replacements.length,
      from + CHARSMAP_REPLACEMENT_BYTES_MAX,
    );
    let to = from;
    while (to < limit && this.#replacements[to] !== 0) to++;
    return this.#replacements.subarray(from, to);
  }
}

function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & WIDE_BIT) >>> 6)) >>> 0;
}
