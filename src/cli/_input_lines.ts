/** Text from standard input, whole or line by line, never more than a bound. */
import type { CliInput } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** More than any prompt: 8 MiB. */
const INPUT_BYTES_MAX = 8 * 2 ** 20;

/** All of standard input as UTF-8. @throws {CliError} beyond 8 MiB */
export async function readAll(input: CliInput): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of input.chunks()) {
    bytes += chunk.length;
    if (bytes > INPUT_BYTES_MAX) throw tooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Its lines without their ends, as they come. @throws {CliError} for a line beyond 8 MiB */
export async function* readLines(input: CliInput): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input.chunks()) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end).replace(/\r$/, "");
      rest = rest.slice(end + 1);
    }
    if (rest.length > INPUT_BYTES_MAX) throw tooLong();
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

function tooLong(): CliError {
  return new CliError({
    exitCode: exitCodes.failure,
    message: `Cannot read standard input as it must have at most ${INPUT_BYTES_MAX} bytes`,
  });
}
