/** Where a model's bytes come from: a file of this node, or parts that the mesh has. */
import type { Host } from "../../kernel/mod.ts";
import { fileSource, findModel, ModelError, openFoundModel } from "../../model/mod.ts";
import type { ByteSource } from "../../model/mod.ts";
import { fetchShared, sharedRoot } from "./shared_parts.ts";
import type { StageDesk } from "./stage_desk.ts";

/** What opening needs. */
export interface OpenOptions {
  readonly host: Host;
  readonly desk: StageDesk;
  readonly onProgress: (done: number, total: number) => void;
}

/** Where a model's bytes are. */
export interface OpenedModel {
  readonly source: ByteSource;
  /** Where it is known: a file that was written to since is not the one whose root is known. */
  readonly root: string | undefined;
  readonly path: string | undefined;
  /** Whether it is parts of a model of the mesh, which may have to be fetched. */
  readonly isShared: boolean;
}

/** Opens a model's file, or parts of it that the mesh has. @throws {ModelError}, {RpcError} */
export async function openModel(
  model: string,
  options: OpenOptions,
): Promise<OpenedModel> {
  const { disk, directories, log } = options.host;
  const place = { disk, directory: directories.models };
  try {
    const found = await findModel(place, model);
    if (found.hasChanged && await disk.stat(found.path ?? "") !== undefined) {
      log.warn("The model's file has changed since it was added", {
        path: found.path,
        advice: "add it again with skep model add, or check it with skep model verify",
      });
    }
    const root = found.hasChanged ? undefined : found.manifest?.root;
    return { source: await openFoundModel(place, found), root, path: found.path, isShared: false };
  } catch (thrown) {
    if (!(thrown instanceof ModelError && thrown.code === "not-found")) throw thrown;
    return await openShared(model, options) ?? raise(thrown);
  }
}

/** A model of the mesh, with its header fetched. */
async function openShared(
  model: string,
  { host, desk, onProgress }: OpenOptions,
): Promise<OpenedModel | undefined> {
  const root = await sharedRoot(model, { host, view: desk.view });
  if (root === undefined) return undefined;
  const { path } = await fetchShared(host, { wanted: { root }, onProgress });
  return { source: await fileSource(host.disk, path), root, path, isShared: true };
}

function raise(thrown: unknown): never {
  throw thrown;
}
