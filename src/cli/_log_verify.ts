/**
 * What `skep log verify` prints: what the journal's files show by themselves, and whether they contain
 * what the node has signed for, since an end that was cut off leaves no trace in them.
 */
import { shortHidOf } from "../identity/mod.ts";
import { keptHeadFile, readJournal, readKeptHead } from "../journal/mod.ts";
import type { KeptHead, SignedLogHead, VerifyReport } from "../journal/mod.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { formatBytes, painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** What a head that the node has signed says of its journal. */
interface HeadVerdict {
  /** "cut": it has fewer events; "other": so many, but not those. */
  readonly state: "contained" | "cut" | "other";
  readonly size: number;
  readonly signedAtMs: number;
  /** Events that are missing from the end. */
  readonly missing: number;
}

/** What the command found. */
interface Checked {
  readonly report: VerifyReport;
  /** Of the head that is kept and of those that were found missing at a start; empty when none is. */
  readonly heads: readonly HeadVerdict[];
  readonly headFile: string;
}

/** Checks everything. @throws {CliError} exit code 1 when there is no journal */
export async function logVerify(
  io: CliIo,
  options: PlaceOptions & { readonly json: boolean },
): Promise<number> {
  const { journal: directory, directories } = pathsOf(io, options);
  const { disk } = io;
  const headFile = `${directories.state}/${keptHeadFile}`;
  // Before the journal, which only grows: a node may be writing both.
  const kept = await readKeptHead({ disk, path: headFile });
  if (await disk.stat(directory) === undefined) {
    throw new CliError({
      exitCode: exitCodes.failure,
      message: `Cannot verify a journal as there is none: ${directory} does not exist`,
    });
  }
  const all = kept === undefined ? [] : [kept.head, ...kept.lost];
  const sizes = new Set(all.map(({ size }) => size));
  const roots = new Map<number, string>();
  const report = await readJournal({ disk, directory }).verify({
    onEvent: ({ author, seq, root }) => {
      if (author === kept?.author && sizes.has(seq)) roots.set(seq, root());
    },
  });
  const heads = kept === undefined
    ? []
    : all.map((head) => judge(head, { kept, report, root: roots.get(head.size) }));
  const isWhole = report.ok && heads.every(({ state }) => state === "contained");
  const checked = { report, heads, headFile };
  if (options.json) io.stdout.write(`${JSON.stringify({ ...report, ok: isWhole, heads })}\n`);
  else io.stdout.write(describe(io, checked));
  return isWhole ? exitCodes.ok : exitCodes.failure;
}

function judge(
  { size, root, tsMs }: SignedLogHead,
  about: {
    readonly kept: KeptHead;
    readonly report: VerifyReport;
    readonly root: string | undefined;
  },
): HeadVerdict {
  const last = about.report.authors.find(({ author }) => author === about.kept.author)?.lastSeq ??
    0;
  const missing = Math.max(0, size - last);
  // Of events that retention has removed no root is known: what is left goes on from their snapshot.
  const isOther = missing === 0 && (about.root ?? "") !== "" && about.root !== root;
  const state = missing > 0 ? "cut" : isOther ? "other" : "contained";
  return { state, size, signedAtMs: tsMs, missing };
}

function describe(io: CliIo, { report, heads, headFile }: Checked): string {
  const paint = painterFor(io, io.stdout);
  const { events, sizeBytes, authors, problemCount } = report;
  const wrong = heads.filter(({ state }) => state !== "contained");
  const by = authors.map(({ author, firstSeq, lastSeq }) =>
    `${shortHidOf(author)} ${
      firstSeq > 1 ? `from the snapshot at ${firstSeq} ` : ""
    }up to ${lastSeq}`
  ).join(", ");
  const size = `${events} events, ${formatBytes(sizeBytes)}${by === "" ? "" : `, by ${by}`}`;
  const verdict = !report.ok
    ? paint("red", `The journal has ${problemCount} problems:`)
    : wrong.length > 0
    ? paint("red", "The journal is not what this node has signed for:")
    : paint("green", "The journal is whole:");
  const lines = [...problemLines(report), ...headLines(heads, headFile)];
  return `${[`${verdict} ${size}`, ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

function problemLines({ problems, problemCount, tornBytes }: VerifyReport): readonly string[] {
  const lines = problems.map(({ file, line, code, message }) =>
    `${file}:${line}: ${code}: ${safeText(message)}`
  );
  if (problemCount > problems.length) lines.push(`and ${problemCount - problems.length} more`);
  if (tornBytes > 0) {
    lines.push(
      `${tornBytes} bytes of an unfinished event are at the end; the next start cuts them`,
    );
  }
  return lines;
}

function headLines(heads: readonly HeadVerdict[], headFile: string): readonly string[] {
  const [latest] = heads;
  if (latest === undefined) {
    return [
      `Whether its end was cut can't be told here, as no signed head of it is kept in ${headFile}: ` +
      `nodes of its mesh that keep one can ("skep log heads" there)`,
    ];
  }
  const wrong = heads.filter(({ state }) => state !== "contained");
  if (wrong.length === 0) {
    return [
      `It has all of the ${latest.size} events that were signed for last, at ${
        timeOf(latest)
      }; of later ones that were cut only nodes that were told of them can know`,
    ];
  }
  return [
    ...wrong.map(wrongWords),
    `It was cut, restored from a copy or begun anew; who knows why removes ${headFile}`,
  ];
}

function wrongWords(head: HeadVerdict): string {
  const { state, size, missing } = head;
  if (state === "other") {
    return `its first ${size} events are others than those signed for at ${timeOf(head)}`;
  }
  const what = missing === 1 ? `event ${size} is` : `events ${size - missing + 1} to ${size} are`;
  return `${what} missing from its end: ${size} were signed for at ${timeOf(head)}`;
}

function timeOf({ signedAtMs }: HeadVerdict): string {
  return new Date(Math.min(signedAtMs, 8.64e15)).toISOString();
}
