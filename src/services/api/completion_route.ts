/**
 * `POST /v1/chat/completions` and `POST /v1/completions`: one way through, two shapes.
 *
 * body -> fields -> the inference service's stream -> a whole answer, or events
 */
import type { HttpBindings } from "@hono/node-server";
import { encodeHex } from "../../hot/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { ToolFormat, Usage } from "../inference/mod.ts";
import { ApiError } from "./api_error.ts";
import { chatShape, chunk, completionShape } from "./answers.ts";
import type { AnswerHead, AnswerShape } from "./answers.ts";
import { ChoiceReader } from "./choice_reader.ts";
import { openChoices } from "./choices.ts";
import type { Choices } from "./choices.ts";
import type { ApiConfig } from "./config.ts";
import { readJson } from "./read_json.ts";
import { GatheredAnswer, sumUsage } from "./gathered_answer.ts";
import { DONE_EVENT, encodeEvent, eventStream } from "./sse.ts";
import { AnswerTiming } from "./timing.ts";
import { chatParam, completionParam, translateChat, translateCompletion } from "./translate.ts";
import type { Translated } from "./translate.ts";

/** One of the two endpoints. */
export interface Endpoint {
  readonly idPrefix: string;
  readonly shape: AnswerShape;
  /** @throws {ApiError} 400 */
  readonly translate: (body: unknown) => Translated;
  /** The request field for a parameter of the inference service. */
  readonly paramOf: (field: string) => string;
}

/** `POST /v1/chat/completions`. */
export const chatEndpoint: Endpoint = {
  idPrefix: "chatcmpl-",
  shape: chatShape,
  translate: translateChat,
  paramOf: chatParam,
};

/** `POST /v1/completions`. */
export const completionEndpoint: Endpoint = {
  idPrefix: "cmpl-",
  shape: completionShape,
  translate: translateCompletion,
  paramOf: completionParam,
};

/** What answering needs. */
export interface AnswerOptions {
  readonly endpoint: Endpoint;
  readonly host: Host;
  readonly config: ApiConfig;
}

/** A request on its way to its answer. */
interface Running extends Pick<Choices, "items" | "end"> {
  readonly head: AnswerHead;
  readonly seed: number;
  /** The id of its receipt, where it gets one. */
  readonly receipt: string | undefined;
  /** The form of tool calls, where there may be any. */
  readonly toolFormat: ToolFormat | undefined;
  /** Makes the id of a tool call. */
  readonly newCallId: () => string;
  readonly translated: Translated;
  /** What the prompt says, when the answer repeats it; else "". */
  readonly echo: string;
  readonly timing: AnswerTiming;
}

/**
 * Answers one request; the client's going away ends its generation at once.
 *
 * @throws {ApiError} before anything was sent
 */
export async function answerCompletion(
  env: HttpBindings,
  options: AnswerOptions,
): Promise<Response> {
  const { clock } = options.host;
  const timing = new AnswerTiming(clock, clock.monotonicMs());
  try {
    const body = await readJson(env.incoming, { bytesMax: options.config.bodyBytesMax });
    const started = await start(options.endpoint.translate(body), env, options);
    const running = { ...started, timing };
    const headers = {
      "x-request-id": running.head.id,
      "x-skep-seed": String(running.seed),
      ...running.receipt === undefined ? {} : { "skep-receipt": running.receipt },
    };
    if (!running.translated.stream) {
      const answer = await whole(running, options.endpoint.shape);
      return Response.json(answer, { headers: { ...headers, ...timing.headers() } });
    }
    // Tells the adapter to send what there is; HTTP/1.0 has no chunks.
    const framing: Record<string, string> = env.incoming.httpVersion === "1.0"
      ? {}
      : { "transfer-encoding": "chunked" };
    return streamed(running, { ...options, headers: { ...headers, ...framing } });
  } catch (thrown) {
    throw ApiError.from(thrown, options.endpoint.paramOf);
  }
}

/** Up to the acceptance of the request, which is before its turn has come. */
async function start(
  translated: Translated,
  env: HttpBindings,
  options: AnswerOptions,
): Promise<Omit<Running, "timing">> {
  const { host, endpoint } = options;
  const id = endpoint.idPrefix + encodeHex(host.random.fill(new Uint8Array(12)));
  const params = { ...translated.params, requestId: id };
  const opened = await openChoices({ host, params, count: translated.choiceCount }, (end) => {
    env.outgoing.once("close", end);
    if (env.outgoing.destroyed) end();
  });
  const { model, fingerprint, seed, receipt, toolFormat } = opened.start;
  const newCallId = (): string => callId(host.random.fill(new Uint8Array(9)));
  const createdSeconds = Math.floor(host.clock.nowMs() / 1000);
  const { namesTier } = translated;
  const head = { id, createdSeconds, model, fingerprint, namesTier };
  const echo = await echoOf(translated, host);
  return { ...opened, head, seed, receipt, toolFormat, newCallId, translated, echo };
}

async function echoOf(translated: Translated, host: Host): Promise<string> {
  const { echo } = translated;
  if (echo === undefined) return "";
  if (echo.kind === "text") return echo.text;
  const answer = await host.call("inference", "detokenize", { tokens: echo.tokens });
  return (answer as { readonly text: string }).text;
}

async function whole(running: Running, shape: AnswerShape): Promise<unknown> {
  const { head, items, translated } = running;
  const answer = new GatheredAnswer({ ...running, count: translated.choiceCount });
  // To the streams' own ends, so that their slots are free before the client knows.
  for (let next = await items.next(); next.done !== true; next = await items.next()) {
    running.timing.note(next.value);
    answer.add(next.value);
  }
  return shape.whole(head, answer.finish());
}

function streamed(
  running: Running,
  options: AnswerOptions & { readonly headers: Readonly<Record<string, string>> },
): Response {
  const { host, config, headers } = options;
  const body = eventStream(events(running, options), {
    clock: host.clock,
    keepAliveMs: config.keepAliveMs,
    onCancel: running.end,
  });
  return new Response(body, {
    headers: {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      // Tells reverse proxies not to gather.
      "x-accel-buffering": "no",
    },
  });
}

async function* events(running: Running, options: AnswerOptions): AsyncGenerator<string> {
  const { shape } = options.endpoint;
  const { includeUsage } = running.translated;
  const usage = includeUsage ? null : undefined;
  const encode = (choices: readonly unknown[]): string =>
    encodeEvent(chunk(running.head, { shape, choices, usage }));
  const readers: ChoiceReader[] = [];
  for (let index = 0; index < running.translated.choiceCount; index++) {
    readers.push(new ChoiceReader(running.toolFormat, running.newCallId));
    const opening = shape.opening(index);
    if (opening !== undefined) yield encode([opening]);
    const part = { kind: "text", text: running.echo } as const;
    if (running.echo !== "") yield encode([shape.part(index, { part })]);
  }
  const usages: Usage[] = [];
  try {
    for (;;) {
      const { done, value } = await running.items.next();
      if (done === true) break;
      running.timing.note(value);
      const { index, item } = value;
      const reader = readers[index];
      if (reader === undefined || item.type === "start") continue;
      const ended = item.type === "end" ? reader.end(item) : undefined;
      const parts = item.type === "text" ? reader.read(item) : ended?.parts ?? [];
      for (const part of parts) yield encode([shape.part(index, part)]);
      if (item.type !== "end" || ended === undefined) continue;
      usages.push(item.usage);
      yield encode([shape.ending(index, ended.finishReason)]);
    }
  } catch (thrown) {
    // The status has been sent; OpenAI's clients throw at an event with an error.
    yield encodeEvent(ApiError.from(thrown, options.endpoint.paramOf).body);
    return;
  } finally {
    running.end();
  }
  if (usages.length < running.translated.choiceCount) return;
  if (includeUsage) {
    yield encodeEvent(chunk(running.head, { shape, choices: [], usage: sumUsage(usages) }));
  }
  // Before the event that ends it: clients read no further.
  yield running.timing.comment();
  yield DONE_EVENT;
}

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Nine letters and digits, which is all that Mistral's templates take back. */
function callId(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => idLetters[byte % idLetters.length]).join("");
}
