/** Keys between their two forms. */
import { encodeHex } from "../../hot/mod.ts";
import { hidOf, shortHidOf } from "../../identity/mod.ts";
import { bytesOfKey } from "../../mesh/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

/** Ids that are remembered: eight times the members of the greatest mesh. */
const hidsMax = 4096;

/** A pure function's results: all nodes of a process may share them. */
const hids = new Map<PeerKey, string>();

/** The id of the node that has a key: "skep_" and 64 hex digits. */
export function hidOfKey(key: PeerKey): string {
  const known = hids.get(key);
  if (known !== undefined) return known;
  if (hids.size >= hidsMax) hids.clear();
  const hid = hidOf(bytesOfKey(key));
  hids.set(key, hid);
  return hid;
}

/** The short form of the id of the node that has a key, for people. */
export function shortIdOf(key: PeerKey): string {
  return shortHidOf(hidOfKey(key));
}

/** So many random bytes as hex digits. */
export function randomHex(
  random: { fill(bytes: Uint8Array): Uint8Array },
  byteCount: number,
): string {
  return encodeHex(random.fill(new Uint8Array(byteCount)));
}
