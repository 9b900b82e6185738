/** Standard input by lines, each of bounded length. */
import { stdinBytes } from "./standard_streams.ts";

/** Characters of a line when nothing else is said. */
const LINE_CHARS_MAX = 1_048_576;

/**
 * Lines of standard input, without their "\n" or "\r\n"; a last one may have none.
 *
 * @param options `charsMax`: a longer line is a RangeError
 * @throws {RangeError} when a line is longer than `charsMax`
 */
export async function* stdinLines(
  options: { readonly charsMax?: number } = {},
): AsyncGenerator<string, void, undefined> {
  yield* splitLines(stdinBytes(), { charsMax: options.charsMax ?? LINE_CHARS_MAX });
}

/** Splits UTF-8 chunks into lines: see `stdinLines`. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly charsMax: number },
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield checked(part, options.charsMax).replace(/\r$/, "");
    checked(rest, options.charsMax);
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

function checked(line: string, charsMax: number): string {
  if (line.length <= charsMax) return line;
  throw new RangeError(
    `Cannot read a line as it must hold at most ${charsMax} characters: current value is ${line.length}`,
  );
}
