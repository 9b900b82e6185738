/** What a command is: a parser of its arguments and a function that does it. */
import type { Parser } from "@optique/core/parser";
import type { CliIo } from "./cli_io.ts";

/** A parsed command: call it with the outside to get the exit code. */
export type Invocation = (io: CliIo) => Promise<number>;

/** A command as `or()` combines them. */
export type CommandParser = Parser<"sync", Invocation, unknown>;
