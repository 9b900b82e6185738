/**
 * What a node says of itself to the mesh: what it speaks, which models and parts it has, how much
 * room is left. It travels in hello and by gossip, so it is decoded strictly and bounded: everything
 * in it is a peer's claim, to be checked by whoever relies on it.
 */
import * as v from "valibot";
import { count, hex128, hex64 } from "./_forms.ts";

/** Models that a node may claim to have. */
export const sharedModelsMax = 64;

/** UTF-8 bytes of one node's capabilities as JSON, at most. */
export const capabilitiesBytesMax: number = 32 * 1024;

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0));

/** Layers of a model, the first included and the last not: [from, to). */
const layerRange = v.pipe(
  v.strictObject({
    from: v.pipe(count, v.maxValue(4096)),
    to: v.pipe(count, v.maxValue(4096)),
  }),
  v.check(({ from, to }) => from <= to, "it must not end before it begins"),
);

/** Placeable parts of a model. */
const modelParts = v.strictObject({
  layers: v.pipe(layerRange, v.description("The layers [from, to); empty when from is to.")),
  embedding: v.boolean(),
  head: v.pipe(v.boolean(), v.description("The output norm and matrix.")),
  complete: v.pipe(v.boolean(), v.description("Whether it is the whole model.")),
});

/** A model that a node has, or has parts of. */
const modelShare = v.strictObject({
  root: v.pipe(hex64, v.description("BLAKE3 of the whole file, in hex.")),
  name,
  layerCount: v.pipe(count, v.minValue(1), v.maxValue(4096)),
  parts: v.pipe(modelParts, v.description("What is on its disk, whole and verified.")),
  loaded: v.pipe(
    v.optional(modelParts),
    v.description("What it computes right now; without it, nothing of this model."),
  ),
  numericClass: v.optional(name),
  contextMax: v.pipe(
    v.optional(count),
    v.description("Positions of a request at most, as the model was made for."),
  ),
  layerMs: v.pipe(
    v.optional(milliseconds),
    v.description("Measured time of one layer for one position, in milliseconds."),
  ),
  freePositions: v.pipe(
    v.optional(count),
    v.description("Positions of attention cache that are free for this model."),
  ),
});

const headroom = v.strictObject({
  totalSlots: count,
  pressure: v.picklist(["cool", "warm", "hot", "refuse"]),
  p95Ms: v.optional(milliseconds),
});

/** A journal's head with its author's signature, as `isHeadOf` checks it. */
export const logHeadSchema = v.strictObject({
  size: count,
  root: hex64,
  tsMs: count,
  signature: hex128,
});

const fields = {
  protocols: v.pipe(
    v.array(v.pipe(v.string(), v.regex(/^\/skep\/[a-z-]{1,32}\/[0-9]{1,4}$/))),
    v.maxLength(32),
    v.description('The protocols it serves: "/skep/stage/1".'),
  ),
  numericClasses: v.pipe(
    v.array(name),
    v.maxLength(16),
    v.description("The numeric classes that it can compute in."),
  ),
  models: v.pipe(v.array(modelShare), v.maxLength(sharedModelsMax)),
  freeSlots: v.pipe(
    v.nullable(count),
    v.description("Requests that it would take now; null for any number, 0 when it is full."),
  ),
  headroom: v.nullable(headroom),
  memoryFreeBytes: v.nullable(count),
  logHead: v.pipe(
    v.nullable(logHeadSchema),
    v.description("How far its journal has come, signed; in hello only."),
  ),
};

/** What a node says of itself, whole. */
export const capabilitiesSchema = v.strictObject(fields);

/** What a node says of itself. */
export type Capabilities = v.InferOutput<typeof capabilitiesSchema>;

/** A model that a node has, or has parts of. */
export type ModelShare = v.InferOutput<typeof modelShare>;

/** Placeable parts of a model. */
export type ModelParts = v.InferOutput<typeof modelParts>;

/** What one of a node's services adds to what the node says. */
export const capabilitiesPatchSchema = v.partial(capabilitiesSchema);

/** What one of a node's services adds to what the node says. */
export type CapabilitiesPatch = v.InferOutput<typeof capabilitiesPatchSchema>;

/** Of a node that has said nothing yet. */
export const noCapabilities: Capabilities = {
  protocols: [],
  numericClasses: [],
  models: [],
  freeSlots: 0,
  headroom: null,
  memoryFreeBytes: null,
  logHead: null,
};

/**
 * What the services say together: lists are joined without repetition, models of one root become one
 * (a later source's fields win), of the rest the last that was said holds.
 */
export function joinCapabilities(patches: Iterable<CapabilitiesPatch>): Capabilities {
  let joined: Capabilities = noCapabilities;
  for (const patch of patches) {
    const said = Object.entries(patch).filter(([, value]) => value !== undefined);
    joined = {
      ...joined,
      ...Object.fromEntries(said),
      protocols: union(joined.protocols, patch.protocols),
      numericClasses: union(joined.numericClasses, patch.numericClasses),
      models: joinModels(joined.models, patch.models),
    };
  }
  return joined;
}

function union(known: readonly string[], more: readonly string[] = []): string[] {
  return [...new Set([...known, ...more])];
}

function joinModels(known: readonly ModelShare[], more: readonly ModelShare[] = []): ModelShare[] {
  const byRoot = new Map(known.map((model) => [model.root, model]));
  for (const model of more) byRoot.set(model.root, { ...byRoot.get(model.root), ...model });
  return [...byRoot.values()];
}
