/** `skep model list`: the manifests of the models directory, and what became of their files. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { ListedManifest, ManifestPlace } from "../model/mod.ts";
import { manifestPlace } from "./_model_place.ts";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { formatBytes, painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

const listOptions = object({ json: jsonOption, place: placeOptions });

/** The parser of `skep model list`. */
export const listModelsCommand: CommandParser = command(
  "list",
  map(listOptions, (options): Invocation => (io) => list(io, options)),
  {
    brief: message`List the models that have a manifest.`,
    description:
      message`Tell of each model where its file is, and whether it has changed by length or time since it was hashed.`,
    footer: examples("skep model list", "skep model list --json | jq -r .[].root"),
  },
);

/** A model of the list. */
interface ListedModel {
  readonly name: string;
  /** "unchanged" by length and time; only verify looks at the bytes. */
  readonly state: "unchanged" | "changed" | "missing" | "unusable";
  readonly path?: string;
  readonly sizeBytes?: number;
  readonly root?: string;
  readonly numericClasses?: readonly string[];
  /** Why a manifest is unusable. */
  readonly error?: string;
}

async function list(
  io: CliIo,
  options: { readonly json: boolean; readonly place: PlaceOptions },
): Promise<number> {
  const { listManifests } = await import("../model/mod.ts");
  const place = manifestPlace(io, options.place);
  const models: ListedModel[] = [];
  for (const each of await listManifests(place)) models.push(await look(place, each));
  if (options.json) io.stdout.write(`${JSON.stringify(models, undefined, 2)}\n`);
  else if (models.length > 0) io.stdout.write(models.map((model) => lineOf(io, model)).join(""));
  else io.stderr.write(`No model has a manifest yet: see "skep model add --help"\n`);
  return exitCodes.ok;
}

async function look(place: ManifestPlace, each: ListedManifest): Promise<ListedModel> {
  if ("error" in each) return { name: each.name, state: "unusable", error: each.error.message };
  const { isUnchanged, manifestFile } = await import("../model/mod.ts");
  const { file, root, numericClasses } = each.manifest;
  const path = manifestFile(place.directory, each.manifest);
  const isThere = await place.disk.stat(path) !== undefined;
  const isSame = await isUnchanged(place, each.manifest);
  const state = isSame ? "unchanged" : isThere ? "changed" : "missing";
  return { name: each.name, state, path, sizeBytes: file.sizeBytes, root, numericClasses };
}

function lineOf(io: CliIo, model: ListedModel): string {
  const paint = painterFor(io, io.stdout);
  const { name, state, path = "", sizeBytes = 0, root = "", error } = model;
  if (error !== undefined) return `${name}  ${paint("red", "unusable")}  ${safeText(error)}\n`;
  const shown = state === "unchanged" ? state : paint("red", state);
  const short = root.slice(0, 16);
  return `${name}  ${shown}  ${formatBytes(sizeBytes)}  ${short}  ${safeText(path)}\n`;
}
