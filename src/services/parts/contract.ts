/** What the service "parts" promises: its methods, their parameters and their answers. */
import * as v from "valibot";
import { callContract, streamContract } from "../../kernel/mod.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const root = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits"),
  v.description("BLAKE3 of the model's file, 64 hex digits."),
);
const layers = v.pipe(
  v.strictObject({ from: count, to: count }),
  v.check(({ from, to }) => from <= to, "it must not end before it begins"),
);

const held = v.object({
  root,
  name: v.string(),
  sizeBytes: count,
  layerCount: count,
  layers: v.pipe(layers, v.description("The longest run of whole layers, [from, to).")),
  embedding: v.boolean(),
  head: v.boolean(),
  complete: v.boolean(),
  path: v.pipe(
    v.string(),
    v.description("The file; where the model is not complete, what is missing reads as zeros."),
  ),
});

/** A model of which something is on this node's disk. */
export type HeldParts = v.InferOutput<typeof held>;

/** What `parts.fetch` streams. */
const fetched = v.variant("type", [
  v.object({ type: v.literal("progress"), doneBytes: count, totalBytes: count }),
  v.object({
    type: v.literal("bad-peer"),
    key: v.string(),
    reason: v.pipe(v.string(), v.description("Why it is not asked any more.")),
  }),
  v.object({ type: v.literal("done"), held }),
]);

/** What `parts.fetch` streams. */
export type FetchItem = v.InferOutput<typeof fetched>;

/** The contract. */
export const partsContract = {
  "parts.list": callContract({
    summary: "Lists the models of which something is on this node's disk, checked.",
    params: v.optional(v.strictObject({}), {}),
    result: v.pipe(v.array(held), v.readonly()),
  }),
  "parts.adopt": callContract({
    summary: "Sees to it that a model file has a root and a tree, which takes one reading of it.",
    params: v.strictObject({
      path: v.pipe(v.string(), v.maxLength(4096), v.description("The file, absolute.")),
    }),
    result: held,
  }),
  "parts.fetch": streamContract({
    summary: "Fetches parts of a model from the mesh, each chunk checked against the root.",
    params: v.strictObject({
      root,
      layers: v.optional(layers, { from: 0, to: 0 }),
      embedding: v.optional(v.boolean(), false),
      head: v.optional(v.boolean(), false),
    }),
    result: fetched,
  }),
};
