/** Shapes of what the service "inference" tells of models. */
import * as v from "valibot";

/** Parameters of `models.info`. */
export const modelParams = v.strictObject({
  model: v.string(),
  /** Whether `layerMs` is measured where it is not known yet, which takes a moment. */
  measure: v.optional(v.boolean(), false),
});

/** Parameters of `models.list`. */
export const noParams = v.optional(v.strictObject({}), {});

const modelCapability = v.picklist(["chat", "completions", "embeddings"]);

/** What a model can be asked for: the part of the API that takes it. */
export type ModelCapability = v.InferOutput<typeof modelCapability>;

/** What `models.list` gives of each model. */
export const modelEntrySchema = v.object({
  id: v.string(),
  createdSeconds: v.pipe(v.number(), v.description("When it was loaded, Unix seconds.")),
  ownedBy: v.string(),
  contextMax: v.pipe(v.number(), v.description("Positions that a request may have.")),
  capabilities: v.pipe(
    v.array(modelCapability),
    v.readonly(),
    v.description("What it can be asked for, by the API's names."),
  ),
});

/** What `models.list` gives of each model. */
export type ModelEntry = Readonly<v.InferOutput<typeof modelEntrySchema>>;

/** What `models.info` gives. */
export const modelInfoSchema = v.object({
  ...modelEntrySchema.entries,
  numericClass: v.string(),
  fingerprint: v.string(),
  source: v.pipe(v.string(), v.description('A path, or "embedded:stories260K".')),
  sizeBytes: v.number(),
  layerCount: v.number(),
  width: v.number(),
  vocabularySize: v.number(),
  hasChatTemplate: v.boolean(),
  layerMs: v.pipe(
    v.exactOptional(v.number()),
    v.description("Measured time of a layer for a position at this node, ms; when asked for."),
  ),
});

/** What `models.info` gives. */
export type ModelInfo = Readonly<v.InferOutput<typeof modelInfoSchema>>;
