/**
 * From a request's parameters to what generation needs: tokens, limits, seed. All refusals that do
 * not depend on the load of the node happen here, before anything is computed.
 */
import type { Clock, Random } from "../../ports/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import { chatPrompt, ModelError } from "../../model/mod.ts";
import type { ChatMessage } from "../../model/mod.ts";
import { constraintOf } from "./constraint.ts";
import { heldToOf } from "./replay.ts";
import type { HeldTo } from "./replay.ts";
import type { Constraint } from "./constraint.ts";
import type { LoadedModel } from "./loaded_model.ts";
import type { GenerateParams, Tool } from "./schemas.ts";

/** A request that can be computed. */
export interface PreparedRequest {
  readonly id: string;
  readonly promptText: string;
  readonly promptTokens: Uint32Array;
  /** Tokens to sample at most; 0 asks for none. */
  readonly maxTokens: number;
  readonly stops: readonly string[];
  readonly seed: number;
  readonly sampling: GenerateParams["sampling"];
  readonly topLogprobs: number | undefined;
  /** What the answer is held to. */
  readonly constraint: Constraint | undefined;
  /** The same as a transcript keeps it. */
  readonly heldTo: HeldTo | null;
}

/** What preparing needs. */
export interface PrepareOptions {
  readonly model: LoadedModel;
  readonly clock: Clock;
  readonly random: Random;
  /** The configured limit for requests that set none. */
  readonly maxTokensDefault: number | undefined;
}

/**
 * Tokenises and checks.
 *
 * @throws {RpcError} "notFound" for another model; "invalidParams", with the field in `data`, for a
 * prompt that does not fit, an id outside the vocabulary, or messages that the template refuses
 */
export function prepareRequest(params: GenerateParams, options: PrepareOptions): PreparedRequest {
  const { model } = options;
  checkModel(params.model, model);
  if (model.executor.shape.family.pooling !== undefined) {
    throw invalid("model", {
      message: `Cannot generate with ${
        JSON.stringify(model.id)
      } as it is an encoder: ask it for embeddings`,
    });
  }
  checkLength(params.prompt, model);
  const constraint = constraintOf(params, model);
  const { text, tokens, stops } = promptOf(params.prompt, options);
  checkTokens(tokens, model);
  checkBias(params.sampling.logitBias, model);
  const room = model.contextMax - tokens.length;
  if (room < 1) throw tooLong(model, `${tokens.length}`);
  return {
    id: params.requestId,
    promptText: text,
    promptTokens: tokens,
    maxTokens: Math.min(room, params.maxTokens ?? options.maxTokensDefault ?? room),
    stops: [...params.stop, ...stops],
    seed: params.seed ?? drawSeed(options.random),
    sampling: params.sampling,
    topLogprobs: params.topLogprobs,
    constraint,
    heldTo: heldToOf(params, [...params.stop, ...stops]),
  };
}

/**
 * Checks the name of a model.
 *
 * @throws {RpcError} "notFound"
 */
export function checkModel(name: string, model: LoadedModel): void {
  if (name === model.id) return;
  throw new RpcError({
    kind: "notFound",
    message: `Cannot use model ${JSON.stringify(name.slice(0, 128))} as this node serves only ` +
      `${JSON.stringify(model.id)}`,
    data: { field: "model" },
  });
}

/**
 * Checks that token ids are of the vocabulary.
 *
 * @throws {RpcError} "invalidParams"
 */
export function checkTokens(tokens: Iterable<number>, model: LoadedModel): void {
  const size = Math.min(model.tokenizer.vocabularySize, model.executor.shape.vocabularySize);
  for (const token of tokens) {
    if (token < size) continue;
    throw invalid("prompt", {
      message: `Cannot use token ${token} as the model's tokens are 0 to ${size - 1}`,
    });
  }
}

/**
 * Refuses a text that can't fit whatever its tokens are, since tokenising a large one takes a second
 * in which nobody else is served.
 */
function checkLength(prompt: GenerateParams["prompt"], model: LoadedModel): void {
  if (prompt.kind === "tokens") return;
  const units = prompt.kind === "text"
    ? prompt.text.length
    : prompt.messages.reduce((sum, { content }) => sum + content.length, 0);
  const tokensMin = Math.floor(units / model.pieceUnitsMax);
  if (tokensMin >= model.contextMax) throw tooLong(model, `at least ${tokensMin}`);
}

function tooLong(model: LoadedModel, tokens: string): RpcError {
  return invalid("prompt", {
    code: "context_length_exceeded",
    message: `Cannot answer as the prompt must leave room in the context of ` +
      `${model.contextMax} tokens: it has ${tokens}`,
  });
}

interface Prompt {
  readonly text: string;
  readonly tokens: Uint32Array;
  readonly stops: readonly string[];
}

function promptOf(prompt: GenerateParams["prompt"], options: PrepareOptions): Prompt {
  const { tokenizer } = options.model;
  switch (prompt.kind) {
    case "chat":
      return chat(prompt, options);
    case "text": {
      const tokens = tokenizer.encode(prompt.text);
      if (tokens.length > 0) return { text: prompt.text, tokens, stops: [] };
      throw invalid("prompt", {
        message: "Cannot answer an empty prompt as the model has no token to begin with",
      });
    }
    case "tokens": {
      checkTokens(prompt.tokens, options.model);
      const tokens = Uint32Array.from(prompt.tokens);
      return { text: tokenizer.decode(tokens), tokens, stops: [] };
    }
  }
}

type Chat = GenerateParams["prompt"] & { readonly kind: "chat" };

function chat({ messages, tools }: Chat, options: PrepareOptions): Prompt {
  try {
    const { text, ids, stops } = chatPrompt(options.model, {
      messages: messages.map(templateMessage),
      tools: tools.map(templateTool),
      nowMs: options.clock.nowMs(),
    });
    return { text, tokens: ids, stops };
  } catch (thrown) {
    if (!(thrown instanceof ModelError || thrown instanceof RangeError)) throw thrown;
    throw invalid("prompt", { message: thrown.message, cause: thrown });
  }
}

/** A message as templates know it; arguments are objects there. */
function templateMessage(message: Chat["messages"][number]): ChatMessage {
  const { role, content, name, toolCalls, toolCallId } = message;
  return {
    role,
    content,
    ...(name === undefined ? {} : { name }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolCalls === undefined ? {} : {
      tool_calls: toolCalls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: call.arguments },
      })),
    }),
  };
}

/** A tool as templates know it. */
function templateTool({ name, description, parameters }: Tool): unknown {
  const given = description === undefined ? { name } : { name, description };
  return {
    type: "function",
    function: { ...given, parameters: parameters ?? { type: "object", properties: {} } },
  };
}

function checkBias(bias: Readonly<Record<string, number>>, model: LoadedModel): void {
  const size = model.executor.shape.vocabularySize;
  for (const id of Object.keys(bias)) {
    if (Number(id) < size) continue;
    throw invalid("logitBias", {
      message: `Cannot bias token ${id} as the model's tokens are 0 to ${size - 1}`,
    });
  }
}

/** 53 random bits: what a JSON number holds and the sampler takes. */
function drawSeed(random: Random): number {
  const view = new DataView(random.fill(new Uint8Array(8)).buffer);
  return (view.getUint32(0) & 0x1f_ffff) * 2 ** 32 + view.getUint32(4);
}

function invalid(
  field: string,
  options: { readonly message: string; readonly code?: string; readonly cause?: unknown },
): RpcError {
  const { message, code, cause } = options;
  return new RpcError({
    kind: "invalidParams",
    message,
    data: code === undefined ? { field } : { field, code },
    cause,
  });
}
