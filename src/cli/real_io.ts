/** The real outside of a command line: this process's streams and signals, and the real ports. */
import { processEnvironment } from "../node/mod.ts";
import * as platform from "../platform/mod.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../ports/mod.ts";
import type { CliIo } from "./cli_io.ts";

/** The size where there is no terminal to ask. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Made once, by src/main.ts. */
export function realCliIo(): CliIo {
  return {
    args: platform.args(),
    environment: processEnvironment,
    stdout: {
      write: (text) => void platform.writeOut(text),
      isTerminal: platform.isTerminal("stdout"),
      get columns(): number {
        return platform.terminalSize().columns ?? COLUMNS_DEFAULT;
      },
      get rows(): number {
        return platform.terminalSize().rows ?? ROWS_DEFAULT;
      },
    },
    stderr: {
      write: (text) => void platform.writeError(text),
      isTerminal: platform.isTerminal("stderr"),
      get columns(): number {
        return platform.terminalSize().columns ?? COLUMNS_DEFAULT;
      },
      get rows(): number {
        return platform.terminalSize().rows ?? ROWS_DEFAULT;
      },
    },
    stdin: { isTerminal: platform.isTerminal("stdin"), chunks: () => platform.stdinBytes() },
    clock: realClock(),
    random: realRandom(),
    disk: realDisk(),
    diskIsReal: true,
    network: realNetwork(),
    availableMemory: () => platform.availableMemory(),
    workingDirectory: () => platform.cwd(),
    onSignal: (signal, listener) => platform.onSignal(signal, listener),
    serviceCommand: (args) => platform.serviceCommand(args),
    startDetached: (args) => platform.spawnDetached(platform.selfCommand(args)),
    mayStartDetached: () => platform.mayRun(platform.executablePath()),
  };
}
