/** What the service "inference" promises: its methods, their parameters and their answers. */
import * as v from "valibot";
import { callContract, streamContract } from "../../kernel/mod.ts";
import {
  detokenizeParams,
  embeddingsSchema,
  embedParams,
  generateItem,
  generateParams,
  tokenizeParams,
} from "./schemas.ts";
import { modelEntrySchema, modelInfoSchema, modelParams, noParams } from "./model_schemas.ts";
import { receiptLeavesParams, receiptLeavesSchema } from "./route_schema.ts";

/** The methods about models, which the service "models" has too. */
export const modelsContract = {
  "models.list": callContract({
    summary: "Lists the models that this node answers for.",
    params: noParams,
    result: v.pipe(v.array(modelEntrySchema), v.readonly()),
  }),
  "models.info": callContract({
    summary: "Tells what a model is: its extents, its numeric class, its file.",
    params: modelParams,
    result: modelInfoSchema,
    errors: ["notFound"],
  }),
};

/** The contract. */
export const inferenceContract = {
  ...modelsContract,
  "generate": streamContract({
    summary: "Generates text from a chat, a text or tokens, and streams it.",
    params: generateParams,
    result: generateItem,
    errors: ["notFound", "cancelled"],
  }),
  "embed": callContract({
    summary: "Computes embeddings of texts, by a model that is an encoder.",
    params: embedParams,
    result: embeddingsSchema,
    errors: ["notFound", "cancelled"],
  }),
  "tokenize": callContract({
    summary: "Turns a text into the model's tokens.",
    params: tokenizeParams,
    result: v.object({ tokens: v.array(v.number()) }),
    errors: ["notFound"],
  }),
  "detokenize": callContract({
    summary: "Turns tokens into text; control tokens are left out.",
    params: detokenizeParams,
    result: v.object({ text: v.string() }),
    errors: ["notFound"],
  }),
  "receipts.leaves": callContract({
    summary: "Fetches leaves that a stage keeps of a session that this node had computed there.",
    params: receiptLeavesParams,
    result: receiptLeavesSchema,
    errors: ["notFound", "unavailable"],
  }),
};
