/** The exit codes of every command; docs/CONFIG.md lists them. */

/** Exit codes by meaning. */
export const exitCodes = {
  /** Done. */
  ok: 0,
  /** It failed: bad configuration, unreadable file, broken journal ... one sentence says what. */
  failure: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** No node runs where one is needed, or one runs already where none may. */
  state: 3,
  /** The node stopped by itself because a critical service failed for good. */
  crashed: 4,
  /** What was to be checked can't be judged: it is neither shown to be right nor to be wrong. */
  unjudged: 5,
  /** Ended by Ctrl-C before it was done (128 + SIGINT). */
  interrupted: 130,
} as const;

/** What the help says of them. */
export const exitCodeWords = "Exit codes: 0 done; 1 failed; 2 the command line is wrong; " +
  "3 no node runs where one is needed, or one runs already; 4 the node stopped by itself; " +
  "5 what was to be checked can't be judged; 130 ended by Ctrl-C.";

/** A command's end that is not a success: a sentence for people and a code for scripts. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** One of `exitCodes`. */
  readonly exitCode: number;

  /** @param options `message` is one sentence for the person at the terminal */
  constructor(options: { readonly exitCode: number; readonly message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.exitCode = options.exitCode;
  }
}

/** How the line begins that says why a command failed. */
export const errorPrefix = "Error: ";

/** What is said of anything thrown. */
export function sentenceOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
