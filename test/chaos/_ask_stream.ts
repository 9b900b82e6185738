/** Streams an answer of a node's API, and notes when each piece of it came. */
import assert from "node:assert/strict";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";

/** A request. */
export interface Ask {
  readonly prompt: string;
  readonly seed: number;
  readonly temperature: number;
  readonly maxTokens: number;
}

/** What was streamed. */
export interface Streamed {
  readonly text: string;
  /** When it was asked, ms. */
  readonly askedMs: number;
  /** When each piece came, ms. */
  readonly atMs: readonly number[];
  readonly finish: string | undefined;
}

/**
 * Asks for a completion, on a connection of its own.
 *
 * @throws {AssertionError} when it is refused, or says an error, or ends without saying why
 * @throws {Error} with the `code` of the system when the connection is refused or breaks
 */
export async function streamAnswer(
  baseUrl: string,
  { model, ask, onPiece }: {
    readonly model: string;
    readonly ask: Ask;
    readonly onPiece?: ((count: number) => void) | undefined;
  },
): Promise<Streamed> {
  const askedMs = performance.now();
  const body = JSON.stringify({
    model,
    prompt: ask.prompt,
    seed: ask.seed,
    temperature: ask.temperature,
    max_tokens: ask.maxTokens,
    stream: true,
  });
  const response = await post(`${baseUrl}/v1/completions`, body);
  const lines = linesOf(response);
  if (response.statusCode !== 200) {
    assert.fail(`${response.statusCode} ${(await Array.fromAsync(lines)).join("\n")}`);
  }
  const atMs: number[] = [];
  let [text, finish] = ["", undefined as string | undefined];
  for await (const line of lines) {
    if (!line.startsWith("data: {")) continue;
    const item = JSON.parse(line.slice(6));
    assert.equal(item.error, undefined, line);
    const [choice] = item.choices;
    if (choice === undefined) continue;
    finish = choice.finish_reason ?? finish;
    if (choice.text === "") continue;
    text += choice.text;
    atMs.push(performance.now());
    onPiece?.(atMs.length);
  }
  assert.notEqual(
    finish,
    undefined,
    `The answer ended without a reason after ${atMs.length} pieces`,
  );
  return { text, askedMs, atMs, finish };
}

function post(url: string, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    request(url, { method: "POST", agent: false, headers }, resolve)
      .on("error", reject)
      .end(body);
  });
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
