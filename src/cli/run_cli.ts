/** Parses a command line, runs the command, and turns every end into an exit code and a sentence. */
import { or } from "@optique/core/constructs";
import { runParserSync } from "@optique/core/facade";
import { message } from "@optique/core/message";
import { bash, fish, zsh } from "@optique/core/completion";
import { NodeError, refuseThisPlatform, versionLine } from "../node/mod.ts";
import { examples } from "./_options.ts";
import { painterFor } from "./_style.ts";
import { callCommand } from "./call.ts";
import { chatCommand } from "./chat.ts";
import type { CliIo } from "./cli_io.ts";
import type { Invocation } from "./command.ts";
import { configCommand } from "./config.ts";
import { downCommand } from "./down.ts";
import { CliError, exitCodes, sentenceOf } from "./exit_code.ts";
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
    io.stderr.write(`${painterFor(io, io.stderr)("red", "Error:")} ${sentenceOf(thrown)}\n`);
    return exitCodeOf(thrown);
  }
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
    footer: examples(
      "skep up",
      'skep chat "Once upon a time"',
      "skep chat --help",
      "skep completions bash > ~/.local/share/bash-completion/completions/skep",
    ),
    aboveError: "none",
    onError: () => {
      io.stderr.write(`See "skep ${helpPath(io.args)}--help"\n`);
      return end(exitCodes.usage);
    },
    usageLine: [{ type: "ellipsis" }],
    commandList: "top-level",
    termWidth: "auto",
    colors: painterFor(io, io.stdout)("dim", "") !== "",
    maxWidth: io.stdout.columns,
    stdout: (text) => io.stdout.write(`${text}\n`),
    stderr: (text) => io.stderr.write(`${text}\n`),
  });
}

/** Nothing, or the name of a group alone, asks for help. */
function withHelp(args: readonly string[]): readonly string[] {
  const group = args.length === 1 && groups.has(args[0] ?? "");
  return args.length === 0 || group ? [...args, "--help"] : args;
}

/** The command that the line begins with, for "see its help". */
function helpPath(args: readonly string[]): string {
  const [first = "", second = ""] = args;
  if (groups.has(first)) return /^[a-z]+$/.test(second) ? `${first} ${second} ` : `${first} `;
  return names.has(first) ? `${first} ` : "";
}

/** Commands that have commands of their own. */
const groups: ReadonlySet<string> = new Set(["config", "log", "model", "peer", "receipt"]);

/** The others. */
const names: ReadonlySet<string> = new Set([
  ...["up", "chat", "status", "down", "restart", "systemd-unit", "version", "completions"],
  ...["service", "call", "invite", "join", "verify", "plan", "top", "sim"],
]);

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CliError) return thrown.exitCode;
  if (thrown instanceof NodeError && thrown.code === "already-running") return exitCodes.state;
  if (thrown instanceof NodeError && thrown.code === "stopped-itself") return exitCodes.crashed;
  return exitCodes.failure;
}
