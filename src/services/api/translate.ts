/**
 * From a checked OpenAI body to the inference service's parameters.
 */
import type { GenerateParams } from "../inference/mod.ts";
import { ApiError } from "./api_error.ts";
import { chatFields } from "./chat_fields.ts";
import { completionFields } from "./completion_fields.ts";
import type { Prompt } from "./completion_fields.ts";
import { readFields, shown } from "./fields.ts";
import type { Values } from "./fields.ts";
import { samplingFields } from "./sampling_fields.ts";

/** A request to generate, and how its answer is wanted. */
export interface Translated {
  readonly params: Omit<GenerateParams, "requestId">;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly namesTier: boolean;
  /** How many answers are wanted. */
  readonly choiceCount: number;
  /** The prompt that the answer repeats first, if it was asked for. */
  readonly echo: Prompt | undefined;
}

/** OpenAI's documented default of completions; chats have none. */
const completionTokensDefault = 16;

/**
 * Reads a chat request.
 *
 * @throws {ApiError} 400 naming the field
 */
export function translateChat(body: unknown): Translated {
  const values = readFields(chatFields, body);
  const { max_tokens: older, max_completion_tokens: newer } = values;
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw new ApiError({
      status: 400,
      code: "invalid_value",
      param: "max_tokens",
      message: "Cannot use 'max_tokens' as it must agree with 'max_completion_tokens': " +
        `current values are ${older} and ${newer}`,
    });
  }
  return {
    ...delivery(values),
    namesTier: values.service_tier !== undefined,
    choiceCount: values.n ?? 1,
    echo: undefined,
    params: {
      ...common(values),
      prompt: {
        kind: "chat",
        messages: values.messages ?? [],
        tools: values.tool_choice === "none" ? [] : values.tools ?? [],
      },
      ...optional("toolCalls", toolCallsOf(values, body)),
      ...optional("format", chatFormatOf(values)),
      ...optional("topLogprobs", chatTopLogprobs(values)),
      ...optional("maxTokens", newer ?? older),
    },
  };
}

/**
 * Reads a completion request.
 *
 * @throws {ApiError} 400 naming the field
 */
export function translateCompletion(body: unknown): Translated {
  // A null prompt is documented as "from the beginning of a new document".
  const values = readFields(completionFields, withNullPrompt(body));
  if (values.logprobs !== undefined && values.echo === true) {
    throw refused(values.logprobs, {
      param: "logprobs",
      rule: "log-probabilities of a prompt are not computed by this release: send no 'echo'",
    });
  }
  const prompt = values.prompt ?? { kind: "text", text: "" };
  return {
    ...delivery(values),
    namesTier: false,
    choiceCount: values.n ?? 1,
    echo: values.echo === true ? prompt : undefined,
    params: {
      ...common(values),
      prompt,
      ...optional("topLogprobs", values.logprobs),
      ...optional("format", grammarOf(values)),
      maxTokens: values.max_tokens ?? completionTokensDefault,
    },
  };
}

/** The request field for a parameter of the inference service. */
export function chatParam(field: string): string {
  const names: Readonly<Record<string, string>> = {
    prompt: "messages",
    format: "response_format",
    toolCalls: "tool_choice",
  };
  return names[field] ?? completionParam(field);
}

/** The request field for a parameter of the inference service. */
export function completionParam(field: string): string {
  if (field === "logitBias") return "logit_bias";
  if (field === "format") return "grammar";
  return field === "maxTokens" ? "max_tokens" : field;
}

function grammarOf({ grammar }: Sampling): GenerateParams["format"] {
  return grammar === undefined ? undefined : { kind: "grammar", grammar };
}

function chatFormatOf(values: ChatValues): GenerateParams["format"] {
  const { response_format: format, grammar } = values;
  if (format !== undefined && grammar !== undefined) {
    throw refused(grammar, {
      param: "grammar",
      rule: "the answer can be held to one thing: leave out 'grammar' or 'response_format'",
    });
  }
  return format ?? grammarOf(values);
}

function toolCallsOf(values: ChatValues, body: unknown): GenerateParams["toolCalls"] {
  const { tools = [], tool_choice: choice = "auto", parallel_tool_calls: parallel = true } = values;
  if (tools.length > 0 && choice !== "none") {
    const param = values.response_format === undefined ? "grammar" : "response_format";
    if (chatFormatOf(values) !== undefined) {
      throw refused((body as Readonly<Record<string, unknown>>)[param], {
        param,
        rule: "an answer that may call tools is held to their form: leave it out",
      });
    }
    if (typeof choice === "string") return { choice, parallel };
    const { name } = choice;
    if (tools.some((tool) => tool.name === name)) {
      return { choice: "required", name, parallel: false };
    }
    throw refused(name, { param: "tool_choice", rule: "it must be the name of one of the tools" });
  }
  if (choice === "none" || choice === "auto") return undefined;
  throw refused(choice, { param: "tool_choice", rule: "it needs 'tools'" });
}

/** How many likeliest tokens to list, or undefined when none are to be listed at all. */
function chatTopLogprobs(values: ChatValues): number | undefined {
  if (values.logprobs === true) return values.top_logprobs ?? 0;
  if ((values.top_logprobs ?? 0) === 0) return undefined;
  throw refused(values.top_logprobs, {
    param: "top_logprobs",
    rule: "it needs 'logprobs' to be true",
  });
}

/** The refusal of a value that another field's value does not allow. */
function refused(
  value: unknown,
  { param, rule }: { readonly param: string; readonly rule: string },
): ApiError {
  return new ApiError({
    status: 400,
    code: "invalid_value",
    param,
    message: `Cannot use '${param}' as ${rule}: current value is ${shown(value)}`,
  });
}

type Sampling = Values<typeof samplingFields>;
type ChatValues = Values<typeof chatFields>;

function delivery(values: Sampling): Pick<Translated, "stream" | "includeUsage"> {
  return {
    stream: values.stream === true,
    includeUsage: values.stream_options?.includeUsage === true,
  };
}

function common(values: Sampling): Omit<GenerateParams, "requestId" | "prompt" | "maxTokens"> {
  return {
    model: values.model ?? "",
    stop: values.stop ?? [],
    ...optional("seed", values.seed),
    sampling: {
      temperature: values.temperature ?? 1,
      topP: values.top_p ?? 1,
      topK: values.top_k ?? 0,
      minP: values.min_p ?? 0,
      repeatPenalty: values.repeat_penalty ?? 1,
      frequencyPenalty: values.frequency_penalty ?? 0,
      presencePenalty: values.presence_penalty ?? 0,
      logitBias: values.logit_bias ?? {},
    },
  };
}

function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}

function withNullPrompt(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { prompt } = body as { readonly prompt?: unknown };
  return prompt === null ? { ...body, prompt: "" } : body;
}
