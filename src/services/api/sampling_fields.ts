/**
 * Fields that both endpoints have, with OpenAI's ranges and defaults.
 */
import { wholeNumber } from "../../kernel/mod.ts";
import type { Field } from "./fields.ts";
import {
  boolean,
  logitBias,
  numberWithin,
  stop,
  streamOptions,
  textUpTo,
} from "./field_schemas.ts";
import { choicesMax, grammarCharactersMax } from "./limits.ts";

/** `model`, sampling, stopping, streaming and the caller's identifiers. */
export const samplingFields = {
  model: {
    use: "honoured",
    note: "an id of `GET /v1/models`; any other is 404 `model_not_found`",
    required: true,
    schema: textUpTo(256),
  } as Field<string>,
  temperature: {
    use: "honoured",
    note: "0 to 2, default 1; 0 takes the most likely token",
    schema: numberWithin({ from: 0, to: 2 }),
  } as Field<number>,
  top_p: {
    use: "honoured",
    note: "0 to 1, default 1",
    schema: numberWithin({ from: 0, to: 1 }),
  } as Field<number>,
  frequency_penalty: {
    use: "honoured",
    note: "-2 to 2, default 0; counts prompt and answer",
    schema: numberWithin({ from: -2, to: 2 }),
  } as Field<number>,
  presence_penalty: {
    use: "honoured",
    note: "-2 to 2, default 0; counts prompt and answer",
    schema: numberWithin({ from: -2, to: 2 }),
  } as Field<number>,
  logit_bias: {
    use: "honoured",
    note: "token ids to biases from -100 to 100; at most 1,024",
    schema: logitBias,
  } as Field<Record<string, number>>,
  seed: {
    use: "honoured",
    note: "0 to 2^53 - 1; drawn when absent; `x-skep-seed` of the answer reports it",
    schema: wholeNumber({ from: 0 }),
  } as Field<number>,
  stop: {
    use: "honoured",
    note: "a string or up to 16 strings of up to 512 characters; not part of the answer",
    schema: stop,
  } as Field<string[]>,
  stream: {
    use: "honoured",
    note: "default `false`; `true` answers with server-sent events",
    schema: boolean,
  } as Field<boolean>,
  stream_options: {
    use: "honoured",
    note: "`include_usage`; `include_obfuscation` only `false`; has no effect without `stream`",
    schema: streamOptions,
  } as Field<{ includeUsage: boolean }>,
  n: {
    use: "honoured",
    note: `1 to ${choicesMax}, default 1; choice i is what \`n\` 1 gives with the seed i higher`,
    schema: wholeNumber({ from: 1, to: choicesMax }),
  } as Field<number>,
  grammar: {
    use: "extension",
    note: "GBNF of up to 65,536 characters, which the whole answer is held to",
    schema: textUpTo(grammarCharactersMax),
  } as Field<string>,
  user: {
    use: "identifier",
    note: "up to 512 characters",
    schema: textUpTo(512),
  } as Field<string>,
  top_k: {
    use: "extension",
    note: "0 to 2^31 - 1, default 0 (off): only the k most likely tokens",
    schema: wholeNumber({ from: 0, to: 2 ** 31 - 1 }),
  } as Field<number>,
  min_p: {
    use: "extension",
    note: "0 to 1, default 0 (off): only tokens at least this likely, relative to the likeliest",
    schema: numberWithin({ from: 0, to: 1 }),
  } as Field<number>,
  repeat_penalty: {
    use: "extension",
    note: "0.1 to 10, default 1 (off): divides the positive logit of a token seen before",
    schema: numberWithin({ from: 0.1, to: 10 }),
  } as Field<number>,
};
