/**
 * The name of the arithmetic that this release executes (docs/NUMERIC_CLASS.md), and its constants.
 */

/** The numeric class of every executor and sampler here. */
export const numericClass = "skep-q8a/1";

/** Positions in an attention tile; tiles start at multiples of it. It is also the KV page length. */
export const tilePositions = 32;

/** No session may be longer, whatever the model says: the range in which `sin` and `cos` are exact. */
export const contextMaxLimit = 2 ** 20;
