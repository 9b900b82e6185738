/** `skep call SERVICE METHOD [JSON]`: calls a method of a running service, in frames. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { argument, command } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { discover, openService, socketsOf } from "./_service_sockets.ts";
import { safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** What `skep call` is asked for. */
export interface CallOptions extends PlaceOptions {
  readonly service: string;
  readonly method: string;
  /** JSON of an object or an array. */
  readonly params: string | undefined;
  /** Prints the answer on one line. */
  readonly json: boolean;
}

/** The parser of `skep call`. */
export const callCommand: CommandParser = command(
  "call",
  map(
    merge(
      object("Call", {
        service: argument(string({ metavar: "SERVICE" }), {
          description: message`The service; "skep service list" names them.`,
        }),
        method: argument(string({ metavar: "METHOD" }), {
          description: message`The method; "skep service info SERVICE" names them.`,
        }),
        params: optional(argument(string({ metavar: "JSON" }), {
          description: message`The parameters: an object, or an array in their order.`,
        })),
        json: jsonOption,
      }),
      placeOptions,
    ),
    (options) => (io: CliIo) => call(io, options),
  ),
  {
    brief: message`Call a method of a running service.`,
    description:
      message`Call a method and print its answer as JSON; a stream prints one line of JSON for each item. The exit code is 1 when the service answers with an error.`,
    footer: examples(
      "skep call control node.status",
      `skep call journal journal.tail '{"count":3}'`,
      `skep call inference tokenize '[null,"Once upon a time"]' --json`,
    ),
  },
);

/** Calls, and prints. @throws {RemoteCallError} the service's own error */
export async function call(io: CliIo, options: CallOptions): Promise<number> {
  const { service: name, method, json } = options;
  const params = paramsOf(options.params);
  const sockets = await socketsOf(io, options);
  const connection = await openService(io, { sockets, name });
  const stopping = new AbortController();
  const off = io.onSignal("SIGINT", () => stopping.abort());
  const print = (value: unknown, indent: number): void => {
    const text = JSON.stringify(value, undefined, indent);
    io.stdout.write(`${io.stdout.isTerminal ? safeText(text) : text}\n`);
  };
  try {
    const { methods } = await discover(io, connection);
    const described = methods.find((one) => one.name === method);
    if (described === undefined && !method.startsWith("rpc.")) {
      throw new CliError({
        exitCode: exitCodes.failure,
        message: `Cannot call "${method}" as service "${name}" has no such method: ` +
          `"skep service info ${name}" lists them`,
      });
    }
    if (described?.["x-stream"] !== true) {
      print(await connection.call(method, params, stopping.signal), json ? 0 : 2);
      return exitCodes.ok;
    }
    for await (const item of connection.stream(method, params, stopping.signal)) print(item, 0);
    return exitCodes.ok;
  } catch (thrown) {
    if (stopping.signal.aborted) return exitCodes.interrupted;
    throw thrown;
  } finally {
    off();
    connection.close();
  }
}

/** @throws {CliError} exit code 2 when the text is no JSON of an object or an array */
function paramsOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null) return value;
  throw new CliError({
    exitCode: exitCodes.usage,
    message: `The parameters must be the JSON of an object or an array: current value is ${
      JSON.stringify(text.slice(0, 80))
    }`,
  });
}
