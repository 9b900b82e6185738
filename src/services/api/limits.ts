/**
 * Every limit of the HTTP API, with its reason. Those that an operator may change are defaults here
 * and fields of the configuration (config.ts).
 */

/** Where the API listens unless configured otherwise. */
export const listenDefault = "127.0.0.1:7737";

/** A body in bytes: some 60,000 lines of conversation; longer than any context that fits. */
export const bodyBytesMaxDefault = 4 * 1024 * 1024;

/** A whole body must have arrived within this time, which ends one-byte-a-minute clients. */
export const bodyMsMaxDefault = 30_000;

/** A connection on which nothing moves for this long is closed. */
export const idleMsMaxDefault = 60_000;

/** A comment line goes out when nothing else did for this long, so that no proxy gives up. */
export const keepAliveMsDefault = 10_000;

/** Open TCP connections; a further one is closed at once and counted. */
export const connectionsMaxDefault = 512;

/** How long streams may go on after the node was told to stop. */
export const drainMsDefault = 10_000;

/** Messages of one conversation; more are no conversation that a context holds. */
export const messagesMax = 4096;

/** Parts of one message's content. */
export const contentPartsMax = 1024;

/** Stop strings (OpenAI documents 4; applications send more). */
export const stopStringsMax = 16;

/** Characters of one stop string: the text held back while it may be starting is bounded by it. */
export const stopCharactersMax = 512;

/** Tokens that `logit_bias` may name. */
export const logitBiasMax = 1024;

/** Tokens of a prompt given as ids; the context is checked against the model later. */
export const promptTokensMax = 1 << 20;

/** Characters of a value shown in an error message. */
export const shownCharactersMax = 60;

/** Seconds that a client refused for a full queue is asked to wait. */
export const retryAfterSeconds = 1;

/** Choices of one request; each takes a slot. */
export const choicesMax = 16;

/** Texts of one request for embeddings, as many as OpenAI takes. */
export const embeddingTextsMax = 2048;

/** Functions that a request may offer: each is in the prompt. */
export const toolsMax = 128;

/** Calls of one message. */
export const toolCallsMax = 32;

/** Characters of a grammar, of which the library reads no more. */
export const grammarCharactersMax = 65_536;

/** Likeliest tokens that are listed with a token, as many as OpenAI allows in chats. */
export const topLogprobsMax = 20;
