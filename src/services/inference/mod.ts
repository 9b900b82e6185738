/**
 * The service that owns a model's executor and generates text with it.
 *
 * @module
 */
export { createInferenceService } from "./service.ts";
export { inferenceConfig } from "./config.ts";
export type { InferenceConfig } from "./config.ts";
export { loadTopic } from "./loaded_model.ts";
export { waitTopic } from "./shared_parts.ts";

export { inferenceContract, modelsContract } from "./contract.ts";

// Shapes of the methods, for services that call them.
export type {
  Embeddings,
  FinishReason,
  GenerateItem,
  GenerateParams,
  ListedToken,
  Tool,
  Usage,
} from "./schemas.ts";
export type { ModelEntry, ModelInfo } from "./model_schemas.ts";
export {
  embedTextsMax,
  messagesMax,
  stopCharactersMax,
  stopStringsMax,
  tokensMax,
  toolCallsMax,
  toolsMax,
  topLogprobsMax,
} from "./limits.ts";
export type { ToolFormat } from "../../model/mod.ts";
export { decodeBase64 } from "./base64.ts";
export { embeddedEvent } from "./embedder.ts";
export { doneEvent } from "./record.ts";
export type { DoneBody } from "./record.ts";

export { receiptEvent } from "./receipt_desk.ts";

// For who checks settings before a start.
export { layersWithin } from "./layer_choice.ts";

// For who checks an answer.
export { heldToSchema, replayChooser, ReplayError } from "./replay.ts";
export type { HeldTo, ReplayOptions } from "./replay.ts";

// What tests replace.
export { wasmEngine } from "./engine.ts";
export type { Engine } from "./engine.ts";
