/**
 * Every limit of grammars and schemas, with its reason.
 */

/** UTF-16 units of a grammar's text: far more than anyone writes. */
export const grammarUnitsMax = 65_536;

/** Nested groups of a grammar, and nested schemas: each is a call on the stack. */
export const depthMax = 128;

/** Largest number in a repetition. */
export const repeatMax = 16_384;

/** States of an automaton; repetitions are written out, so that this bounds their products. */
export const statesMax = 500_000;

/** Rules of a grammar. */
export const rulesMax = 20_000;

/**
 * Places that an automaton may be in at once, besides twice as many as it has states: a grammar with
 * thousands of alternatives begins at all of them, and an ambiguous one multiplies its places.
 */
export const placesMax = 2_000;

/** Sets of places that are kept for a grammar; beyond that they are found anew. */
export const placeSetsMax = 20_000;

/** Places that may be found for one mask: what a hostile grammar costs before it is given up. */
export const placesOfMaskMax = 2_000_000;

/** Places and stacks that are remembered for a grammar; the next text begins with none. */
export const rememberedMax = 4_000_000;

/** Masks that are kept for a grammar; each has a bit for every token. */
export const masksMax = 256;

/** Bytes of a schema, as JSON. */
export const schemaUnitsMax = 262_144;

/** Levels of a schema's JSON: what is deeper would not fit on the stack of what walks it. */
export const nestingMax = 512;

/** Comparisons of values that telling the schemas of a `oneOf` apart may cost. */
export const comparisonsMax = 2_000_000;

/** Schemas within a schema, references counted once. */
export const schemasMax = 10_000;

/** Values of an `enum`. */
export const enumValuesMax = 5_000;

/** Bytes of a token that may be allowed: longer ones are runs of one character. */
export const tokenBytesMax = 1024;
