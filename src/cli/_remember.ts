/** What `skep join`, and `skep up --save`, have the node remember: its model, and which layers of it. */
import {
  forgetRemembered,
  loadNodeConfiguration,
  readRemembered,
  writeRemembered,
} from "../node/mod.ts";
import type { ConfiguredSetting, RememberedChoice } from "../node/mod.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { flagConfig } from "./_up_config.ts";
import type { CliIo } from "./cli_io.ts";
import { sentenceOf } from "./exit_code.ts";
import type { UpOptions } from "./up.ts";

/** Who tells a node what to remember. */
export const joinCommandName = "skep join";
const saveCommandName = "skep up --save";

/**
 * Has the node remember the model and the layers that the options name; another model comes without
 * the layers of the one before.
 *
 * @returns whether there was anything to remember
 * @throws {DiskError}
 */
export async function remember(
  io: CliIo,
  { options, by = saveCommandName }: { readonly options: UpOptions; readonly by?: string },
): Promise<boolean> {
  const { model, layers } = flagConfig(io, options).config["inference"] ?? {};
  if (model === undefined && layers === undefined) return false;
  const paths = pathsOf(io, options);
  const file = { disk: io.disk, path: paths.rememberedFile };
  const before = model === undefined ? await readRemembered(file) : undefined;
  const settings = await fileSettings(io, options);
  const chosen = (key: "model" | "layers", value: unknown): RememberedChoice | undefined =>
    typeof value === "string" ? { value, over: settings(`inference.${key}`) } : undefined;
  const all = {
    model: chosen("model", model) ?? before?.model,
    layers: chosen("layers", layers) ?? before?.layers,
  };
  await writeRemembered(file, {
    by,
    ...(all.model === undefined ? {} : { model: all.model }),
    ...(all.layers === undefined ? {} : { layers: all.layers }),
  });
  return true;
}

/**
 * Has a node that is ready remember what it was asked to. Never rejects: that it can't be written does
 * not end the node.
 */
export async function keepChoices(io: CliIo, options: UpOptions): Promise<void> {
  if (options.save !== true) return;
  const { savedBy: by } = options;
  try {
    const isSaved = await remember(io, { options, ...(by === undefined ? {} : { by }) });
    if (isSaved || by !== undefined) return;
    io.stderr.write("Note: Nothing is remembered as neither --model nor --layers was given\n");
  } catch (thrown) {
    io.stderr.write(`Warning: Model and layers are not remembered: ${sentenceOf(thrown)}\n`);
  }
}

/** Forgets what `skep join` had the node remember; returns whether it did. @throws {DiskError} */
export async function forgetJoined(io: CliIo, place: PlaceOptions): Promise<boolean> {
  const file = { disk: io.disk, path: pathsOf(io, place).rememberedFile };
  if ((await readRemembered(file))?.by !== joinCommandName) return false;
  return await forgetRemembered(file);
}

/** What skep.toml itself says of a setting; null when it says nothing. */
async function fileSettings(
  io: CliIo,
  options: UpOptions,
): Promise<(path: string) => string | null> {
  const { settings } = await loadNodeConfiguration({
    paths: pathsOf(io, options),
    environment: () => undefined,
    disk: io.disk,
    file: options.config === undefined ? "optional" : "required",
    ignoreRemembered: true,
  });
  const byPath = new Map<string, ConfiguredSetting>(settings.map((one) => [one.path, one]));
  return (path) => {
    const { value, from } = byPath.get(path) ?? {};
    return from === "default" || typeof value !== "string" ? null : value;
  };
}
