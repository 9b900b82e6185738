/**
 * A tree of byte strings, for finding the tokens that a text continues with.
 */
import { NO_VALUE, PairTable } from "./_pair_table.ts";

/** No node, or no id. */
export const NOTHING: number = NO_VALUE;
/** The node from which every string starts. */
export const ROOT = 0;

/** Byte strings to ids. */
export class ByteTrie {
  readonly #children = new PairTable();
  /** Byte to child of the root, where every search begins. */
  readonly #first = new Int32Array(256).fill(NOTHING);
  /** Node to id, or `NOTHING`. */
  readonly #ids: number[] = [NOTHING];

  /** Adds a string; of equal ones the last counts. */
  add(bytes: Uint8Array, id: number): void {
    let node = ROOT;
    for (const byte of bytes) {
      let child = this.child(node, byte);
      if (child === NOTHING) {
        child = this.#ids.length;
        this.#ids.push(NOTHING);
        if (node === ROOT) this.#first[byte] = child;
        else this.#children.add({ left: node, right: byte, value: child });
      }
      node = child;
    }
    if (node !== ROOT) this.#ids[node] = id;
  }

  /** The node that a byte leads to, or `NOTHING`. */
  child(node: number, byte: number): number {
    return node === ROOT ? this.#first[byte] ?? NOTHING : this.#children.get(node, byte);
  }

  /** The id of the string that ends at a node, or `NOTHING`. */
  id(node: number): number {
    return this.#ids[node] ?? NOTHING;
  }
}
