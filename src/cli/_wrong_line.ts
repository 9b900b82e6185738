/**
 * What is said of a command line that is wrong: one sentence, with the word that was probably meant,
 * and whose help to read.
 */
import { formatMessage } from "@optique/core/message";
import type { Message } from "@optique/core/message";
import { suggestSync } from "@optique/core/parser";
import { findSimilar } from "@optique/core/suggestion";
import type { CommandParser } from "./command.ts";

/** A command line that was refused. */
export interface WrongLine {
  /** The parser of all commands. */
  readonly commands: CommandParser;
  readonly args: readonly string[];
  /** What the parser says. */
  readonly error: Message;
}

/** The sentence, without its prefix and newline. */
export function wrongLineSentence({ commands, args, error }: WrongLine): string {
  const word = unexpectedWord(error);
  const at = word === undefined ? -1 : args.indexOf(word);
  // The parser takes "--option=value" for one word, and a line of its own may end it.
  if (word === undefined || at < 0) return plainText(error);
  const before = args.slice(0, at);
  const path = commandPath(commands, before).join(" ");
  const command = `"skep${path === "" ? "" : ` ${path}`}"`;
  if (word.startsWith("-")) {
    const name = word.replace(/=.*$/s, "");
    const meant = nearest(name, optionsAfter(commands, before));
    return `Cannot use "${name}" as ${command} has no such option${meant}`;
  }
  const names = commandsAfter(commands, before);
  if (names.length === 0) return `Cannot use "${word}" as ${command} takes no such argument`;
  return `Cannot run "${word}" as ${command} has no such command${nearest(word, names)}`;
}

/** The commands that a line begins with: "log", "tail". */
export function commandPath(commands: CommandParser, args: readonly string[]): readonly string[] {
  const path: string[] = [];
  for (const word of args) {
    if (word === "" || !commandsAfter(commands, path).includes(word)) break;
    path.push(word);
  }
  return path;
}

/** The commands that may come next. */
export function commandsAfter(
  commands: CommandParser,
  before: readonly string[],
): readonly string[] {
  if (builtIn.includes(before[0] ?? "")) return [];
  const words = wordsAfter(commands, [...before, ""]).filter((word) => !word.startsWith("-"));
  return before.length === 0 ? [...words, ...builtIn] : words;
}

/** Commands that the parser's runner adds. */
const builtIn = ["help", "version", "completions"];

function optionsAfter(commands: CommandParser, before: readonly string[]): readonly string[] {
  return [...wordsAfter(commands, [...before, "--"]), "--help"];
}

function wordsAfter(
  commands: CommandParser,
  line: readonly string[],
): readonly string[] {
  const [first = "", ...rest] = line;
  return suggestSync(commands, [first, ...rest]).flatMap((one) =>
    one.kind === "literal" ? [one.text] : []
  );
}

function nearest(word: string, names: readonly string[]): string {
  const [first, second] = findSimilar(word, names);
  if (first === undefined) return "";
  return `: did you mean "${first}"${second === undefined ? "" : ` or "${second}"`}?`;
}

/** The word that the parser did not expect; undefined where something else is wrong. */
function unexpectedWord(error: Message): string | undefined {
  const [words, name] = error;
  const isUnexpected = words?.type === "text" && words.text.startsWith("Unexpected option");
  return isUnexpected && name?.type === "optionName" ? name.optionName : undefined;
}

/** One line, quotes as in every other sentence, and no full stop. */
function plainText(error: Message): string {
  return formatMessage(error, { colors: false, quotes: true })
    .replaceAll("`", '"').replaceAll(/\s+/g, " ").replace(/\.$/, "");
}
