/** `skep config show|schema|path`: the configuration, where each value came from, and the places. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import { examples, jsonOption, pathsOf, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { columns, painterFor } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

/** A value longer than this does not push what stands behind the others away. */
const VALUE_COLUMNS_MAX = 40;

interface ShowOptions extends PlaceOptions {
  readonly json: boolean;
}

const showOptions = merge(placeOptions, object({ json: jsonOption }));

const showCommand = command(
  "show",
  map(showOptions, (options): Invocation => (io) => showConfig(io, options)),
  {
    brief: message`Show every setting, its value and where it comes from.`,
    footer: examples("skep config show", "SKEP_LOG_LEVEL=debug skep config show --json"),
  },
);

const schemaCommand = command("schema", map(object({}), (): Invocation => printSchema), {
  brief: message`Print the JSON Schema of skep.toml.`,
  footer: examples("skep config schema > skep.schema.json"),
});

const pathCommand = command(
  "path",
  map(showOptions, (options): Invocation => (io) => printPaths(io, options)),
  {
    brief: message`Show where the node's files are.`,
    footer: examples("skep config path", "skep config path --json | jq -r .configFile"),
  },
);

/** The parser of `skep config`. */
export const configCommand: CommandParser = command(
  "config",
  or(showCommand, schemaCommand, pathCommand),
  {
    brief: message`Show settings, their schema, and where files are.`,
    footer: examples("skep config show", "skep config schema", "skep config path"),
  },
);

/** Prints every setting; works with the node stopped, and says what is wrong as `skep up` would. */
export async function showConfig(io: CliIo, options: ShowOptions): Promise<number> {
  const { loadNodeConfiguration } = await import("../node/mod.ts");
  const { environment, disk } = io;
  const paths = pathsOf(io, options);
  const file = options.config === undefined ? "optional" : "required";
  const { settings } = await loadNodeConfiguration({ paths, environment, disk, file });
  if (options.json) {
    const rows = settings.map(({ path, value, from }) => [path, { value, from }]);
    io.stdout.write(`${JSON.stringify(Object.fromEntries(rows), undefined, 2)}\n`);
    return exitCodes.ok;
  }
  const paint = painterFor(io, io.stdout);
  const shown = settings.map(({ value }) =>
    value === undefined ? "(not set)" : JSON.stringify(value)
  );
  const width = Math.max(
    0,
    ...shown.map((text) => text.length).filter((one) => one <= VALUE_COLUMNS_MAX),
  );
  const rows = settings.map(({ path, from }, index): [string, string] => [
    path,
    `${(shown[index] ?? "").padEnd(width)}  ${paint("dim", from)}`,
  ]);
  io.stdout.write(columns(rows));
  return exitCodes.ok;
}

async function printSchema(io: CliIo): Promise<number> {
  const { configJsonSchema } = await import("../node/mod.ts");
  io.stdout.write(`${JSON.stringify(await configJsonSchema(), undefined, 2)}\n`);
  return exitCodes.ok;
}

/** Prints the places; creates nothing. */
export function printPaths(io: CliIo, options: ShowOptions): Promise<number> {
  const { directories, socketsReplaced: _, ...files } = pathsOf(io, options);
  const all = { ...directories, ...files };
  if (options.json) io.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  else io.stdout.write(columns(Object.entries(all)));
  return Promise.resolve(exitCodes.ok);
}
