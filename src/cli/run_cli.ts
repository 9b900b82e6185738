/** Parses a command line, runs the command, and turns every end into an exit code and a sentence. */
import { or } from "@optique/core/constructs";
import { runParserSync } from "@optique/core/facade";
import { lineBreak, message, text } from "@optique/core/message";
import { bash, fish, zsh } from "@optique/core/completion";
import { NodeError, refuseThisPlatform, versionLine } from "../node/mod.ts";
import { examples } from "./_options.ts";
import { painterFor, safeText } from "./_style.ts";
import { commandPath, commandsAfter, wrongLineSentence } from "./_wrong_line.ts";
import { callCommand } from "./call.ts";
import { chatCommand } from "./chat.ts";
import type { CliIo } from "./cli_io.ts";
import type { Invocation } from "./command.ts";
import { configCommand } from "./config.ts";
import { downCommand } from "./down.ts";
import { CliError, errorPrefix, exitCodes, exitCodeWords, sentenceOf } from "./exit_code.ts";
import { inviteCommand } from "./invite.ts";
import { joinCommand } from "./join.ts";
import { leaveCommand } from "./leave.ts";
import { logCommand } from "./log.ts";
import { modelCommand } from "./model.ts";
import { peerCommand } from "./peer.ts";
import { planCommand } from "./plan.ts";
import { receiptCommand } from "./receipt.ts";
import { restartCommand } from "./restart.ts";
import { serviceCommand } from "./service.ts";
import { simCommand } from "./sim.ts";
import { statusCommand } from "./status.ts";
import { systemdUnitCommand } from "./systemd_unit.ts";
import { topCommand } from "./top.ts";
import { upCommand } from "./up.ts";
import { verifyCommand } from "./verify.ts";

/** Every command, in the order of the help. */
const commands = or(
  upCommand,
  chatCommand,
  statusCommand,
  downCommand,
  restartCommand,
  configCommand,
  modelCommand,
  or(logCommand, receiptCommand, verifyCommand),
  or(inviteCommand, joinCommand, leaveCommand, peerCommand, planCommand, topCommand),
  or(serviceCommand, callCommand, simCommand),
  systemdUnitCommand,
);

/** Runs one command line to its end. Never rejects. @returns the exit code */
export async function runCli(io: CliIo): Promise<number> {
  try {
    const invocation = parse(io);
    // Help and version have been shown by now; everything else may need what an older Node lacks.
    refuseThisPlatform();
    return await invocation(io);
  } catch (thrown) {
    if (thrown instanceof ParserEnd) return thrown.exitCode;
    sayError(io, sentenceOf(thrown));
    return exitCodeOf(thrown);
  }
}

function sayError(io: CliIo, sentence: string): void {
  io.stderr.write(`${painterFor(io, io.stderr)("red", errorPrefix.trim())} ${sentence}\n`);
}

/** How the parser says that there is no command to run: help was shown, or the line is wrong. */
class ParserEnd extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("The parser has ended the command line");
    this.exitCode = exitCode;
  }
}

function parse(io: CliIo): Invocation {
  const end = (exitCode: number): never => {
    throw new ParserEnd(exitCode);
  };
  return runParserSync(commands, "skep", withHelp(io.args), {
    brief: message`Skep houses a whole AI node: one program, one model, one private API.`,
    help: {
      command: true,
      option: { names: ["-h", "--help"] },
      onShow: () => end(exitCodes.ok),
    },
    version: {
      value: versionLine,
      command: true,
      option: { names: ["-V", "--version"] },
      onShow: () => end(exitCodes.ok),
    },
    completion: {
      command: { names: ["completions"] },
      shells: { bash, fish, zsh },
      onShow: () => end(exitCodes.ok),
    },
    footer: [
      ...examples(
        "skep up",
        'skep chat "Once upon a time"',
        "skep chat --help",
        "skep completions bash > ~/.local/share/bash-completion/completions/skep",
      ),
      lineBreak(),
      lineBreak(),
      text(exitCodeWords),
    ],
    aboveError: "none",
    onError: (_, error) => {
      const { args } = io;
      sayError(io, safeText(wrongLineSentence({ commands, args, error })));
      const path = [...commandPath(commands, args), "--help"].join(" ");
      io.stderr.write(`See "skep ${path}"\n`);
      return end(exitCodes.usage);
    },
    usageLine: [{ type: "ellipsis" }],
    commandList: "top-level",
    termWidth: "auto",
    colors: painterFor(io, io.stdout)("dim", "") !== "",
    maxWidth: io.stdout.columns,
    stdout: (text) => io.stdout.write(`${text}\n`),
    // It would break the sentence into lines; onError says it.
    stderr: () => {},
  });
}

/** Nothing, or the name of a group alone, asks for help. */
function withHelp(args: readonly string[]): readonly string[] {
  const isGroup = args.length === 1 && commandPath(commands, args).length === 1 &&
    commandsAfter(commands, args).length > 0;
  return args.length === 0 || isGroup ? [...args, "--help"] : args;
}

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CliError) return thrown.exitCode;
  if (!(thrown instanceof NodeError)) return exitCodes.failure;
  const isOfLine = thrown.violations.some(({ place }) => place.startsWith("--"));
  if (isOfLine || thrown.code === "unknown-service") return exitCodes.usage;
  if (thrown.code === "already-running") return exitCodes.state;
  return thrown.code === "stopped-itself" ? exitCodes.crashed : exitCodes.failure;
}
