/** What came of checking a receipt, for people and for scripts. */
import { sentenceOf } from "../receipts/mod.ts";
import type { OpenReceipt, Verdict } from "../receipts/mod.ts";
import { nodeLabel } from "./_node_names.ts";
import type { Aliases } from "./_node_names.ts";
import { columns, formatDuration, painterFor } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";

/** A verdict, and what it took. */
export interface Checked {
  readonly opened: OpenReceipt;
  readonly verdict: Verdict;
  /** Of the pass itself, without loading. */
  readonly durationMs: number;
  /** The names that the user has given to nodes. */
  readonly aliases: Aliases;
  /** Why the first wrong position is not named. */
  readonly noLeaves?: string;
}

/** The text that the command prints. */
// tidy: allow positional-parameters as the terminal, what and how are three things
export function showVerdict(io: CliIo, checked: Checked, json: boolean): string {
  return json ? `${JSON.stringify(rowOf(checked), undefined, 2)}\n` : textOf(io, checked);
}

function rowOf(
  { opened: { request, stages }, verdict, durationMs, aliases, noLeaves }: Checked,
): unknown {
  const { isGood, finding, notJudged, positions } = verdict;
  return {
    verdict: isGood ? "good" : "bad",
    ...finding === undefined ? {} : { finding, why: sentenceOf(finding, namer(aliases)) },
    ...noLeaves === undefined ? {} : { noLeaves },
    notJudged,
    positions,
    durationMs: Math.round(durationMs),
    request: request.request,
    requester: request.requester,
    root: request.root,
    class: request.class,
    promptTokens: request.promptTokens,
    outputTokens: request.outputTokens,
    stages: stages.map(({ stage, layers, embedding, head, positions }) => {
      return { stage, layers, embedding, head, positions };
    }),
  };
}

function textOf(io: CliIo, checked: Checked): string {
  const { opened, verdict, durationMs, aliases, noLeaves } = checked;
  const nameOf = namer(aliases);
  const { request: { promptTokens, outputTokens, requester }, stages } = opened;
  const { finding, notJudged, positions } = verdict;
  const paint = painterFor(io, io.stdout);
  const remarkOf = (stage: number): string => {
    if (notJudged.includes(stage)) return ", not judged";
    const { to } = stages[stage]?.positions ?? { to: positions };
    return to < positions ? ", not signed for beyond" : "";
  };
  const rows: [string, string][] = [
    ["requester", `${nameOf(requester)}, ${promptTokens} tokens asked, ${outputTokens} answered`],
    ...stages.map(({ stage, layers: { from, to }, positions }, i): [string, string] => [
      `stage ${i + 1}`,
      `${nameOf(stage)}, ${to === from ? "no layers" : `layers ${from} to ${to - 1}`}, ` +
      `positions ${positions.from} to ${positions.to}${remarkOf(i)}`,
    ]),
    ["computed", `${positions} positions in ${formatDuration(durationMs)}`],
    ...noLeaves === undefined ? [] : [["no leaves", noLeaves] as [string, string]],
  ];
  const words = finding === undefined
    ? paint("green", "The receipt tells the truth")
    : paint("red", sentenceOf(finding, nameOf));
  return `${columns(rows)}${words}\n`;
}

function namer(aliases: Aliases): (key: string) => string {
  return (key) => nodeLabel({ key, alias: aliases.get(key) });
}
