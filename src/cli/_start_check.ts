/**
 * What can be known to be wrong with a start before it begins: settings, ports, the model and its
 * layers where the model is here. A model of the mesh is only known in the mesh.
 */
import { checkModel, isModelName } from "./_model_argument.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { isRecord } from "./_records.ts";
import { flagConfig } from "./_up_config.ts";
import type { CliIo } from "./cli_io.ts";
import type { UpOptions } from "./up.ts";

/**
 * Checks a start that is to come after something that can't be undone.
 *
 * @param about `ignoreRemembered`: what the node was told to remember is going to be forgotten
 * @throws {CliError} exit code 2 for a `--set` that is not KEY=VALUE
 * @throws {NodeError} "config" with every violation; "port-taken"
 * @throws {ModelError} when a file is no model, or is not there
 * @throws {RangeError} when the model has no such layers
 */
export async function checkStart(
  io: CliIo,
  { options, ignoreRemembered }: {
    readonly options: UpOptions;
    readonly ignoreRemembered: boolean;
  },
): Promise<void> {
  const { loadNodeConfiguration, refuseTakenPorts } = await import("../node/mod.ts");
  const { environment, disk, network, clock } = io;
  const configuration = await loadNodeConfiguration({
    ...{ environment, disk, ignoreRemembered, paths: pathsOf(io, options) },
    ...flagConfig(io, options),
    file: options.config === undefined ? "optional" : "required",
  });
  await refuseTakenPorts({ configuration, ports: { network, clock } });
  const { inference } = configuration.values;
  const { model, layers } = isRecord(inference) ? inference : {};
  if (typeof model !== "string" || typeof layers !== "string") return;
  await checkParts(io, { place: options, model, layers });
}

async function checkParts(
  io: CliIo,
  about: { readonly place: PlaceOptions; readonly model: string; readonly layers: string },
): Promise<void> {
  const { findModel, ModelError, openFoundModel, openGguf, readModelShape } = await import(
    "../model/mod.ts"
  );
  try {
    await checkModel(io, about);
  } catch (thrown) {
    // It may be the name of a model of the mesh.
    const isUnknown = thrown instanceof ModelError && thrown.code === "not-found";
    if (isUnknown && isModelName(about.model)) return;
    throw thrown;
  }
  const { layersWithin } = await import("../services/inference/mod.ts");
  const place = { disk: io.disk, directory: pathsOf(io, about.place).directories.models };
  const source = await openFoundModel(place, await findModel(place, about.model));
  try {
    layersWithin(about.layers, readModelShape(await openGguf(source)).layerCount);
  } finally {
    await source.close();
  }
}
