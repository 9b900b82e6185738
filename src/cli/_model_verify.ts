/** `skep model verify [MODEL]`: reads model files and tells whether each byte is what was hashed. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { argument, command } from "@optique/core/primitives";
import type { ManifestPlace, ModelManifest, ModelVerdict } from "../model/mod.ts";
import { manifestPlace, withBar } from "./_model_place.ts";
import { absolutePath, examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { formatBytes, painterFor, safeText } from "./_style.ts";
import { named } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

interface VerifyOptions {
  readonly model: string | undefined;
  readonly json: boolean;
  readonly place: PlaceOptions;
}

const verifyOptions = object({
  model: optional(argument(named("MODEL"), {
    description: message`The name of a model, or a file that was added; without it, all models.`,
  })),
  json: jsonOption,
  place: placeOptions,
});

/** The parser of `skep model verify`. */
export const verifyModelCommand: CommandParser = command(
  "verify",
  map(verifyOptions, (options): Invocation => (io) => verify(io, options)),
  {
    brief: message`Check that model files are whole.`,
    description:
      message`Read a file and compare it with its manifest, up to the first wrong group of 16 KiB. The exit code is 1 when one is wrong.`,
    footer: examples(
      "skep model verify",
      "skep model verify small",
      "skep model verify ./model.gguf",
    ),
  },
);

/** What became of one model. */
interface Verified {
  readonly name: string;
  readonly path: string;
  readonly verdict: ModelVerdict;
  readonly durationMs: number;
}

async function verify(io: CliIo, options: VerifyOptions): Promise<number> {
  const place = manifestPlace(io, options.place);
  const manifests = await chosen(io, place, options.model);
  const done: Verified[] = [];
  for (const manifest of manifests) {
    const one = await verifyOne(io, place, manifest);
    done.push(one);
    if (!options.json) io.stdout.write(lineOf(io, one));
  }
  if (options.json) {
    const rows = done.map(({ verdict, ...rest }) => ({ ...rest, ...verdict }));
    io.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  } else if (done.length === 0) io.stderr.write("No model has a manifest yet\n");
  return done.every(({ verdict }) => verdict.state === "intact") ? exitCodes.ok : exitCodes.failure;
}

/** @throws {CliError} when no manifest is meant @throws {ModelError} when one cannot be used */
async function chosen(
  io: CliIo,
  place: ManifestPlace,
  model: string | undefined,
): Promise<readonly ModelManifest[]> {
  const { findManifest, listManifests, readManifest } = await import("../model/mod.ts");
  if (model === undefined) {
    return (await listManifests(place)).map((each) => {
      if ("error" in each) throw each.error;
      return each.manifest;
    });
  }
  const found = await readManifest(place, model) ??
    await findManifest(place, absolutePath(io, model));
  if (found !== undefined) return [found];
  const advice = `run "skep model add" first`;
  throw new CliError({
    exitCode: exitCodes.failure,
    message: `Cannot verify "${safeText(model)}" as it has no manifest: ${advice}`,
  });
}

async function verifyOne(
  io: CliIo,
  place: ManifestPlace,
  manifest: ModelManifest,
): Promise<Verified> {
  const { manifestFile, verifyModel } = await import("../model/mod.ts");
  const { name } = manifest;
  const beganMs = io.clock.monotonicMs();
  const verdict = await withBar(
    io,
    { verb: "Verifying", what: name },
    (read) => verifyModel({ ...place, ...read, manifest }),
  );
  const durationMs = Math.round(io.clock.monotonicMs() - beganMs);
  return { name, path: manifestFile(place.directory, manifest), verdict, durationMs };
}

function lineOf(io: CliIo, { name, path, verdict, durationMs }: Verified): string {
  const paint = painterFor(io, io.stdout);
  if (verdict.state === "intact") {
    const speed = formatBytes(Math.round(verdict.sizeBytes * 1000 / Math.max(1, durationMs)));
    return `${name}: ${paint("green", "intact")}, ${formatBytes(verdict.sizeBytes)}, ${speed}/s\n`;
  }
  return `${name}: ${paint("red", sentenceOf(verdict, safeText(path)))}\n`;
}

function sentenceOf(verdict: Exclude<ModelVerdict, { state: "intact" }>, path: string): string {
  switch (verdict.state) {
    case "missing":
      return `there is no file ${path}`;
    case "wrong-length":
      return `${path} has another length than it had: ${verdict.sizeBytes} bytes`;
    case "damaged": {
      const parts = verdict.parts.length === 0 ? "padding only" : verdict.parts.join(", ");
      return `${path} is damaged, first at offset ${verdict.offsetBytes} (${parts})`;
    }
    case "outboard-damaged":
      return `the outboard of ${path} is damaged at offset ${verdict.offsetBytes}: ` +
        `run "skep model add" again if the file is the right one`;
  }
}
