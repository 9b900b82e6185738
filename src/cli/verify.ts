/** `skep verify`: computes an answer once more and says whether its receipt tells the truth. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { argument, command, option } from "@optique/core/primitives";
import type { LeavesOf, OpenReceipt, Transcript, Verdict } from "../receipts/mod.ts";
import { readAliases } from "./_node_names.ts";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { receiptAndTranscript } from "./_verify_files.ts";
import { fetchLeaves, leavesOfFolder, wantedTree } from "./_verify_leaves.ts";
import { unjudged, withReceiptModel } from "./_verify_model.ts";
import type { ReceiptModel } from "./_verify_model.ts";
import { showVerdict } from "./_verify_words.ts";
import type { Checked } from "./_verify_words.ts";
import { named } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { CliError, exitCodes, sentenceOf } from "./exit_code.ts";

interface VerifyOptions {
  readonly receipt: string;
  readonly transcript: string | undefined;
  readonly model: string;
  readonly leaves: string | undefined;
  readonly json: boolean;
  readonly place: PlaceOptions;
}

const verifyOptions = object({
  receipt: argument(named("RECEIPT"), {
    description:
      message`The receipt's file; or the id, or its first digits, of one that this node keeps.`,
  }),
  transcript: optional(option("--transcript", named("FILE"), {
    description:
      message`What the requester kept: its tokens and the salt. With an id, the kept one is taken.`,
  })),
  model: option("--model", named("MODEL"), {
    description: message`The model that the receipt names: a file, or a name that was added.`,
  }),
  leaves: optional(option("--leaves", named("DIR"), {
    description:
      message`Where the leaves that stages kept are, as files 1-input.leaves, 1-output.leaves, 1-logits.leaves, 2-input.leaves and so on; with them the first wrong position is named. Without them the stage that is blamed is asked for its leaves, where the node that asked for the answer runs (see --home).`,
  })),
  json: jsonOption,
  place: placeOptions,
});

/** The parser of `skep verify`. */
export const verifyCommand: CommandParser = command(
  "verify",
  map(verifyOptions, (options): Invocation => (io) => verify(io, options)),
  {
    brief: message`Check an answer's receipt by computing it once more.`,
    description:
      message`Compute an answer's tokens in one pass and compare every stage's digests, and every token, with what was signed. The exit code is 0 when the receipt tells the truth, 1 when it does not, and 5 when it can't be judged: a file is missing or unreadable, or it is another model, transcript or numeric class. No node is needed, but for the position from which on a stage gave wrong numbers.`,
    footer: examples(
      "skep verify 3fa9 --model small",
      "skep verify receipt.json --transcript transcript.json --model ./model.gguf",
      "skep verify receipt.json --transcript transcript.json --model small --leaves ./leaves",
      "skep verify receipt.json --transcript transcript.json --model small --json | jq .finding",
    ),
  },
);

async function verify(io: CliIo, options: VerifyOptions): Promise<number> {
  const { ReceiptError } = await import("../receipts/mod.ts");
  try {
    const checked = await check(io, options);
    io.stdout.write(showVerdict(io, checked, options.json));
    return checked.verdict.isGood ? exitCodes.ok : exitCodes.failure;
  } catch (thrown) {
    if (thrown instanceof CliError && passing.has(thrown.exitCode)) throw thrown;
    const isFalse = thrown instanceof ReceiptError &&
      (thrown.code === "signature" || thrown.code === "mismatch");
    if (options.json) {
      const verdict = { verdict: isFalse ? "bad" : "unjudged", why: sentenceOf(thrown) };
      io.stdout.write(`${JSON.stringify(verdict, undefined, 2)}\n`);
      return isFalse ? exitCodes.failure : exitCodes.unjudged;
    }
    const exitCode = isFalse ? exitCodes.failure : exitCodes.unjudged;
    throw new CliError({ exitCode, message: sentenceOf(thrown), cause: thrown });
  }
}

/** What is no verdict. */
const passing: ReadonlySet<number> = new Set([exitCodes.usage, exitCodes.interrupted]);

async function check(io: CliIo, options: VerifyOptions): Promise<Checked> {
  const receipts = await import("../receipts/mod.ts");
  const { receipt, transcript } = await receiptAndTranscript(io, options);
  const aliases = await readAliases(io, options.place);
  const leaves = await leavesOfFolder(io, { receipt, directory: options.leaves });
  return await withReceiptModel(io, { ...options, receipt }, async (opened, model) => {
    try {
      receipts.checkTranscript(transcript, opened.request);
    } catch (cause) {
      throw unjudged(`the transcript is another answer's: ${sentenceOf(cause)}`, cause);
    }
    const beganMs = io.clock.monotonicMs();
    const again = await computed(io, { opened, transcript, model });
    const durationMs = io.clock.monotonicMs() - beganMs;
    const verdict = again(leaves);
    const { finding } = verdict;
    const tree = wantedTree(finding);
    if (tree === undefined || finding === undefined || !("stage" in finding)) {
      return { opened, verdict, durationMs, aliases };
    }
    const { place } = options;
    const fetched = await fetchLeaves(io, { opened, place, stage: finding.stage, tree });
    return "why" in fetched
      ? { opened, verdict, durationMs, aliases, noLeaves: fetched.why }
      : { opened, verdict: again(fetched.leavesOf), durationMs, aliases };
  });
}

/** Computes the answer once more; what comes back judges it, with leaves or without. */
async function computed(
  io: CliIo,
  { opened, transcript, model: { file, executor } }: {
    readonly opened: OpenReceipt;
    readonly transcript: Transcript;
    readonly model: ReceiptModel;
  },
): Promise<(leaves: LeavesOf) => Verdict> {
  const { judge, recompute } = await import("../receipts/mod.ts");
  const { replayChooser } = await import("../services/inference/mod.ts");
  const { loadTokenizer } = await import("../model/mod.ts");
  const { seed, sampling } = opened.request;
  const { vocabularySize } = executor.shape;
  const choose = await replayChooser({
    ...{ file, vocabularySize, seed, sampling, clock: io.clock },
    tokenizer: loadTokenizer(file),
    heldTo: transcript.constraint,
    promptTokens: transcript.promptTokens,
    outputTokens: transcript.outputTokens,
  });
  const { onProgress, signal, end } = watch(io);
  try {
    const pass = { receipt: opened, transcript, executor, choose, signal, onProgress };
    const truth = await recompute(pass);
    return (leaves) => judge(opened, truth, leaves);
  } finally {
    end();
  }
}

/** How far the pass is, on a terminal; Ctrl-C ends it. */
function watch(
  io: CliIo,
): {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
  readonly end: () => void;
} {
  const stop = new AbortController();
  const interrupted = new CliError({
    exitCode: exitCodes.interrupted,
    message: "Stopped verifying",
  });
  const forget = io.onSignal("SIGINT", () => stop.abort(interrupted));
  const { stderr } = io;
  return {
    signal: stop.signal,
    onProgress: (done, total) => {
      if (stderr.isTerminal) stderr.write(`\rComputing ${done} of ${total} positions\x1b[K`);
    },
    end: () => {
      forget();
      if (stderr.isTerminal) stderr.write("\r\x1b[K");
    },
  };
}
