/**
 * What a command may touch: its arguments, the environment, the terminal, signals and the ports. The
 * real one is made by src/main.ts from the platform; tests hand in their own.
 */
import type { Environment } from "../node/mod.ts";
import type { Command, DetachedProgram } from "../platform/mod.ts";
import type { Clock, Disk, Network, Random } from "../ports/mod.ts";

/** Standard output or standard error. */
export interface CliOutput {
  /** Writes text as it is; a reader that has gone away is not an error. */
  write(text: string): void;
  /** Whether a person is looking at it. */
  readonly isTerminal: boolean;
  /** Width in characters, at this moment; 80 when it is not known. */
  readonly columns: number;
  /** Height in lines, at this moment; 24 when it is not known. */
  readonly rows: number;
}

/** Standard input. */
export interface CliInput {
  readonly isTerminal: boolean;
  /** Starts reading; ends at the end of the input. Call it once. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** Signals that commands listen for. */
export type CliSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The outside of one command line. */
export interface CliIo {
  /** Arguments behind the program's name. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly stdout: CliOutput;
  readonly stderr: CliOutput;
  readonly stdin: CliInput;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  /** Whether `disk` is the machine's own, so that SQLite sees the same files. */
  readonly diskIsReal: boolean;
  readonly network: Network;
  /** Memory that programs may still take, in bytes; undefined where that may not be known. */
  availableMemory(): number | undefined;
  /** The working directory, absolute. */
  workingDirectory(): string;
  /** Calls `listener` for each such signal until the returned function is called. */
  onSignal(signal: CliSignal, listener: () => void): () => void;
  /** The command with which a service manager starts this very program with these arguments. */
  serviceCommand(args: readonly string[]): Command;
  /** Starts this very program in the background with these arguments. */
  startDetached(args: readonly string[]): Promise<DetachedProgram>;
  /** Whether it may start programs: Deno asks for a permission. */
  mayStartDetached(): Promise<boolean>;
}
