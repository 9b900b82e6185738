/** The system's cryptographic random generator. */
import { randomFillSync } from "node:crypto";
import type { Random } from "./random.ts";

/** The real source of random bytes (getrandom(2) and its like, through node:crypto). */
export function realRandom(): Random {
  return { fill };
}

function fill(bytes: Uint8Array): Uint8Array {
  randomFillSync(bytes);
  return bytes;
}
