/**
 * Parameters of the inference service's methods, and what `generate` streams. These are the node's
 * own shapes; the HTTP API translates OpenAI's into them.
 */
import * as v from "valibot";
import {
  embedTextsMax,
  messagesMax,
  stopCharactersMax,
  stopStringsMax,
  textCharactersMax,
  tokensMax,
  toolCallsMax,
  toolsMax,
  topLogprobsMax,
} from "./limits.ts";
import { receiptIdSchema, routeSchema } from "./route_schema.ts";

// By one loop: a schema per item takes a third of a second for a million items.
const tokenList = v.pipe(
  v.custom<number[]>(
    (value) =>
      Array.isArray(value) && value.length <= tokensMax &&
      value.every((token) => Number.isSafeInteger(token) && token >= 0),
    `it must be an array of at most ${tokensMax} token ids`,
  ),
  // What the documents say of it, as no converter can read a check.
  v.metadata({ type: "array", items: { type: "integer", minimum: 0 }, maxItems: tokensMax }),
);

const text = v.pipe(v.string(), v.maxLength(textCharactersMax));

const message = v.strictObject({
  role: v.picklist(["system", "user", "assistant", "tool"]),
  content: v.string(),
  name: v.optional(v.string()),
  /** The calls that an assistant has made. */
  toolCalls: v.optional(
    v.pipe(
      v.array(v.strictObject({ id: v.string(), name: v.string(), arguments: v.unknown() })),
      v.maxLength(toolCallsMax),
    ),
  ),
  /** The call that a tool answers. */
  toolCallId: v.optional(v.string()),
});

const tool = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/)),
  description: v.optional(v.string()),
  /** A JSON schema of an object; none for a tool that takes no arguments. */
  parameters: v.optional(v.unknown()),
  /** Whether a schema that cannot be held to is refused. */
  strict: v.optional(v.boolean(), false),
});

/** What an answer may call. */
export type Tool = Readonly<v.InferOutput<typeof tool>>;

const prompt = v.variant("kind", [
  v.strictObject({
    kind: v.literal("chat"),
    messages: v.pipe(v.array(message), v.minLength(1), v.maxLength(messagesMax)),
    /** Shown to the model by its chat template. */
    tools: v.optional(v.pipe(v.array(tool), v.maxLength(toolsMax)), []),
  }),
  v.strictObject({ kind: v.literal("text"), text }),
  v.strictObject({ kind: v.literal("tokens"), tokens: v.pipe(tokenList, v.minLength(1)) }),
]);

function within(from: number, to: number): v.GenericSchema<number> {
  return v.pipe(v.number(), v.minValue(from), v.maxValue(to));
}

/** How tokens are chosen (docs/NUMERIC_CLASS.md, section 6); a neutral value switches a step off. */
export const samplingSchema = v.strictObject({
  temperature: v.optional(within(0, 2), 1),
  topP: v.optional(within(0, 1), 1),
  topK: v.optional(v.pipe(within(0, 2 ** 31 - 1), v.integer()), 0),
  minP: v.optional(within(0, 1), 0),
  repeatPenalty: v.optional(within(0.1, 10), 1),
  frequencyPenalty: v.optional(within(-2, 2), 0),
  presencePenalty: v.optional(within(-2, 2), 0),
  logitBias: v.optional(v.record(v.pipe(v.string(), v.regex(/^\d{1,9}$/)), within(-100, 100)), {}),
});

/** Parameters of `generate`. */
export const generateParams = v.strictObject({
  /** Names the request in the journal and the log. */
  requestId: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  model: v.string(),
  prompt,
  /** At most so many tokens; what the context has left when absent. */
  maxTokens: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  stop: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.minLength(1),
          v.maxLength(stopCharactersMax),
          v.check((stop: string) => stop.isWellFormed(), "it must be well-formed Unicode"),
        ),
      ),
      v.maxLength(stopStringsMax),
    ),
    [],
  ),
  /** 0 to 2^53 - 1; drawn when absent. */
  seed: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  sampling: v.optional(samplingSchema, {}),
  /** What the text of the answer must be: any JSON object, JSON of a schema, or of a grammar. */
  format: v.optional(
    v.variant("kind", [
      v.strictObject({ kind: v.literal("json") }),
      v.strictObject({ kind: v.literal("schema"), schema: v.unknown() }),
      v.strictObject({ kind: v.literal("grammar"), grammar: v.string() }),
    ]),
  ),
  /** Whether tools may or must be called: one of them by its name, or any; one call, or several. */
  toolCalls: v.optional(
    v.strictObject({
      choice: v.picklist(["auto", "required"]),
      name: v.optional(v.string()),
      parallel: v.optional(v.boolean(), true),
    }),
  ),
  /** How many of the likeliest tokens to list with each token's own log-probability. */
  topLogprobs: v.optional(v.pipe(within(0, topLogprobsMax), v.integer())),
});

/** Parameters of `generate`, checked. */
export type GenerateParams = v.InferOutput<typeof generateParams>;

/** Parameters of `embed`. */
export const embedParams = v.strictObject({
  /** Names the request in the journal and the log. */
  requestId: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  model: v.string(),
  /** Texts, or their tokens as they are. */
  texts: v.pipe(v.array(v.union([text, tokenList])), v.minLength(1), v.maxLength(embedTextsMax)),
  /** Only as many as the model's embeddings have. */
  dimensions: v.optional(v.pipe(v.number(), v.safeInteger())),
});

/** Parameters of `embed`, checked. */
export type EmbedParams = v.InferOutput<typeof embedParams>;

/** What `embed` gives. */
export const embeddingsSchema = v.object({
  model: v.string(),
  embeddings: v.pipe(
    v.array(v.string()),
    v.description("One of each text: f32, little endian, in base64; of length 1."),
  ),
  promptTokens: v.number(),
});

/** What `embed` gives. */
export type Embeddings = Readonly<v.InferOutput<typeof embeddingsSchema>>;

/** Parameters of `tokenize`. */
export const tokenizeParams = v.strictObject({
  model: v.optional(v.string()),
  text,
  /** Default: as the model's file says. */
  addBos: v.optional(v.boolean()),
  parseSpecial: v.optional(v.boolean(), false),
});

/** Parameters of `detokenize`. */
export const detokenizeParams = v.strictObject({
  model: v.optional(v.string()),
  tokens: tokenList,
});

const finishReason = v.picklist(["stop", "length"]);

/** Why an answer ended. */
export type FinishReason = v.InferOutput<typeof finishReason>;

const usage = v.object({
  promptTokens: v.number(),
  cachedTokens: v.pipe(
    v.number(),
    v.description("Prompt tokens whose keys and values were known from earlier requests."),
  ),
  completionTokens: v.pipe(
    v.number(),
    v.description(
      "Tokens that were sampled, the one that ended the answer and those of a stop string included.",
    ),
  ),
});

const chance = {
  token: v.number(),
  logprob: v.pipe(v.number(), v.description("Natural logarithm, from the raw logits.")),
  text: v.pipe(v.string(), v.description("The bytes as text; a control token's own name.")),
  bytes: v.pipe(v.array(v.number()), v.description("None for a control token.")),
};

/** A token and how likely it was. */
export type TokenChance = Readonly<v.InferOutput<v.ObjectSchema<typeof chance, undefined>>>;

const listedToken = v.object({
  ...chance,
  offset: v.pipe(v.number(), v.description("Code points of the answer before the token.")),
  top: v.array(v.object(chance)),
});

const listedTokens = v.pipe(
  v.array(listedToken),
  v.description("Tokens of the text so far that were not listed yet, when asked for."),
);

/** A token of an answer, how likely it was, and the likeliest ones in its place. */
export type ListedToken = Readonly<v.InferOutput<typeof listedToken>>;

/** How many tokens a request took. */
export type Usage = Readonly<v.InferOutput<typeof usage>>;

const sampledTokens = v.pipe(
  v.array(v.number()),
  v.readonly(),
  v.description("Tokens sampled since the last item."),
);

const toolFormat = v.object({
  name: v.picklist(["hermes", "mistral", "mistral-args", "phi", "llama3", "json"]),
  trigger: v.string(),
  open: v.string(),
  between: v.string(),
  close: v.string(),
  start: v.string(),
  middle: v.string(),
  end: v.string(),
});

/** An item of `generate`: one `start`, any number of `text`, one `end`. */
export const generateItem = v.variant("type", [
  // The request was accepted; it may still wait for a slot.
  v.object({
    type: v.literal("start"),
    model: v.string(),
    fingerprint: v.string(),
    promptTokens: v.number(),
    seed: v.number(),
    receipt: v.exactOptional(receiptIdSchema),
    toolFormat: v.exactOptional(
      v.pipe(
        toolFormat,
        v.description("How calls are written in the text, where there may be any."),
      ),
    ),
  }),
  // Text that is certain, in whole characters.
  v.object({
    type: v.literal("text"),
    text: v.string(),
    tokens: sampledTokens,
    logprobs: v.exactOptional(listedTokens),
  }),
  v.object({
    type: v.literal("end"),
    finishReason,
    stopSequence: v.exactOptional(v.string()),
    usage,
    tokens: sampledTokens,
    logprobs: v.exactOptional(listedTokens),
    route: v.exactOptional(routeSchema),
  }),
]);

/** What `generate` streams. */
export type GenerateItem = Readonly<v.InferOutput<typeof generateItem>>;
