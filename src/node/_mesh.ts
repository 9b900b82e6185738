/** The mesh port of a node: what the caller gave, else one that has no transport. */
import type { Identity } from "../identity/mod.ts";
import { absentMesh } from "../ports/mod.ts";
import type { MeshNetwork } from "../ports/mod.ts";
import { hostIdentity } from "./_host_identity.ts";
import type { RunOptions } from "./run_options.ts";

/** The mesh for these options. */
export function nodeMesh(options: RunOptions, identity: Identity): MeshNetwork {
  if (options.mesh !== undefined) return options.mesh;
  return absentMesh({ self: hostIdentity(identity).key, why: "this build has no transport" });
}
