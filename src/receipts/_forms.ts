/** Forms that members have in statements, files and frames of receipts. */
import * as v from "valibot";

/** Digits of 16 bytes: a session. */
export const hex16 = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{32}$/, "it must be 32 hexadecimal digits"),
);

/** Digits of 32 bytes: a key, a root, a digest, a salt. */
export const hex32 = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits"),
);

/** Digits of 64 bytes: a signature. */
export const hex64 = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{128}$/, "it must be 128 hexadecimal digits"),
);

/** A count of positions or tokens, up to 2^24; also the number of a layer. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 24));
