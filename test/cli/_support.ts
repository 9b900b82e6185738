/** A command line inside the test's process: real ports, captured output, no signals. */
import { runCli } from "../../src/cli/mod.ts";
import type { CliIo } from "../../src/cli/mod.ts";
import type { Network } from "../../src/ports/mod.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../../src/ports/mod.ts";

/** What a command did. */
export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How to run it. */
export interface CliOptions {
  readonly environment?: Record<string, string>;
  /** Whether standard output and standard error are terminals. */
  readonly terminal?: boolean;
  /** The terminal's; may change while the command runs. @default 80 by 24 */
  readonly size?: { readonly columns: number; readonly rows: number };
  /** Lines that are typed, one by one, when `terminal`; otherwise the whole standard input. */
  readonly input?: string;
  /** Whether programs may be started; none is. @default true */
  readonly mayStartDetached?: boolean;
  /** How this very program is started. */
  readonly program?: { readonly program: string; readonly args: readonly string[] };
  /** What the machine has left. @default 1e12 */
  readonly availableBytes?: number | undefined;
  /** @default the real one */
  readonly network?: Network;
  /** Called when the command begins to listen for a signal; may send one. */
  readonly onListening?: (name: string, signal: (name: string) => void) => void;
  /** Called with everything written so far; may send a signal. */
  readonly onOutput?: (out: string, signal: (name: string) => void) => void;
}

const ownProgram = { program: "/opt/my skep/100%", args: ["run", "$x"] };

/** Runs `skep <args>`. */
export async function skep(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { environment = {}, terminal = false, input = "", onOutput } = options;
  const listeners = new Map<string, Set<() => void>>();
  let out = "";
  let err = "";
  function signal(name: string): void {
    for (const listener of [...listeners.get(name) ?? []]) listener();
  }
  const io: CliIo = {
    args,
    environment: (name) => environment[name],
    stdout: {
      write: (text): void => {
        out += text;
        onOutput?.(out, signal);
      },
      isTerminal: terminal,
      get columns(): number {
        return options.size?.columns ?? 80;
      },
      get rows(): number {
        return options.size?.rows ?? 24;
      },
    },
    stderr: { write: (text) => void (err += text), isTerminal: terminal, columns: 80, rows: 24 },
    stdin: {
      isTerminal: terminal,
      async *chunks(): AsyncGenerator<Uint8Array> {
        if (input !== "") yield new TextEncoder().encode(input);
      },
    },
    clock: realClock(),
    random: realRandom(),
    disk: realDisk(),
    diskIsReal: true,
    network: options.network ?? realNetwork(),
    availableMemory: () => "availableBytes" in options ? options.availableBytes : 1e12,
    workingDirectory: () => "/",
    onSignal: (name, listener) => {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      options.onListening?.(name, signal);
      return () => void set.delete(listener);
    },
    serviceCommand: (more) => {
      const { program, args } = options.program ?? ownProgram;
      return { program, args: [...args, ...more] };
    },
    startDetached: () => Promise.reject(new TypeError("Cannot start a program in this test")),
    mayStartDetached: () => Promise.resolve(options.mayStartDetached ?? true),
  };
  return { code: await runCli(io), out, err };
}
