/** The mesh port of a node: what the caller gave, else libp2p, which loads nothing until it listens. */
import { createLibp2pMesh } from "../mesh/mod.ts";
import type { PeerRow } from "../mesh/mod.ts";
import type { NodeLog } from "../kernel/mod.ts";
import { readWholeFile } from "../ports/mod.ts";
import type { MeshNetwork } from "../ports/mod.ts";
import type { NodePorts } from "./_ports.ts";
import type { NodePaths } from "./paths.ts";
import type { BootstrapPeer, RunOptions } from "./run_options.ts";

/** Bytes of the node's key. */
const seedBytes = 32;

/** The mesh of a node whose key file is there. @throws {DiskError} */
export async function nodeMesh(
  boot: {
    readonly options: RunOptions;
    readonly ports: NodePorts;
    readonly paths: NodePaths;
    readonly log: NodeLog;
  },
): Promise<MeshNetwork> {
  const { options, ports: { disk, clock }, paths } = boot;
  if (options.mesh !== undefined) return options.mesh;
  // The transport proves the same key as every signature, so it is the second to read it.
  const seed = options.key ??
    await readWholeFile(disk, { path: paths.keyFile, bytesMax: seedBytes });
  const mesh = createLibp2pMesh({ seed, clock, log: boot.log.withSource("mesh") });
  if (options.key === undefined) seed.fill(0);
  return mesh;
}

/** A caller's row in the form of peers.json. */
export function peerRowOf({ key, alias, hints = [] }: BootstrapPeer): PeerRow {
  return { key, hints: [...hints], ...(alias === undefined ? {} : { alias }) };
}
