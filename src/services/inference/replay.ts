/**
 * Chooses the tokens of an answer that is known once more, from its logits: for who checks whether a
 * requester's settings choose what it said they did.
 *
 * The sampler holds no state, and what the answer is held to depends on the tokens before alone, so
 * the same choices come out anywhere.
 */
import * as v from "valibot";
import { createSampler } from "../../engine/mod.ts";
import { createMetrics } from "../../kernel/mod.ts";
import type { GgufFile, Tokenizer } from "../../model/mod.ts";
import type { Clock } from "../../ports/mod.ts";
import { constraintOf, guarded } from "./constraint.ts";
import { GrammarStore } from "./grammar_store.ts";
import { penalises, samplerOptions } from "./sampling.ts";
import { generateParams, samplingSchema } from "./schemas.ts";
import type { GenerateParams } from "./schemas.ts";

const { format, toolCalls, stop } = generateParams.entries;

/** What an answer was held to, as a transcript keeps it. */
export const heldToSchema = v.strictObject({
  format,
  toolCalls,
  /** What could be called; with `toolCalls` only. */
  tools: v.optional(v.array(v.unknown()), []),
  /** Strings that end the answer; they choose no token. */
  stop,
});

/** What an answer was held to. */
export type HeldTo = v.InferInput<typeof heldToSchema>;

/** What a request's answer is held to, as a transcript keeps it: null where it may be anything. */
export function heldToOf(
  params: Pick<GenerateParams, "format" | "toolCalls" | "prompt">,
  stops: readonly string[],
): HeldTo | null {
  const { format, toolCalls, prompt } = params;
  if (format === undefined && toolCalls === undefined && stops.length === 0) return null;
  return {
    ...format === undefined ? {} : { format },
    ...toolCalls === undefined || prompt.kind !== "chat"
      ? {}
      : { toolCalls, tools: [...prompt.tools] },
    ...stops.length === 0 ? {} : { stop: [...stops] },
  };
}

/** An answer to be chosen again. */
export interface ReplayOptions {
  readonly file: GgufFile;
  readonly tokenizer: Tokenizer;
  /** Logits of the model. */
  readonly vocabularySize: number;
  readonly clock: Clock;
  /** Names and ranges as the parameters of `generate` have them. */
  readonly sampling: unknown;
  readonly seed: number;
  /** As `heldToSchema`, or null. */
  readonly heldTo: unknown;
  readonly promptTokens: readonly number[];
  readonly outputTokens: readonly number[];
}

/** Settings that this release would not have taken; the message is one sentence. */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/**
 * Makes a chooser; call it with the logits of each token of the answer, in their order. It goes on
 * with the answer's own tokens as long as they are what it chooses.
 *
 * @throws {ReplayError} when the settings are none of this release's
 * @throws {RpcError} "invalidParams" when a grammar cannot be held to
 */
export async function replayChooser(
  options: ReplayOptions,
): Promise<(logits: Float32Array, index: number) => number> {
  const { vocabularySize, seed, promptTokens, outputTokens } = options;
  const sampling = parsed(samplingSchema, options.sampling, "sampling");
  const sampler = createSampler(samplerOptions({ sampling, seed }, vocabularySize));
  const constraint = constraintFor(options);
  const matcher = await constraint?.grammar.matcher();
  const field = constraint?.field ?? "format";
  const looksBack = penalises({ sampling });
  const history = [...promptTokens];
  return (logits, index) => {
    while (history.length < promptTokens.length + index) {
      const before = outputTokens[history.length - promptTokens.length];
      if (before === undefined) throw new RangeError("Cannot choose a token beyond the answer");
      guarded(field, () => matcher?.accept(before));
      history.push(before);
    }
    const mask = guarded(field, () => matcher?.mask());
    const seen = looksBack ? history : [];
    return sampler.sample(logits, { position: history.length, history: seen, mask });
  };
}

function constraintFor(options: ReplayOptions): ReturnType<typeof constraintOf> {
  const { file, tokenizer, vocabularySize, clock } = options;
  if (options.heldTo === null || options.heldTo === undefined) return undefined;
  const { tools, format, toolCalls } = parsed(heldToSchema, options.heldTo, "what it was held to");
  if (format === undefined && toolCalls === undefined) return undefined;
  const prompt = parsed(
    generateParams.entries.prompt,
    { kind: "chat", messages: [{ role: "user", content: "" }], tools },
    "the tools that it could call",
  );
  const grammars = new GrammarStore({ tokenizer, vocabularySize, clock, metrics: createMetrics() });
  return constraintOf({ format, toolCalls, prompt }, { file, tokenizer, grammars });
}

function parsed<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? "the whole";
  throw new ReplayError(
    `Cannot choose the answer's tokens again as ${what} is none of this release's: ${where}: ${issue.message}`,
  );
}
