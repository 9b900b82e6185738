/**
 * Opens the node's ports in a mesh. With port 0 the port that was free at first is kept, so that the
 * addresses that others remember stay right; when somebody else has it, another one is taken.
 */
import { cardAddressesMax } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { MeshGate, MeshListening, MeshNetwork, PeerKey } from "../../ports/mod.ts";
import type { NetworkConfig } from "./config.ts";
import type { MeshFiles } from "./mesh_files.ts";
import { multiaddressOf } from "./peer_book.ts";

/** What is opened, and where. */
export interface ListenRequest {
  readonly network: MeshNetwork;
  readonly config: NetworkConfig;
  readonly files: Pick<MeshFiles, "readPort" | "writePort">;
  readonly gate: MeshGate;
  readonly meshId: PeerKey;
}

/** Listens. @throws {MeshError} "no-transport" */
export async function listenInMesh(request: ListenRequest): Promise<MeshListening> {
  const { config: { tcpListen, advertise }, files } = request;
  const isFree = tcpListen !== false && tcpListen.endsWith(":0");
  const port = isFree ? await files.readPort() : undefined;
  const kept = port === undefined || tcpListen === false
    ? tcpListen
    : tcpListen.replace(/0$/, String(port));
  const listening = await listenOrElse(request, { kept, otherwise: tcpListen });
  const bound = portOf(listening.addresses);
  if (isFree && bound !== undefined && bound !== port) await files.writePort(bound);
  const addresses = advertise.length > 0 ? advertise.map(multiaddressOf) : listening.addresses;
  return { ...listening, addresses: addresses.slice(0, cardAddressesMax) };
}

async function listenOrElse(
  { network, config, gate, meshId }: ListenRequest,
  { kept, otherwise }: { readonly kept: string | false; readonly otherwise: string | false },
): Promise<MeshListening> {
  const { iroh } = config;
  if (kept !== otherwise) {
    try {
      const listening = await network.listen({ tcp: kept, iroh, meshId }, gate);
      if (portOf(listening.addresses) !== undefined) return listening;
    } catch {
      // Somebody has the port by now; what else is wrong shows again below.
    }
    await network.close();
  }
  try {
    return await network.listen({ tcp: otherwise, iroh, meshId }, gate);
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new MeshError({
      code: "no-transport",
      message: `Cannot listen in the mesh at ${otherwise} as the system says: ${why}`,
      cause: thrown,
    });
  }
}

function portOf(addresses: readonly string[]): number | undefined {
  for (const address of addresses) {
    const port = /\/tcp\/(\d+)/.exec(address)?.[1];
    if (port !== undefined) return Number(port);
  }
  return undefined;
}
