/** The section `placement`: which nodes may compute what. */
import * as v from "valibot";
import { wholeNumber } from "../../kernel/mod.ts";

/** The schema. */
export const placementConfig = v.strictObject({
  ownEdgeLayers: v.pipe(
    v.optional(wholeNumber({ from: 0, to: 4096 }), 1),
    v.description(
      "Layers at either end of a model that only own nodes may compute: who computes early ones can recover prompts.",
    ),
  ),
  ownEnds: v.pipe(
    v.optional(v.boolean("it must be true or false"), true),
    v.description("Whether only own nodes may embed tokens and compute logits."),
  ),
  roomPositions: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 1 << 24 }), 128),
    v.description("Positions that a node must have room for to be given layers."),
  ),
});

/** The section, checked. */
export type PlacementConfig = v.InferOutput<typeof placementConfig>;

/** What holds before the service has said what is configured, and where it is not run. */
export const rulesDefault: PlacementConfig = v.parse(placementConfig, {});

/** Bus topic with the `PlacementConfig` that holds; subscribe with `replay: 1`. */
export const rulesTopic = "placement.rules";
