/**
 * The random port: the only source of unpredictable bytes.
 *
 * The real one is cryptographic; the simulator's is seeded. It is not used for sampling tokens:
 * that generator belongs to the numeric class (docs/NUMERIC_CLASS.md).
 */

/** A source of random bytes. */
export interface Random {
  /** Fills `bytes` (any length) and returns it. */
  fill(bytes: Uint8Array): Uint8Array;
}
