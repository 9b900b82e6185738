/** What the service "placement" promises: its methods, their parameters and their answers. */
import * as v from "valibot";
import { callContract } from "../../kernel/mod.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const milliseconds = v.pipe(v.number(), v.description("Milliseconds."));
const key = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/),
  v.description("A node's Ed25519 public key: 64 hex digits."),
);
const root = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const numericClass = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const layer = v.pipe(count, v.maxValue(4096));

const place = v.strictObject({
  peer: key,
  from: layer,
  to: v.pipe(layer, v.description("The layer after the last.")),
  embedding: v.boolean(),
  head: v.boolean(),
});

const places = v.pipe(v.array(place), v.maxLength(4096));

const routeQuestion = v.strictObject({
  root,
  numericClass,
  layerCount: v.pipe(count, v.minValue(1), v.maxValue(4096)),
  kept: v.pipe(
    v.optional(places, []),
    v.description("Places that are still good, of the route that is in use."),
  ),
  standbys: v.pipe(v.optional(places, []), v.description("Who is asked first where one is lost.")),
  excluded: v.pipe(
    v.optional(v.pipe(v.array(key), v.maxLength(4096)), []),
    v.description("Who must have no place."),
  ),
});

/** Parameters of `placement.route`. */
export type RouteQuestion = v.InferInput<typeof routeQuestion>;

const routeAnswer = v.nullable(v.object({
  places: v.pipe(v.array(place), v.readonly()),
  standbys: v.pipe(v.array(place), v.readonly()),
}));

/** What `placement.route` answers. */
export type RouteAnswer = v.InferOutput<typeof routeAnswer>;

const trust = v.picklist(["own", "member"]);

const who = {
  peer: key,
  hid: v.pipe(v.string(), v.description('Its id: "skep_" and 64 hex digits.')),
  name: v.pipe(
    v.string(),
    v.description("For people: the short form of its id, behind its alias if it has one."),
  ),
  isSelf: v.boolean(),
  trust,
};

const basis = v.pipe(
  v.picklist(["measured", "estimated", "guessed"]),
  v.description(
    "measured: there; estimated: from what was measured elsewhere; guessed: with a price that is dear on purpose.",
  ),
);

const stage = v.object({
  ...who,
  from: layer,
  to: layer,
  embedding: v.boolean(),
  head: v.boolean(),
  computeMs: v.pipe(milliseconds, v.description("Expected time of one position, ms.")),
  computeBasis: basis,
  hopMs: v.pipe(milliseconds, v.description("Expected time of the way there, ms.")),
  hopBasis: basis,
});

const candidate = v.object({
  ...who,
  reason: v.pipe(
    v.picklist([
      "chosen",
      "standby",
      "not-needed",
      "unreachable",
      "excluded",
      "no-layers",
      "other-class",
      "no-room",
      "no-slot",
      "not-own",
      "no-ends",
    ]),
    v.description("Why it has a place, or none."),
  ),
  words: v.string(),
  readsPrompt: v.pipe(
    v.boolean(),
    v.description(
      "Whether it could recover prompts with its place; without one, with all the layers that it may be given.",
    ),
  ),
  readsAnswer: v.pipe(v.boolean(), v.description("The same of answers.")),
  layerMs: v.pipe(
    v.nullable(milliseconds),
    v.description("Measured time of a layer for a position, ms; null before there was one."),
  ),
  roundTripMs: v.nullable(milliseconds),
  freePositions: v.nullable(count),
  freeSlots: v.nullable(count),
});

const plan = v.object({
  model: v.string(),
  root: v.pipe(
    v.nullable(root),
    v.description("Null for a model that the mesh does not know: this node has it for itself."),
  ),
  layerCount: count,
  numericClass: v.string(),
  isSolo: v.pipe(v.boolean(), v.description("Whether this node computes all of it.")),
  costMs: v.pipe(
    v.nullable(milliseconds),
    v.description("Expected time of one position through all stages and back, ms; null: no way."),
  ),
  costBasis: v.pipe(
    v.nullable(basis),
    v.description("The least reliable of what the time is made of; null without a time."),
  ),
  stages: v.pipe(
    v.nullable(v.pipe(v.array(stage), v.readonly())),
    v.description("In the order of the layers; null where no way leads through all of them."),
  ),
  missing: v.pipe(v.array(layer), v.readonly(), v.description("Layers that nobody at hand has.")),
  candidates: v.pipe(v.array(candidate), v.readonly()),
  readers: v.pipe(
    v.array(key),
    v.readonly(),
    v.description("Other nodes that could recover the prompt."),
  ),
  answerReaders: v.pipe(
    v.array(key),
    v.readonly(),
    v.description("Other nodes that could recover the answer, readers of the prompt among them."),
  ),
});

/** What would be chosen for one model. */
export type PlacementPlan = v.InferOutput<typeof plan>;

const plans = v.object({
  rules: v.object({ ownEdgeLayers: count, ownEnds: v.boolean(), roomPositions: count }),
  plans: v.pipe(v.array(plan), v.readonly()),
});

/** The answer of `placement.plan`. */
export type PlacementPlans = v.InferOutput<typeof plans>;

const overview = v.object({
  atMs: v.pipe(v.number(), v.description("Unix milliseconds.")),
  monotonicMs: v.pipe(v.number(), v.description("For rates: the time between two answers.")),
  hid: v.string(),
  key,
  mesh: v.object({ state: v.string(), memberCount: count, refusals: v.record(v.string(), count) }),
  peers: v.pipe(
    v.array(v.object({
      ...who,
      state: v.picklist(["linked", "alive", "suspect", "gone"]),
      transport: v.nullable(v.string()),
      roundTripMs: v.nullable(milliseconds),
      freeSlots: v.nullable(count),
      totalSlots: v.nullable(count),
      memoryFreeBytes: v.nullable(count),
      layers: v.pipe(
        v.array(v.object({ model: v.string(), from: layer, to: layer })),
        v.readonly(),
        v.description("What it computes."),
      ),
    })),
    v.readonly(),
  ),
  plans: v.pipe(v.array(plan), v.readonly()),
  figures: v.pipe(
    v.record(v.string(), v.number()),
    v.description("Metrics of this node, summed over their labels, without the prefix skep_."),
  ),
  events: v.pipe(
    v.array(v.object({
      atMs: v.number(),
      kind: v.string(),
      key: v.optional(key),
      alias: v.optional(v.string()),
      detail: v.optional(v.string()),
    })),
    v.readonly(),
    v.description("The last ones, the newest last."),
  ),
});

/** The answer of `mesh.overview`. */
export type MeshOverview = v.InferOutput<typeof overview>;

const modelName = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(128),
  v.description("A model's name, or 8 digits or more of its root."),
);

/** The contract. */
export const placementContract = {
  "placement.plan": callContract({
    summary:
      "Tells who would compute which layers of a model, or of all that are known, why, and who could read prompts.",
    get: "/admin/placement",
    params: v.optional(v.strictObject({ model: v.optional(modelName) }), {}),
    result: plans,
    errors: ["notFound"],
  }),
  "placement.route": callContract({
    summary: "Chooses a route through the mesh for a model, keeping what is still good of another.",
    params: routeQuestion,
    result: routeAnswer,
  }),
  "mesh.overview": callContract({
    summary: "Tells how the mesh and this node are, all at once.",
    params: v.optional(v.strictObject({}), {}),
    result: overview,
  }),
};
