/**
 * Every limit of the inference service, with its reason.
 */

/** Requests that compute at the same time, one step each in turn. */
export const slotsDefault = 4;

/** Requests that may wait for a slot; a further one is refused as busy. */
export const queueMaxDefault = 64;

/** Prompt tokens of one step: others get their turn, and progress is seen, in between. */
export const promptChunkDefault = 32;

/** How long running requests may go on after the node was told to stop. */
export const drainMsDefault = 10_000;

/** The event loop gets a turn when a computation has held it for this long. */
export const breatheAfterMs = 8;

/** Stop strings of a request. */
export const stopStringsMax = 16;

/** Likeliest tokens that are listed with a token, as many as OpenAI allows. */
export const topLogprobsMax = 20;

/** Characters of one stop string. */
export const stopCharactersMax = 512;

/** Messages of a chat; the tokenizer's own limit bounds their text. */
export const messagesMax = 4096;

/** Characters of a text to tokenise: the text of the largest request body. */
export const textCharactersMax = 8 * 1024 * 1024;

/** Tokens of a prompt given as ids, or to turn into text. */
export const tokensMax = 1 << 20;

/** Buckets of the time to the first token, in seconds. */
export const firstTokenSecondsBuckets: readonly number[] = [
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  120,
];

/** Buckets of the time between two tokens, in seconds. */
export const tokenSecondsBuckets: readonly number[] = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
];

/** Positions of a page of the attention cache: a tile of the numeric class (its section 5.3). */
export const pagePositions = 32;
