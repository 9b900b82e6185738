/**
 * Every limit of the inference service, with its reason.
 */

/** Requests that compute at the same time: they share each step. */
export const slotsDefault = 8;

/** Requests that may wait for a slot; a further one is refused as busy. */
export const queueMaxDefault = 64;

/** A request may take so long, waiting included: longer than anybody has been seen to wait. */
export const requestMsMaxDefault = 3_600_000;

/**
 * Prompt tokens of one step: more make no step more efficient, and a newcomer waits for the step that
 * runs.
 */
export const promptChunkDefault = 256;

/** A step of prompts alone takes about so long, so that a newcomer does not wait for longer. */
export const promptStepMs = 1000;

/**
 * Prompts make a step at most about so many times as long as those who decode would take alone. What
 * is promised is 2: the rest is for what a prediction gets wrong.
 */
export const gapFactor = 1.5;

/**
 * Where fewer rows of a prompt than this fit in a step, they pass the layers in parts instead: that
 * many rows share what is read of earlier positions.
 */
export const mixedRowsMin = 8;

/** How many times the work of a prompt's first row a deep row has at least. */
export const deepFactor = 1.25;

/** Rows that pass the layers together: a page. */
export const layeredRowsMax = 32;

/** Those who were just served are waited for so long at least, so that they share the next step. */
export const gatherMs = 2;

/** Before any time passes, they have so many turns of the microtask queue. */
export const gatherTurns = 16;

/** And for this share of what the step took. */
export const gatherShare = 0.25;

/** Rows of one step, tokens and drafts of all sequences, up to which drafts are computed. */
export const speculatingRowsMax = 8;

/** Tokens that are drafted at once for one sequence. */
export const speculateDefault = 7;

/** How long running requests may go on after the node was told to stop. */
export const drainMsDefault = 10_000;

/** The event loop gets a turn when a computation has held it for this long. */
export const breatheAfterMs = 8;

/** Stop strings of a request. */
export const stopStringsMax = 16;

/** Likeliest tokens that are listed with a token, as many as OpenAI allows. */
export const topLogprobsMax = 20;

/** Texts of one request for embeddings, as many as OpenAI takes. */
export const embedTextsMax = 2048;

/** Tokens of texts that are embedded at once: others get their turn in between. */
export const embedTokensMax = 512;

/** Tools that a request may offer: each is in the prompt. */
export const toolsMax = 128;

/** Tool calls of one answer, or of one message of a conversation. */
export const toolCallsMax = 32;

/** Grammars that are kept ready for a model. */
export const grammarsMax = 32;

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

/** How long sorting a vocabulary may keep others waiting at a time, in milliseconds. */
export const sortingMsMax = 4;

/** Positions of a page of the attention cache: a tile of the numeric class (its section 5.3). */
export const pagePositions = 32;

/** Buckets of the sequences that share a step. */
export const batchBuckets: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256];

/** Buckets of the time of a step, in seconds. */
export const stepSecondsBuckets: readonly number[] = [...tokenSecondsBuckets, 5];

/** How often it is looked whether the mesh is to be told anything new of what is computed here. */
export const announceMs = 2000;

/** Models of the mesh that are kept open beside the configured one. */
export const meshModelsMax = 8;

/** How long a node waits for somebody in the mesh who has the configured model. */
export const meshModelWaitMs = 60_000;

/** How long after its start, or after it joined, a node waits for a model that it has not heard of. */
export const settlingMsMax = 5_000;

/**
 * Layers that nobody computes are named after so long: what members say takes a moment to arrive, and
 * nobody likes to wait for what will not come.
 */
export const gapGraceMs = 1_000;

/** A holder that went away is waited for while it has not been away for longer. */
export const holderAwayMs = 60_000;

/**
 * And for so long by one answer: less than the 30 s after which a pipeline gives up by itself, with a
 * sentence that knows less.
 */
export const holderWaitMs = 25_000;

/** How often the stages of an answer sign for it while it is made: what can be lost is a minute's work. */
export const receiptRenewMs = 60_000;

/** How long stages have to sign; a node that stops waits for them too. */
export const receiptSignMsMax = 5000;
