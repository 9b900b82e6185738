/** `skep receipt list|show|export`: the receipts that a node keeps, whether it runs or not. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { argument, command, option } from "@optique/core/primitives";
import { join } from "node:path";
import type { ReceiptStore, RequestStatement } from "../receipts/mod.ts";
import { nodeLabel, readAliases } from "./_node_names.ts";
import { absolutePath, examples, jsonOption, pathsOf, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { columns } from "./_style.ts";
import { named, receiptId } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

const common = merge(placeOptions, object({ json: jsonOption }));

const idArgument = argument(receiptId("ID"), {
  description: message`The receipt's id, or its first digits.`,
});

const listParser = command(
  "list",
  map(common, (options): Invocation => (io) => list(io, options)),
  {
    brief: message`List the receipts that are kept, the oldest first.`,
    footer: examples("skep receipt list", "skep receipt list --json | jq -r '.[-1].id'"),
  },
);

const showParser = command(
  "show",
  map(
    merge(common, object({ id: idArgument })),
    (options): Invocation => (io) => show(io, options),
  ),
  {
    brief: message`Show what a receipt's parties signed.`,
    footer: examples("skep receipt show 3fa9", "skep receipt show 3fa9 --json | jq .request"),
  },
);

const exportParser = command(
  "export",
  map(
    merge(
      placeOptions,
      object({
        id: idArgument,
        to: withDefault(
          option("--to", named("DIR"), {
            description: message`Where to write the two files (the working directory by default).`,
          }),
          ".",
        ),
      }),
    ),
    (options): Invocation => (io) => exportTo(io, options),
  ),
  {
    brief: message`Write a receipt and its transcript as files.`,
    description:
      message`Write DIR/receipt.json and DIR/transcript.json for skep verify. The receipt tells neither prompt nor answer; the transcript tells both.`,
    footer: examples("skep receipt export 3fa9", "skep receipt export 3fa9 --to ./answer"),
  },
);

/** The parser of `skep receipt`. */
export const receiptCommand: CommandParser = command(
  "receipt",
  or(listParser, showParser, exportParser),
  {
    brief: message`Look at the receipts of answers.`,
    footer: examples("skep receipt list", "skep receipt show 3fa9", "skep receipt export 3fa9"),
  },
);

/** The receipts that the node keeps, whether it runs or not. */
export async function storeOf(io: CliIo, place: PlaceOptions): Promise<ReceiptStore> {
  const { receiptDirectory, ReceiptStore } = await import("../receipts/mod.ts");
  const directory = receiptDirectory(pathsOf(io, place).directories.state);
  return new ReceiptStore({ disk: io.disk, directory });
}

async function list(
  io: CliIo,
  options: PlaceOptions & { readonly json: boolean },
): Promise<number> {
  const all = await (await storeOf(io, options)).list();
  const rows = all.map(({ id, keptAtMs, path }) => {
    return { id, keptAt: new Date(keptAtMs).toISOString(), path };
  });
  if (options.json) io.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  else if (rows.length === 0) io.stderr.write("No receipt is kept yet\n");
  else io.stdout.write(columns(rows.map(({ id, keptAt }) => [id.slice(0, 16), keptAt])));
  return exitCodes.ok;
}

async function show(
  io: CliIo,
  options: PlaceOptions & { readonly json: boolean; readonly id: string },
): Promise<number> {
  const { openRequestStatement, openStageStatement } = await import("../receipts/mod.ts");
  const { receipt, listed } = await (await storeOf(io, options)).read(options.id);
  const request = openRequestStatement(receipt.request);
  const stages = receipt.stages.map(openStageStatement);
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ request, stages }, undefined, 2)}\n`);
    return exitCodes.ok;
  }
  const aliases = await readAliases(io, options);
  const nameOf = (key: string): string => nodeLabel({ key, alias: aliases.get(key) });
  const rows: [string, string][] = [
    ["receipt", listed.id],
    ...rowsOf(request, nameOf),
    ...stages.map(({ stage, layers, positions, serial }, i): [string, string] => [
      `stage ${i + 1}`,
      `${nameOf(stage)}, layers ${layers.from} to ${layers.to - 1}, positions ` +
      `${positions.from} to ${positions.to}, statement ${serial}`,
    ]),
  ];
  io.stdout.write(columns(rows));
  return exitCodes.ok;
}

function rowsOf(
  request: RequestStatement,
  nameOf: (key: string) => string,
): [string, string][] {
  const { root, class: name, promptTokens, outputTokens, seed, sampling, signedAtMs } = request;
  return [
    ["requester", nameOf(request.requester)],
    ["model", `${root.slice(0, 16)}, ${name}`],
    ["tokens", `${promptTokens} asked, ${outputTokens} answered`],
    ["seed", String(seed)],
    ["sampling", JSON.stringify(sampling)],
    ["signed", new Date(signedAtMs).toISOString()],
  ];
}

async function exportTo(
  io: CliIo,
  options: PlaceOptions & { readonly id: string; readonly to: string },
): Promise<number> {
  const { writeFileDurably } = await import("../ports/mod.ts");
  const { receipt, transcript } = await (await storeOf(io, options)).read(options.id);
  const directory = absolutePath(io, options.to);
  if (await io.disk.stat(directory) === undefined) await io.disk.makeDirectory(directory);
  const files = Object.entries({ receipt, transcript }).map(([name, value]) => ({
    path: join(directory, `${name}.json`),
    bytes: new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`),
  }));
  for (const file of files) await checkFree(io, file);
  for (const { path, bytes } of files) {
    await writeFileDurably(io.disk, { path, bytes, permissions: 0o600 });
    io.stdout.write(`${path}\n`);
  }
  return exitCodes.ok;
}

/** Another answer's files may be the only ones there are. @throws {CliError} where they lie */
async function checkFree(
  io: CliIo,
  { path, bytes }: { readonly path: string; readonly bytes: Uint8Array },
): Promise<void> {
  const { readWholeFile } = await import("../ports/mod.ts");
  const info = await io.disk.stat(path);
  if (info === undefined) return;
  const isSame = info.sizeBytes === bytes.length &&
    (await readWholeFile(io.disk, { path, bytesMax: bytes.length }))
      .every((byte, i) => byte === bytes[i]);
  if (isSame) return;
  throw new CliError({
    exitCode: exitCodes.failure,
    message: `Cannot export to "${path}" as it is another receipt's: name another folder by --to`,
  });
}
