/** `skep model add FILE`: hashes a model and keeps its manifest. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, flag, option } from "@optique/core/primitives";
import type { ClassSupport, GgufFile, ModelManifest } from "../model/mod.ts";
import { manifestPlace, withBar } from "./_model_place.ts";
import { absolutePath, examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { columns, formatBytes, painterFor, safeText } from "./_style.ts";
import { named, ruled } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

interface AddOptions {
  readonly file: string;
  readonly name: string | undefined;
  readonly copy: boolean;
  readonly force: boolean;
  readonly json: boolean;
  readonly place: PlaceOptions;
}

const modelName = ruled({
  metavar: "NAME",
  pattern: /^(?!embedded$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  rule:
    "1 to 128 letters, digits, '.', '_' or '-', begin with a letter or digit, and not 'embedded'",
});

const addOptions = object({
  file: argument(named("FILE"), { description: message`A GGUF file.` }),
  name: optional(
    option("--name", modelName, {
      description: message`What to call it. Default: the file's name without .gguf.`,
    }),
  ),
  copy: withDefault(
    flag("--copy", {
      description: message`Copy the file into the models directory instead of referring to it.`,
    }),
    false,
  ),
  force: withDefault(
    flag("--force", { description: message`Add it even if this release cannot run it.` }),
    false,
  ),
  json: jsonOption,
  place: placeOptions,
});

/** The parser of `skep model add`. */
export const addModelCommand: CommandParser = command(
  "add",
  map(addOptions, (options): Invocation => (io) => add(io, options)),
  {
    brief: message`Hash a model file and keep its manifest.`,
    description:
      message`Read a model file once, and store its BLAKE3 root, the tree above its groups of 16 KiB, and which bytes each layer needs. The file stays where it is. A model that this release cannot run is refused with exit code 1, unless --force is given.`,
    footer: examples(
      "skep model add ./model.gguf",
      "skep model add ./model.gguf --name small --copy",
    ),
  },
);

async function add(io: CliIo, options: AddOptions): Promise<number> {
  const [{ addModel }, { classSupport }] = await Promise.all([
    import("../model/mod.ts"),
    import("../engine/mod.ts"),
  ]);
  const path = absolutePath(io, options.file);
  const { name, copy } = options;
  const place = manifestPlace(io, options.place);
  const support = (file: GgufFile): ClassSupport => {
    const found = classSupport(file);
    if (found.obstacles.length === 0 || options.force) return found;
    throw new CliError({
      exitCode: exitCodes.failure,
      message: `${found.obstacles.join("; ")}; to add the model all the same, pass --force`,
    });
  };
  const manifest = await withBar(
    io,
    { verb: "Hashing", what: safeText(options.file) },
    (read) => addModel({ ...place, ...read, path, name, copy, support }),
  );
  if (options.json) io.stdout.write(`${JSON.stringify(manifest, undefined, 2)}\n`);
  else io.stdout.write(describe(io, manifest));
  return exitCodes.ok;
}

function describe(io: CliIo, manifest: ModelManifest): string {
  const { name, file, root, outboard, numericClasses, obstacles, shards } = manifest;
  const paint = painterFor(io, io.stdout);
  const layers = shards.filter(({ part }) => part === "layer").length;
  const rows = columns([
    ["name", name],
    ["file", `${safeText(file.path)}, ${formatBytes(file.sizeBytes)}`],
    ["root", root],
    ["outboard", `${outboard.path}, ${formatBytes(outboard.sizeBytes)}`],
    ["layers", String(layers)],
    ["numeric class", numericClasses.join(", ") || "(none)"],
  ]);
  const warnings = obstacles.map((line) => `${paint("yellow", safeText(line))}\n`);
  return `${rows}${warnings.join("")}`;
}
