/**
 * The `inference` section of the configuration.
 */
import * as v from "valibot";
import { wholeNumber } from "../../kernel/mod.ts";
import {
  drainMsDefault,
  promptChunkDefault,
  queueMaxDefault,
  requestMsMaxDefault,
  slotsDefault,
  speculateDefault,
} from "./limits.ts";

/** Checks the section and fills in defaults. */
export const inferenceConfig = v.strictObject({
  model: v.pipe(
    v.optional(v.pipe(v.string(), v.minLength(1, "it must not be empty")), "embedded"),
    v.description(
      'A GGUF file (relative paths are in the models directory), the name of a model that was added, or "embedded".',
    ),
  ),
  name: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.regex(
          /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/,
          "it must be 1 to 128 letters, digits and . _ : / @ -",
        ),
      ),
    ),
    v.description(
      "The id under which the model is served. Default: the file's name without .gguf.",
    ),
  ),
  layers: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.regex(/^(all|auto|\d{1,4}-\d{1,4})$/, 'it must be "all", "auto" or FROM-TO'),
        v.rawCheck(({ dataset, addIssue }) => {
          const [, from, to] = /^(\d+)-(\d+)$/.exec(String(dataset.value)) ?? [];
          if (from === undefined || Number(from) < Number(to)) return;
          addIssue({ message: "FROM must be below TO, which is the layer after the last" });
        }),
      ),
      "all",
    ),
    v.description(
      'Layers that this node computes: "all", FROM-TO (TO not included), or "auto" for as many as fit. Others of the mesh compute the rest.',
    ),
  ),
  context: v.pipe(
    v.optional(wholeNumber({ from: 8, to: 1 << 24 })),
    v.description(
      "Positions a request may have, prompt and answer. Default: the model's own, or what fits of it.",
    ),
  ),
  slots: v.pipe(
    v.optional(wholeNumber({ from: 0, to: 256 }), slotsDefault),
    v.description(
      "Requests that compute at the same time, sharing each step; 0 with queueMax 0 refuses all.",
    ),
  ),
  queueMax: v.pipe(
    v.optional(wholeNumber({ from: 0, to: 65_536 }), queueMaxDefault),
    v.description("Requests that may wait for a slot; a further one is refused as busy."),
  ),
  maxTokens: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 1 << 24 })),
    v.description(
      "Tokens of an answer when a request sets no limit. Default: what the context has left.",
    ),
  ),
  requestMsMax: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 86_400_000 }), requestMsMaxDefault),
    v.description("How long a request may take, waiting included; then it ends as late."),
  ),
  promptChunk: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 4096 }), promptChunkDefault),
    v.description(
      "Prompt tokens computed in one step at most; fewer where they would keep others waiting.",
    ),
  ),
  speculate: v.pipe(
    v.optional(wholeNumber({ from: 0, to: 64 }), speculateDefault),
    v.description(
      "Tokens that are guessed at once from the text so far, at most; 0 for none. Answers are the same.",
    ),
  ),
  kvBytesMax: v.pipe(
    v.optional(wholeNumber({ from: 1 << 16, to: Number.MAX_SAFE_INTEGER })),
    v.description(
      "Memory for the attention cache in bytes: of running requests, and of earlier prompts while there is room. Default: four contexts, or what is free.",
    ),
  ),
  kvType: v.pipe(
    v.optional(v.picklist(["f32", "f16"], "it must be f32 or f16")),
    v.description(
      "How the attention cache is stored: f32, or f16 in half the memory, whose answers are another numeric class's (skep-q8a-kv16/1). Default: f32.",
    ),
  ),
  receipts: v.pipe(
    v.optional(
      v.picklist(["pipelined", "all", "none"], "it must be pipelined, all or none"),
      "pipelined",
    ),
    v.description(
      "Which answers get a receipt, kept with their tokens in the state directory: those that other nodes took part in, all, or none.",
    ),
  ),
  threads: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 32 })),
    v.description(
      "Threads that compute. Default: 1 for small models, else one for each core, up to 8.",
    ),
  ),
  drainMs: v.pipe(
    v.optional(wholeNumber({ from: 0, to: 3_600_000 }), drainMsDefault),
    v.description("How long running requests may go on after the node was told to stop."),
  ),
});

/** The section, checked. */
export type InferenceConfig = v.InferOutput<typeof inferenceConfig>;
