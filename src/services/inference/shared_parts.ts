/**
 * Models that the mesh has: finding one by its name, and having its parts fetched.
 */
import type { Host } from "../../kernel/mod.ts";
import type { FetchItem, HeldParts } from "../parts/mod.ts";
import { ModelError } from "../../model/mod.ts";
import { memberName } from "./holder_memory.ts";
import { gapGraceMs, meshModelWaitMs } from "./limits.ts";
import type { AwaitedMembers, MeshView } from "./mesh_view.ts";
import { callReady, meshStateOf } from "./ready_call.ts";

/** What of a model is wanted here. */
export interface WantedParts {
  readonly root: string;
  readonly layers?: { readonly from: number; readonly to: number };
  readonly embedding?: boolean;
  readonly head?: boolean;
}

/** The bus topic of what a node waits for before it can load its model: `{ name, sentence }`. */
export const waitTopic = "model.wait";

/** What people are told of how long it waits. */
const waitSeconds = meshModelWaitMs / 1000;

/** How often it is looked who has come. */
const lookMs = 250;

/**
 * The root of a model that the mesh, or this node's own parts, know by a name. While members are away,
 * or have not said yet what they have, it waits for them a while, and says so on the bus.
 *
 * @returns undefined where the node is in no mesh, or was removed from it
 * @throws {ModelError} "not-found", naming the models that there are
 */
export async function sharedRoot(
  name: string,
  { host, view }: { readonly host: Host; readonly view: MeshView },
): Promise<string | undefined> {
  if (!await isInMesh(host)) return undefined;
  const own = (await listParts(host)).find((held) => held.name === name);
  if (own !== undefined) return own.root;
  // Who was put out of its mesh is told nothing by it any more.
  if (await meshStateOf(host) === "removed") return undefined;
  const beganMs = host.clock.monotonicMs();
  for (let told = "";;) {
    host.signal.throwIfAborted();
    const found = view.offered().find((model) => model.name === name);
    if (found !== undefined) return found.root;
    const awaited = await view.awaited();
    const waitedMs = host.clock.monotonicMs() - beganMs;
    const isOver = awaited.away.length + awaited.silent.length === 0
      ? waitedMs >= gapGraceMs
      : waitedMs >= meshModelWaitMs;
    if (isOver) throw notInMesh(name, { view, awaited });
    const sentence = `Waiting up to ${waitSeconds} s for ${awaitedWords(awaited)}: ${
      nobodyHas(name, view)
    }`;
    if (waitedMs >= gapGraceMs && sentence !== told) {
      told = sentence;
      host.bus.publish(waitTopic, { name, sentence });
    }
    await view.changed(lookMs);
  }
}

function notInMesh(
  name: string,
  { view, awaited }: { readonly view: MeshView; readonly awaited: AwaitedMembers },
): ModelError {
  const isAwaited = awaited.away.length + awaited.silent.length > 0;
  const waited = isAwaited ? `; it waited ${waitSeconds} s for ${awaitedWords(awaited)}` : "";
  const message = `Cannot find model ${quoted(name)} as no file here has that name and ${
    nobodyHas(name, view)
  }`;
  return new ModelError("not-found", `${message}${waited}`);
}

/** Models, or members, that a sentence names. */
const namedMax = 16;

function nobodyHas(name: string, view: MeshView): string {
  const names = [...new Set(view.offered().map((model) => quoted(model.name)))];
  const more = names.length > namedMax ? ` and ${names.length - namedMax} others` : "";
  const has = names.length === 0 ? "no model" : `${names.slice(0, namedMax).join(", ")}${more}`;
  return `no member of the mesh that is there has ${quoted(name)}: they have ${has}`;
}

function awaitedWords({ away, silent }: AwaitedMembers): string {
  const listed = (members: AwaitedMembers["away"], what: string): readonly string[] =>
    members.length === 0
      ? []
      : [`${members.slice(0, namedMax).map(memberName).join(", ")}, ${what}`];
  return [...listed(away, "away"), ...listed(silent, "loading")].join(", and ");
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 128));
}

/**
 * Sees to it that parts are on this node's disk.
 *
 * @throws {RpcError} when nobody has them
 */
export async function fetchShared(
  host: Host,
  { wanted, onProgress }: {
    readonly wanted: WantedParts;
    readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  },
): Promise<HeldParts> {
  const own = (await listParts(host)).find(({ root }) => root === wanted.root);
  if (own !== undefined && has(own, wanted)) return own;
  for await (const item of host.stream("parts", "parts.fetch", wanted, host.signal)) {
    const fetched = item as FetchItem;
    if (fetched.type === "progress") onProgress(fetched.doneBytes, fetched.totalBytes);
    if (fetched.type === "done") return fetched.held;
  }
  throw new RangeError(
    `Cannot fetch parts of a model as the fetch ended without them: its root is ${wanted.root}`,
  );
}

/** The root of a file that nobody has read whole yet; it takes one reading. */
export async function adoptedRoot(host: Host, path: string): Promise<string> {
  const held = await callReady(host, { service: "parts", method: "parts.adopt", params: { path } });
  return (held as HeldParts).root;
}

/** Whether the node is in a mesh; a node without the service is not. */
export async function isInMesh(host: Host): Promise<boolean> {
  return !["none", undefined].includes(await meshStateOf(host));
}

async function listParts(host: Host): Promise<readonly HeldParts[]> {
  const call = { service: "parts", method: "parts.list", params: {} };
  return await callReady(host, call) as readonly HeldParts[];
}

function has(held: HeldParts, { layers, embedding = false, head = false }: WantedParts): boolean {
  if (held.complete) return true;
  const isRun = layers === undefined ||
    (layers.from >= held.layers.from && layers.to <= held.layers.to);
  return isRun && (held.embedding || !embedding) && (held.head || !head);
}
