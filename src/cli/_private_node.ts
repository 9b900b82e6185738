/** A node inside this process, for one command: its files live in a temporary folder until it ends. */
import { join } from "node:path";
import { encodeHex } from "../hot/mod.ts";
import { run } from "../node/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { checkModel, modelSetting } from "./_model_argument.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { ModelProgress } from "./_progress.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** A private node that is ready. */
export interface PrivateNode {
  /** The address of its API. */
  readonly baseUrl: string;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts one, with the models and limits of the user's skep.toml, on a free port.
 *
 * @throws the signal's reason when it aborts before the node is ready; nothing is left behind
 */
export async function startPrivateNode(
  io: CliIo,
  options: PlaceOptions & { readonly model: string | undefined; readonly signal: AbortSignal },
): Promise<PrivateNode> {
  const name = encodeHex(io.random.fill(new Uint8Array(8)));
  const home = join(io.environment("TMPDIR") ?? "/tmp", `skep-chat-${name}`);
  const model = options.model === undefined
    ? undefined
    : await checkModel(io, { place: options, model: modelSetting(io, options.model) });
  const progress = new ModelProgress(io);
  // What goes wrong before it is ready is thrown, with its own sentence.
  let isReady = false;
  const { configFile } = pathsOf(io, options);
  try {
    const node = await run({
      api: { listen: "127.0.0.1:0" },
      ...(model === undefined ? {} : { inference: { model } }),
    }, {
      home,
      configFile: await io.disk.stat(configFile) === undefined ? false : configFile,
      environment: (key) => key === "SKEP_SOCKET_DIR" ? undefined : io.environment(key),
      log: { level: "error", form: "text", write: (line) => isReady && io.stderr.write(line) },
      signal: options.signal,
      onProgress: (event) => progress.show(event),
      ...{ clock: io.clock, network: io.network, random: io.random },
      ...(io.diskIsReal ? {} : { disk: io.disk }),
    });
    isReady = true;
    progress.clear();
    const baseUrl = node.addresses["api"];
    if (baseUrl === undefined) {
      await node.stop();
      throw new CliError({ exitCode: exitCodes.failure, message: "The private node has no API" });
    }
    const stop = async (): Promise<void> => {
      await node.stop();
      await removeTree(io.disk, home);
    };
    return { baseUrl, stop };
  } catch (thrown) {
    progress.clear();
    await removeTree(io.disk, home);
    throw thrown;
  }
}

/** Removes a folder that this process made, with all that is in it. */
async function removeTree(disk: Disk, path: string): Promise<void> {
  const info = await disk.stat(path);
  if (info === undefined) return;
  if (info.kind !== "directory") return await disk.remove(path);
  for (const name of await disk.list(path)) await removeTree(disk, join(path, name));
  await disk.removeDirectory(path);
}
