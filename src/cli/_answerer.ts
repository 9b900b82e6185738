/** Who answers `skep chat`: the running node for its models and those of its mesh, else a private one. */
import { modelOf, modelsOf } from "./_chat_client.ts";
import { isModelHere, isModelName } from "./_model_argument.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { startPrivateNode } from "./_private_node.ts";
import { findNode, withDeadline } from "./_running_node.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** Who answers. */
export interface Answerer {
  readonly baseUrl: string;
  readonly model: string;
  stop(): Promise<void>;
}

/** Who is asked for. */
export interface AnswererOptions extends PlaceOptions {
  readonly model: string | undefined;
  readonly private: boolean;
}

/**
 * Who answers: the running node, or a private one where none runs or the model is a file of this
 * machine.
 *
 * @throws {CliError} exit code 3 for a name that only the mesh may have, when no node runs
 * @throws the signal's reason when it aborts
 */
export async function answererOf(
  io: CliIo,
  about: { readonly options: AnswererOptions; readonly signal: AbortSignal },
): Promise<Answerer> {
  const { options, signal } = about;
  const answerer = options.private ? undefined : await runningAnswerer(io, about);
  if (answerer !== undefined) return answerer;
  const node = await startPrivateNode(io, { ...options, signal });
  try {
    const { id } = await modelOf({ network: io.network, baseUrl: node.baseUrl, signal });
    return { ...node, model: id };
  } catch (thrown) {
    await node.stop();
    throw thrown;
  }
}

/** The running node, when there is one and it is to be asked: for a model that it or its mesh has. */
async function runningAnswerer(
  io: CliIo,
  { options, signal }: { readonly options: AnswererOptions; readonly signal: AbortSignal },
): Promise<Answerer | undefined> {
  const { model: wanted } = options;
  const node = await findNode(io, pathsOf(io, options));
  const baseUrl = node?.info.addresses["api"];
  if (node === undefined || baseUrl === undefined) {
    await refuseMeshModel(io, options);
    return undefined;
  }
  const { network } = io;
  const models = await withDeadline(io, {
    info: node.info,
    ask: (late) => modelsOf({ network, baseUrl, signal: AbortSignal.any([signal, late]) }),
  });
  const stop = (): Promise<void> => Promise.resolve();
  const [own] = models;
  if (wanted === undefined) {
    if (own !== undefined) return { baseUrl, model: own.id, stop };
    throw new CliError({ exitCode: exitCodes.failure, message: "The node serves no model" });
  }
  const isServed = models.some(({ id }) => id === wanted);
  // What no file here is called, it may know all the same; if not, it says which models there are.
  if (
    !isServed && (!isModelName(wanted) || await isModelHere(io, { place: options, model: wanted }))
  ) {
    return undefined;
  }
  return { baseUrl, model: wanted, stop };
}

/** A private node is in no mesh. @throws {CliError} exit code 3 for a name that only the mesh may have */
async function refuseMeshModel(io: CliIo, options: AnswererOptions): Promise<void> {
  const { model } = options;
  if (model === undefined || !isModelName(model)) return;
  if (await isModelHere(io, { place: options, model })) return;
  const { hasMesh } = await import("../services/network/mod.ts");
  if (!await hasMesh(io.disk, pathsOf(io, options).directories.state)) return;
  throw new CliError({
    exitCode: exitCodes.state,
    message: `Cannot ask model ${JSON.stringify(model)} as no file here has that name and ` +
      'no node runs, which could ask its mesh: start one with "skep up"',
  });
}
