/** What the commands of `skep log` print; they only read. */
import { shortHidOf } from "../identity/mod.ts";
import { readJournal } from "../journal/mod.ts";
import type { JournalEvent, JournalReader } from "../journal/mod.ts";
import { hidOfHex, readAliases } from "./_node_names.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { columns, formatBytes, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

interface ReadOptions extends PlaceOptions {
  readonly json: boolean;
}

/** Prints counts and the last event. */
export async function logStatus(io: CliIo, options: ReadOptions): Promise<number> {
  const { directory, reader } = open(io, options);
  const summary = await reader.summary();
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ directory, ...summary })}\n`);
    return exitCodes.ok;
  }
  const rows: [string, string][] = [
    ["directory", directory],
    ["files", `${summary.files}, ${formatBytes(summary.sizeBytes)}`],
    ...summary.firstSeq > 1
      ? [["first event", `${summary.firstSeq}; those before it were removed`] as [string, string]]
      : [],
    ["last event", summary.seq === 0 ? "(none)" : `${summary.seq} at ${isoTime(summary.tsMs)}`],
    ["author", summary.author ?? "(none)"],
    ["hash", summary.hash === "" ? "(none)" : summary.hash],
  ];
  io.stdout.write(columns(rows));
  return exitCodes.ok;
}

/** Prints the last events. */
export async function logTail(
  io: CliIo,
  options: ReadOptions & { readonly count: number },
): Promise<number> {
  const { reader } = open(io, options);
  for (const event of await reader.tail(options.count)) print(io, event, options);
  return exitCodes.ok;
}

/** Prints events by number. */
export async function logRange(
  io: CliIo,
  options: ReadOptions & {
    readonly author: string | undefined;
    readonly from: number;
    readonly to: number | undefined;
  },
): Promise<number> {
  const { reader } = open(io, options);
  const { from, to } = options;
  const author = options.author === undefined
    ? undefined
    : await authorOf(io, { text: options.author, reader, place: options });
  const range = {
    from,
    ...(author === undefined ? {} : { author }),
    ...(to === undefined ? {} : { to }),
  };
  for await (const event of reader.range(range)) print(io, event, options);
  return exitCodes.ok;
}

/** The id of the author that a text names. @throws {CliError} when it names none, or several */
async function authorOf(
  io: CliIo,
  { text, reader, place }: {
    readonly text: string;
    readonly reader: JournalReader;
    readonly place: PlaceOptions;
  },
): Promise<string> {
  const authors = new Set<string>();
  for await (const { author } of reader.range({ onCorrupt: () => {} })) authors.add(author);
  const aliased = [...await readAliases(io, place)].find(([, alias]) => alias === text)?.[0];
  const digits = text.toLowerCase().replace(/^skep_/, "");
  const meant = aliased !== undefined ? hidOfHex(aliased) : undefined;
  const byKey = /^[0-9a-f]{64}$/.test(text) ? hidOfHex(text) : undefined;
  const found = [...authors].filter((hid) =>
    hid === meant || hid === byKey || (meant === undefined && hid.startsWith(`skep_${digits}`))
  );
  const [author] = found;
  if (author !== undefined && found.length === 1) return author;
  const names = [...authors].map(shortHidOf).join(", ");
  throw new CliError({
    exitCode: exitCodes.failure,
    message: found.length > 1
      ? `Cannot tell which author "${text}" is as it may be ${found.map(shortHidOf).join(", ")}`
      : `Cannot show events of "${text}" as the journal has ${names === "" ? "none" : names}`,
  });
}

function print(io: CliIo, event: JournalEvent, options: ReadOptions): void {
  if (options.json) {
    io.stdout.write(`${JSON.stringify(event)}\n`);
    return;
  }
  const { seq, ts_ms, chi, sid, rid, body } = event;
  const ids = sid === undefined ? rid : `${sid} ${rid}`;
  io.stdout.write(
    `${safeText(`${seq} ${isoTime(ts_ms)} ${chi} ${ids} ${JSON.stringify(body)}`)}\n`,
  );
}

function open(io: CliIo, options: PlaceOptions): { directory: string; reader: JournalReader } {
  const directory = pathsOf(io, options).journal;
  return { directory, reader: readJournal({ disk: io.disk, directory }) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
