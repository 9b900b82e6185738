/** Who computed an answer, as `generate` tells it. */
import * as v from "valibot";

/** A stage of a pipeline. */
const stage = v.object({
  peer: v.pipe(v.string(), v.description("Its key, 64 hex digits.")),
  from: v.number(),
  to: v.pipe(v.number(), v.description("The layer after its last.")),
});

/** The stages at the end of an answer, where the model is spread over nodes. */
export const routeSchema = v.pipe(
  v.array(stage),
  v.readonly(),
  v.description("Who computed which layers at the end, where the model is spread over nodes."),
);

/** The id of an answer's receipt. */
export const receiptIdSchema = v.pipe(
  v.string(),
  v.description("The id that the answer's receipt is going to have, where it gets one."),
);
