/**
 * A client of the node's own chat API: one connection a request, the answer as a stream of pieces.
 * It reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) as
 * this API writes them; it is not a general event source.
 */
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Network } from "../ports/mod.ts";
import { isRecord } from "./_records.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What the API refused, with its own sentence. */
export class ApiRefusal extends CliError {
  /** The API's code, such as "context_length_exceeded"; `undefined` when it gave none. */
  readonly code: string | undefined;

  /** @param refusal the API's sentence and code */
  constructor(refusal: { readonly message: string; readonly code: string | undefined }) {
    super({ exitCode: exitCodes.failure, message: refusal.message });
    this.code = refusal.code;
  }
}

/** One question. */
export interface ChatRequest {
  readonly network: Network;
  /** The API's base address, "http://host:port". */
  readonly baseUrl: string;
  /** The body of POST /v1/chat/completions, without `stream`. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Cuts the connection, which frees the slot. */
  readonly signal: AbortSignal;
}

/** A piece of the answer. */
export interface ChatPiece {
  readonly text: string;
  readonly finishReason: string | undefined;
  readonly usage: unknown;
  /** Which model, numeric class and file answered. */
  readonly fingerprint: string | undefined;
  /** What the answer was drawn with. */
  readonly seed: number | undefined;
}

/** Longest event that is read, 1 MiB. */
const EVENT_BYTES_MAX = 2 ** 20;

/**
 * Asks and yields the answer as it comes.
 *
 * @throws {ApiRefusal} when it refuses
 * @throws {CliError} for an answer that is none
 * @throws the signal's reason when it aborts
 */
export async function* streamChat(chat: ChatRequest): AsyncGenerator<ChatPiece> {
  const url = new URL("/v1/chat/completions", chat.baseUrl);
  const stream = await dialHttp(chat.network, url, chat.signal);
  const hangUp = (): void => void stream.destroy();
  chat.signal.addEventListener("abort", hangUp, { once: true });
  try {
    const options = { stream: true, stream_options: { include_usage: true } };
    const response = await post(stream, { url, body: { ...chat.body, ...options } });
    if (response.statusCode !== 200) throw await refusal(response);
    const seed = seedOf(response);
    for await (const data of events(response)) {
      if (data === "[DONE]") return;
      yield { ...pieceOf(data), seed };
    }
  } catch (thrown) {
    throw chat.signal.aborted ? chat.signal.reason : thrown;
  } finally {
    chat.signal.removeEventListener("abort", hangUp);
    stream.destroy();
  }
}

/** The model that an API serves. */
export interface ServedModel {
  readonly id: string;
  /** Whether it gives embeddings, and no text. */
  readonly embeds: boolean;
}

function servedModel(entry: unknown): readonly ServedModel[] {
  const { id, capabilities } = isRecord(entry) ? entry : {};
  const embeds = Array.isArray(capabilities) && capabilities.includes("embeddings");
  return typeof id === "string" ? [{ id, embeds }] : [];
}

/** The node's own model, the first that the API serves. @throws as `modelsOf` does */
export async function modelOf(at: ApiPlace): Promise<ServedModel> {
  const [first] = await modelsOf(at);
  if (first !== undefined) return first;
  throw new CliError({ exitCode: exitCodes.failure, message: "The node serves no model" });
}

/** Where an API is. */
export interface ApiPlace {
  readonly network: Network;
  readonly baseUrl: string;
  readonly signal: AbortSignal;
}

/**
 * The models that the API serves: the node's own, and those of its mesh.
 *
 * @throws {CliError} for an answer that is none
 * @throws the signal's reason when it aborts
 */
export async function modelsOf(at: ApiPlace): Promise<readonly ServedModel[]> {
  const url = new URL("/v1/models", at.baseUrl);
  const stream = await dialHttp(at.network, url, at.signal);
  const hangUp = (): void => void stream.destroy();
  at.signal.addEventListener("abort", hangUp, { once: true });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({ ...requestOptions(stream, url), method: "GET" }, resolve);
      sent.on("error", reject);
      sent.end();
    });
    const answer: unknown = JSON.parse(await wholeText(response));
    const models: unknown = isRecord(answer) ? answer["data"] : undefined;
    return Array.isArray(models) ? models.flatMap(servedModel) : [];
  } catch (thrown) {
    throw at.signal.aborted ? at.signal.reason : thrown;
  } finally {
    at.signal.removeEventListener("abort", hangUp);
    stream.destroy();
  }
}

async function dialHttp(network: Network, url: URL, signal: AbortSignal): Promise<Duplex> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return await network.dial({ kind: "tcp", host, port: Number(url.port || "80") }, signal);
}

function post(
  stream: Duplex,
  message: { readonly url: URL; readonly body: unknown },
): Promise<IncomingMessage> {
  const bytes = new TextEncoder().encode(JSON.stringify(message.body));
  const options = requestOptions(stream, message.url);
  return new Promise((resolve, reject) => {
    const headers = {
      ...options.headers,
      "content-type": "application/json",
      "content-length": bytes.length,
    };
    const sent = request({ ...options, method: "POST", headers }, resolve);
    sent.on("error", reject);
    sent.end(bytes);
  });
}

function requestOptions(stream: Duplex, url: URL): {
  createConnection: () => Duplex;
  path: string;
  headers: Record<string, string>;
} {
  return {
    createConnection: () => stream,
    path: url.pathname,
    headers: { host: url.host, connection: "close" },
  };
}

/** The `data` of each event. */
async function* events(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let buffered = "";
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    buffered += decoder.decode(chunk, { stream: true });
    for (let end = buffered.indexOf("\n\n"); end >= 0; end = buffered.indexOf("\n\n")) {
      const data = dataOf(buffered.slice(0, end));
      buffered = buffered.slice(end + 2);
      if (data !== undefined) yield data;
    }
    if (buffered.length > EVENT_BYTES_MAX) throw brokenAnswer("an event is too long");
  }
  throw brokenAnswer("it ended before the answer was complete");
}

function dataOf(event: string): string | undefined {
  const lines = event.split("\n").filter((line) => line.startsWith("data:"));
  if (lines.length === 0) return undefined;
  return lines.map((line) => line.slice("data:".length).replace(/^ /, "")).join("\n");
}

function seedOf(response: IncomingMessage): number | undefined {
  const seed = Number(response.headers["x-skep-seed"] ?? NaN);
  return Number.isSafeInteger(seed) ? seed : undefined;
}

function pieceOf(data: string): Omit<ChatPiece, "seed"> {
  const event: unknown = JSON.parse(data);
  if (!isRecord(event)) throw brokenAnswer("an event is not an object");
  if (isRecord(event["error"])) throw errorOf(event);
  const choices: unknown = event["choices"];
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const delta: unknown = isRecord(choice) ? choice["delta"] : undefined;
  const content = isRecord(delta) ? delta["content"] : undefined;
  const finish = isRecord(choice) ? choice["finish_reason"] : undefined;
  const fingerprint = event["system_fingerprint"];
  return {
    text: typeof content === "string" ? content : "",
    finishReason: typeof finish === "string" ? finish : undefined,
    usage: event["usage"] ?? undefined,
    fingerprint: typeof fingerprint === "string" ? fingerprint : undefined,
  };
}

async function refusal(response: IncomingMessage): Promise<CliError> {
  const body = await wholeText(response);
  try {
    return errorOf(JSON.parse(body));
  } catch {
    return brokenAnswer(`status ${response.statusCode} ${body.slice(0, 200)}`);
  }
}

function errorOf(body: unknown): ApiRefusal {
  const error: unknown = isRecord(body) ? body["error"] : undefined;
  const sentence = isRecord(error) ? error["message"] : undefined;
  const message = typeof sentence === "string" ? sentence : "The node answered with an error";
  const code = isRecord(error) ? error["code"] : undefined;
  return new ApiRefusal({ message, code: typeof code === "string" ? code : undefined });
}

function brokenAnswer(detail: string): CliError {
  const message = `Cannot read the node's answer as ${detail}`;
  return new CliError({ exitCode: exitCodes.failure, message });
}

async function wholeText(response: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > EVENT_BYTES_MAX) throw brokenAnswer("it is too long");
  }
  return text;
}
