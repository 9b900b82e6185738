/**
 * A node's key pair: one key, one door. `sign` is the only thing that touches the private key, which
 * no field, log line, JSON or inspection of the object shows.
 */
import type { KeyObject } from "node:crypto";
import type { Random } from "../ports/mod.ts";
import { privateKeyFromSeed, rawPublicKey, SEED_BYTES, signRaw } from "./_ed25519.ts";
import { hidOf, shortHidOf } from "./hid.ts";
import { purposeMessage } from "./purpose.ts";

/** Who a node is, and its signature. */
export interface Identity {
  /** The raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** "skep_" and 64 hex digits of the public key's SHA-256. */
  readonly hid: string;
  /** "skep_" and 12 hex digits, for logs. */
  readonly shortHid: string;
  /**
   * The 64-byte signature over "skep/<purpose>/v1", a zero byte, and `bytes`.
   *
   * @throws {SyntaxError} when `purpose` does not match `[a-z][a-z0-9-]*`
   */
  sign(purpose: string, bytes: Uint8Array): Uint8Array;
}

/** The identity of a 32-byte seed, which the caller may wipe. @throws {RangeError} other lengths */
export function identityFromSeed(seed: Uint8Array): Identity {
  if (seed.length !== SEED_BYTES) {
    throw new RangeError(
      `Cannot make an identity as the seed must have ${SEED_BYTES} bytes: current value is ${seed.length}`,
    );
  }
  return new KeyIdentity(privateKeyFromSeed(seed));
}

/** A new identity, kept nowhere. */
export function mintIdentity(random: Random): Identity {
  const seed = random.fill(new Uint8Array(SEED_BYTES));
  const identity = identityFromSeed(seed);
  seed.fill(0);
  return identity;
}

class KeyIdentity implements Identity {
  readonly hid: string;
  readonly shortHid: string;
  readonly #publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey;
    this.#publicKey = rawPublicKey(privateKey);
    this.hid = hidOf(this.#publicKey);
    this.shortHid = shortHidOf(this.hid);
  }

  /** A copy, so that no caller can change it for the others. */
  get publicKey(): Uint8Array {
    return this.#publicKey.slice();
  }

  sign(purpose: string, bytes: Uint8Array): Uint8Array {
    return signRaw(this.#privateKey, purposeMessage(purpose, bytes));
  }

  toJSON(): { hid: string } {
    return { hid: this.hid };
  }

  toString(): string {
    return this.shortHid;
  }
}
