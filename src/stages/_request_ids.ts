/** Ids of requests, drawn many at a time: a draw costs more than all else that an id takes. */
import { encodeHex } from "../hot/mod.ts";
import type { Random } from "../ports/mod.ts";

const idBytes = 16;
const idsPerDraw = 64;

/** Draws ids. */
export class RequestIds {
  readonly #random: Random;
  readonly #drawn = new Uint8Array(idsPerDraw * idBytes);
  #at = this.#drawn.length;

  constructor(random: Random) {
    this.#random = random;
  }

  /** 32 hexadecimal digits that nobody can have had before. */
  next(): string {
    if (this.#at === this.#drawn.length) {
      this.#random.fill(this.#drawn);
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += idBytes;
    return encodeHex(this.#drawn, at, idBytes);
  }
}
