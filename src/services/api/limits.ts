/**
 * Every limit of the HTTP API, with its reason. Those that an operator may change are defaults here
 * and fields of the configuration (config.ts). What the service "inference" or the grammars bound is
 * bounded there, and by the same number here: the API refuses it with the field's name.
 */
export { grammarUnitsMax as grammarCharactersMax } from "../../grammar/mod.ts";
export {
  embedTextsMax as embeddingTextsMax,
  messagesMax,
  stopCharactersMax,
  stopStringsMax,
  tokensMax as promptTokensMax,
  toolCallsMax,
  toolsMax,
  topLogprobsMax,
} from "../inference/mod.ts";

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

/** Parts of one message's content. */
export const contentPartsMax = 1024;

/** Tokens that `logit_bias` may name. */
export const logitBiasMax = 1024;

/** Characters of a value shown in an error message. */
export const shownCharactersMax = 60;

/** Seconds that a client refused for a full queue is asked to wait. */
export const retryAfterSeconds = 1;

/** Choices of one request; each takes a slot. */
export const choicesMax = 16;
