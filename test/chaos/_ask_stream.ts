/** Streams an answer of a node's API, and notes when each piece of it came. */
import assert from "node:assert/strict";

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
 * Asks for a completion.
 *
 * @throws {AssertionError} when it is refused, or says an error, or ends without saying why
 * @throws {TypeError} when the node does not accept the connection, as `fetch` does
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
  const response = await fetch(`${baseUrl}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      prompt: ask.prompt,
      seed: ask.seed,
      temperature: ask.temperature,
      max_tokens: ask.maxTokens,
      stream: true,
    }),
  });
  const why = response.ok ? "" : await response.text();
  assert.equal(response.status, 200, `${response.status} ${why}`);
  const atMs: number[] = [];
  let [text, finish] = ["", undefined as string | undefined];
  for await (const line of linesOf(response.body)) {
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

async function* linesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
