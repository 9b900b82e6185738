/**
 * The command line: argv to command, command to exit code. It touches the world only through `CliIo`.
 *
 * @module
 */
export { runCli } from "./run_cli.ts";
export { realCliIo } from "./real_io.ts";
export type { CliInput, CliIo, CliOutput, CliSignal } from "./cli_io.ts";
export { exitCodes } from "./exit_code.ts";
