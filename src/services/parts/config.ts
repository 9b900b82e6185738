/** The section `parts` of the configuration. */
import * as v from "valibot";

/** Checks the section and fills in defaults. */
export const partsConfig = v.strictObject({
  share: v.pipe(
    v.optional(v.boolean("it must be true or false"), true),
    v.description(
      "Whether nodes of the mesh may fetch parts of this node's models; only rostered nodes ever can.",
    ),
  ),
});

/** The section, checked. */
export type PartsConfig = v.InferOutput<typeof partsConfig>;
