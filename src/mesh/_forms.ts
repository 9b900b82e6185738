/** Forms that members have in documents and frames of the mesh. */
import * as v from "valibot";

/** Digits of 32 bytes: a key, a hash, a nonce. */
export const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** Digits of 64 bytes: a signature. */
export const hex128 = v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/));

/** Digits of 16 bytes: what tells one from others, drawn by chance. */
export const hex32 = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

/** A whole number from 0 that is exact: a count, a version, a time in milliseconds. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
