/** What `skep chat` does: finds who answers, asks, and goes on asking in a conversation. */
import { answererOf } from "./_answerer.ts";
import type { Answerer } from "./_answerer.ts";
import { ApiRefusal, streamChat } from "./_chat_client.ts";
import type { ChatMessage } from "./_chat_client.ts";
import { cutAnswerSentence } from "./_cut_answer.ts";
import { readAll, readLines } from "./_input_lines.ts";
import type { PlaceOptions } from "./_options.ts";
import { painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** What was asked for on the command line; names with "_" are fields of the API. */
export interface ChatOptions extends PlaceOptions {
  readonly prompt: string | undefined;
  readonly system: string | undefined;
  readonly model: string | undefined;
  readonly private: boolean;
  readonly json: boolean;
  readonly temperature: number | undefined;
  readonly top_p: number | undefined;
  readonly top_k: number | undefined;
  readonly min_p: number | undefined;
  readonly repeat_penalty: number | undefined;
  readonly seed: number | undefined;
  readonly max_tokens: number | undefined;
  readonly stop: readonly string[];
}

/** Runs the command. */
export async function chat(io: CliIo, options: ChatOptions): Promise<number> {
  const interactive = options.prompt === undefined && io.stdin.isTerminal;
  if (interactive && options.json) {
    throw new CliError({
      exitCode: exitCodes.usage,
      message: "Cannot print JSON for a conversation: give a prompt",
    });
  }
  const prompt = interactive ? "" : options.prompt ?? (await readAll(io.stdin)).replace(/\n$/, "");
  if (!interactive && prompt === "") {
    throw new CliError({
      exitCode: exitCodes.usage,
      message: "Cannot ask an empty question: give a prompt, or text on standard input",
    });
  }
  const end = new AbortController();
  const onEnd = (): void => end.abort(interrupt);
  const offs = (["SIGTERM", "SIGHUP"] as const).map((name) => io.onSignal(name, onEnd));
  try {
    const answerer = await findAnswerer(io, { options, end });
    try {
      const turn = { options, answerer, ending: end.signal };
      return interactive ? await converse(io, turn) : await askOnce(io, { ...turn, prompt });
    } finally {
      await answerer.stop();
    }
  } catch (thrown) {
    if (thrown === interrupt) return exitCodes.interrupted;
    throw thrown;
  } finally {
    for (const off of offs) off();
  }
}

/** Why something was called off by a signal. */
const interrupt = new DOMException("Interrupted", "AbortError");

/** Ctrl-C until it is found ends the command; a second one does so at once, as for any program. */
async function findAnswerer(
  io: CliIo,
  about: { readonly options: ChatOptions; readonly end: AbortController },
): Promise<Answerer> {
  const off = io.onSignal("SIGINT", () => {
    off();
    about.end.abort(interrupt);
  });
  try {
    return await answererOf(io, { options: about.options, signal: about.end.signal });
  } finally {
    off();
  }
}

interface Turn {
  readonly options: ChatOptions;
  readonly answerer: Answerer;
  /** Aborts when a signal ends the whole command. */
  readonly ending: AbortSignal;
}

async function askOnce(io: CliIo, turn: Turn & { readonly prompt: string }): Promise<number> {
  const history = opening(turn.options);
  history.push({ role: "user", content: turn.prompt });
  const answer = await ask(io, { ...turn, history, quiet: turn.options.json });
  if (turn.options.json) {
    const { interrupted: _, ...told } = answer;
    io.stdout.write(`${JSON.stringify({ model: turn.answerer.model, ...told })}\n`);
  }
  return answer.interrupted ? exitCodes.interrupted : exitCodes.ok;
}

/** What a conversation begins with, and /help says. */
const TALK_HELP = "An empty line, /exit or Ctrl-D ends the conversation; Ctrl-C stops an answer.";

function endsTalk(line: string): boolean {
  return ["", "/exit", "/quit"].includes(line.trim());
}

async function converse(io: CliIo, turn: Turn): Promise<number> {
  const paint = painterFor(io, io.stdout);
  const hint = `Talking to ${turn.answerer.model}. ${TALK_HELP}`;
  io.stdout.write(`${paint("dim", hint)}\n`);
  const history = opening(turn.options);
  const lines = readLines(io.stdin);
  const atPrompt = untilInterrupted(io, turn.ending);
  try {
    for (;;) {
      io.stdout.write(paint("bold", "> "));
      const line = await Promise.race([lines.next(), atPrompt.interrupted]);
      if (line === undefined || line.done === true || endsTalk(line.value)) break;
      if (line.value.trim() === "/help") {
        io.stdout.write(`${paint("dim", TALK_HELP)}\n`);
        continue;
      }
      history.push({ role: "user", content: line.value });
      atPrompt.pause();
      const answer = await askWhatFits(io, { ...turn, history });
      atPrompt.resume();
      history.push({ role: "assistant", content: answer.text });
    }
  } finally {
    atPrompt.pause();
  }
  io.stdout.write("\n");
  return exitCodes.ok;
}

/**
 * Asks with as much of the conversation as fits the model's context: the oldest turns are left out,
 * for good, the system message never. A last message that does not fit by itself is refused.
 *
 * @throws {ApiRefusal}
 */
async function askWhatFits(
  io: CliIo,
  turn: Turn & { readonly history: ChatMessage[] },
): Promise<Answer> {
  const { history } = turn;
  const kept = [...history];
  for (let leftOut = 0;; leftOut++) {
    try {
      const answer = await ask(io, { ...turn, history: kept, quiet: false });
      history.splice(0, history.length, ...kept);
      if (leftOut > 0) io.stderr.write(`${painterFor(io, io.stderr)("dim", notice(leftOut))}\n`);
      return answer;
    } catch (thrown) {
      const tooLong = thrown instanceof ApiRefusal && thrown.code === "context_length_exceeded";
      if (!tooLong || !dropOldestTurn(kept)) throw thrown;
    }
  }
}

/** Removes the oldest question with its answer; false when only the last question is left. */
function dropOldestTurn(history: ChatMessage[]): boolean {
  const first = history.findIndex(({ role }) => role === "user");
  const next = history.findIndex(({ role }, index) => role === "user" && index > first);
  if (next < 0) return false;
  history.splice(first, next - first);
  return true;
}

function notice(leftOut: number): string {
  const turns = leftOut === 1 ? "The oldest turn was" : `The ${leftOut} oldest turns were`;
  return `${turns} left out, as the conversation no longer fits the model's context`;
}

interface Answer {
  readonly text: string;
  readonly finishReason: string | undefined;
  readonly usage: unknown;
  readonly seed: number | undefined;
  readonly fingerprint: string | undefined;
  readonly interrupted: boolean;
}

/** One question and its answer, printed as it comes; Ctrl-C ends it early. */
async function ask(
  io: CliIo,
  turn: Turn & { readonly history: readonly ChatMessage[]; readonly quiet: boolean },
): Promise<Answer> {
  const controller = new AbortController();
  const off = io.onSignal("SIGINT", () => controller.abort(interrupt));
  let text = "";
  let finishReason: string | undefined;
  let usage: unknown;
  let seed: number | undefined;
  let fingerprint: string | undefined;
  try {
    const body = requestBody(turn);
    const { network } = io;
    const { baseUrl } = turn.answerer;
    const signal = AbortSignal.any([controller.signal, turn.ending]);
    for await (const piece of streamChat({ network, baseUrl, body, signal })) {
      text += piece.text;
      finishReason = piece.finishReason ?? finishReason;
      usage = piece.usage ?? usage;
      seed = piece.seed;
      fingerprint = piece.fingerprint ?? fingerprint;
      if (!turn.quiet && piece.text !== "") io.stdout.write(safeText(piece.text));
    }
    if (!turn.quiet) io.stdout.write("\n");
    const cut = finishReason === "length"
      ? cutAnswerSentence({ maxTokens: turn.options.max_tokens, usage })
      : undefined;
    if (cut !== undefined) io.stderr.write(`${painterFor(io, io.stderr)("dim", cut)}\n`);
    return { text, finishReason, usage, seed, fingerprint, interrupted: false };
  } catch (thrown) {
    if (thrown !== interrupt) throw thrown;
    if (!turn.quiet) io.stdout.write("\n");
    finishReason = "interrupted";
    return { text, finishReason, usage, seed, fingerprint, interrupted: true };
  } finally {
    off();
  }
}

function opening(options: ChatOptions): ChatMessage[] {
  return options.system === undefined ? [] : [{ role: "system", content: options.system }];
}

function requestBody(
  turn: Turn & { readonly history: readonly ChatMessage[] },
): Record<string, unknown> {
  const { options } = turn;
  const body: Record<string, unknown> = {
    model: turn.answerer.model,
    messages: turn.history,
    temperature: options.temperature,
    top_p: options.top_p,
    top_k: options.top_k,
    min_p: options.min_p,
    repeat_penalty: options.repeat_penalty,
    seed: options.seed,
    max_tokens: options.max_tokens,
    stop: options.stop.length > 0 ? options.stop : undefined,
  };
  return body;
}

/** Ctrl-C while no answer runs ends the conversation; during an answer it belongs to the answer. */
function untilInterrupted(io: CliIo, ending: AbortSignal): {
  readonly interrupted: Promise<undefined>;
  pause(): void;
  resume(): void;
} {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let off = (): void => {};
  function resume(): void {
    off = io.onSignal("SIGINT", () => resolve(undefined));
  }
  resume();
  ending.addEventListener("abort", () => resolve(undefined), { once: true });
  return { interrupted: promise, pause: (): void => off(), resume };
}
