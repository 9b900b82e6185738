/** Keys between their two forms. */
import { encodeHex } from "../../hot/mod.ts";
import { hidOf } from "../../identity/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

/** The 32 bytes of a key whose form has been checked. */
export function keyBytes(key: PeerKey): Uint8Array {
  return Uint8Array.from(key.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The id of the node that has a key: "skep_" and 64 hex digits. */
export function hidOfKey(key: PeerKey): string {
  return hidOf(keyBytes(key));
}

/** So many random bytes as hex digits. */
export function randomHex(
  random: { fill(bytes: Uint8Array): Uint8Array },
  byteCount: number,
): string {
  return encodeHex(random.fill(new Uint8Array(byteCount)));
}
