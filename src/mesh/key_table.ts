/**
 * Keys between their two forms, 32 bytes and 64 hexadecimal digits, remembered: views name the same
 * few hundred members again and again. What is remembered follows from its input alone, so all nodes
 * of a process share it; it is bounded, and whoever fills it with other keys only makes it slower.
 */
import { decodeHex, encodeHex } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";

/** Keys that are remembered: 2^12, eight times the members of the greatest mesh. */
const keysMax = 4096;
const keyBytes = 32;

const bytesByKey = new Map<PeerKey, Uint8Array>();
/** Each slot has the last key whose first bytes led to it. */
const slots: ({ readonly key: PeerKey; readonly bytes: Uint8Array } | undefined)[] = new Array(
  keysMax,
);

/** A key's bytes, which must not be changed. @throws {SyntaxError} for what is no key */
export function bytesOfKey(key: PeerKey): Uint8Array {
  const known = bytesByKey.get(key);
  if (known !== undefined) return known;
  if (bytesByKey.size >= keysMax) bytesByKey.clear();
  const bytes = decodeHex(key);
  bytesByKey.set(key, bytes);
  return bytes;
}

/** The key whose 32 bytes begin at `at`, which the caller has found to be there. */
export function keyOfBytes(bytes: Uint8Array, at: number): PeerKey {
  const slot = ((bytes[at] as number) << 4) | ((bytes[at + 1] as number) >> 4);
  const known = slots[slot];
  if (known !== undefined && isAt(known.bytes, bytes, at)) return known.key;
  const key = encodeHex(bytes, at, keyBytes);
  slots[slot] = { key, bytes: bytes.slice(at, at + keyBytes) };
  return key;
}

function isAt(key: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < keyBytes; i++) if (key[i] !== bytes[at + i]) return false;
  return true;
}
