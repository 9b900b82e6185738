/** A peer's key as the port has it (64 hexadecimal digits) and as libp2p has it (a peer id). */
import type { PeerId } from "@libp2p/interface";
import { publicKeyFromRaw } from "@libp2p/crypto/keys";
import { peerIdFromPublicKey } from "@libp2p/peer-id";
import { decodeHex, encodeHex } from "../../hot/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

const KEY_PATTERN = /^[0-9a-f]{64}$/;

/** The key of a peer id, or undefined for one that is no Ed25519 key. */
export function keyOfPeerId(peerId: PeerId): PeerKey | undefined {
  return peerId.type === "Ed25519" ? encodeHex(peerId.publicKey.raw) : undefined;
}

/** The peer id of a key. @throws {SyntaxError} when it is not 64 lowercase hexadecimal digits */
export function peerIdOfKey(key: PeerKey): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(bytesOfKey(key)));
}

/** The 32 bytes of a key. @throws {SyntaxError} as `peerIdOfKey` */
export function bytesOfKey(key: PeerKey): Uint8Array<ArrayBuffer> {
  if (!KEY_PATTERN.test(key)) {
    throw new SyntaxError(
      `Cannot read a peer key as it must be 64 lowercase hexadecimal digits: current value is "${
        key.slice(0, 80)
      }"`,
    );
  }
  return decodeHex(key);
}
