/** Meshes over loopback for tests, with what to wait for. */
import { createLibp2pMesh } from "../../../src/mesh/mod.ts";
import { realClock } from "../../../src/ports/mod.ts";
import type {
  MeshEvent,
  MeshGate,
  MeshListenOptions,
  MeshNetwork,
  MeshStream,
  PeerKey,
} from "../../../src/ports/mod.ts";

/** The clock of all tests here: libp2p has timers of its own. */
export const clock = realClock();

/** Lets everybody in, to everything. */
export const openGate: MeshGate = { admits: () => true, allows: () => true };

/** 32 bytes of seed for a node by number. */
export function seedOf(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}

const MESH_ID: PeerKey = createLibp2pMesh({ seed: seedOf(1), clock }).self;

/** A node that listens. */
export interface Node {
  readonly mesh: MeshNetwork;
  readonly addresses: readonly string[];
  /** What could not be had. */
  readonly missing?: readonly string[];
}

/** How to listen on loopback over TCP alone. */
export function listenOptions(options: Partial<MeshListenOptions> = {}): MeshListenOptions {
  return { tcp: "127.0.0.1:0", iroh: false, meshId: MESH_ID, ...options };
}

/** Starts nodes, hands them to `use`, and closes them. */
export async function withNodes(
  gates: readonly (MeshGate | undefined)[],
  use: (...nodes: readonly Node[]) => Promise<void>,
  options: Partial<MeshListenOptions> = {},
): Promise<void> {
  const nodes: Node[] = [];
  try {
    for (const [at, gate] of gates.entries()) {
      const mesh = createLibp2pMesh({ seed: seedOf(at + 1), clock });
      const listening = await mesh.listen(listenOptions(options), gate ?? openGate);
      nodes.push({ mesh, ...listening });
    }
    await use(...nodes);
  } finally {
    await Promise.all(nodes.map(({ mesh }) => mesh.close()));
  }
}

/** A node by number. */
export function nodeAt(nodes: readonly Node[], at: number): Node {
  const node = nodes[at];
  if (node === undefined) throw new RangeError(`There is no node ${at}`);
  return node;
}

/** Links `from` with `to`. */
export async function link(from: Node, to: Node): Promise<void> {
  await from.mesh.dial(to.mesh.self, { addresses: to.addresses, signal: patience() });
}

/** A signal that aborts when a test has waited long enough. */
export function patience(waitMs = 30_000): AbortSignal {
  return AbortSignal.timeout(waitMs);
}

/** Both ends of a new stream. */
export async function streamBetween(
  from: Node,
  to: Node,
): Promise<readonly [MeshStream, MeshStream]> {
  const protocol = `/test/${Math.random()}`;
  const served = Promise.withResolvers<MeshStream>();
  const end = to.mesh.handle(protocol, served.resolve);
  const opened = await from.mesh.open(to.mesh.self, protocol);
  const other = await served.promise;
  end();
  return [opened, other];
}

/** Resolves with the first event that fits, of those that come from now on. */
export async function nextEvent(
  mesh: MeshNetwork,
  kind: MeshEvent["kind"],
): Promise<MeshEvent> {
  for await (const event of mesh.events(patience())) if (event.kind === kind) return event;
  throw new RangeError(`There was no event "${kind}" in time`);
}

/** All frames of a stream, to its clean end. */
export async function collect(stream: MeshStream): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of stream.frames) frames.push(frame);
  return frames;
}
