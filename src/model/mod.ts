/**
 * Model files: reading GGUF strictly, tokenising, chat templates.
 *
 * @module
 */
export { ModelError } from "./errors.ts";
export type { ModelErrorCode } from "./errors.ts";
export type { ByteSource, GgufFile, MetadataValue, TensorInfo, TensorType } from "./gguf_types.ts";
export { bytesSource, fileSource } from "./source.ts";
export { openGguf } from "./gguf.ts";
export { readModelShape } from "./read_shape.ts";
export type { ModelShape } from "./shape.ts";
export { loadTokenizer } from "./load_tokenizer.ts";
export type { DecodeOptions, EncodeOptions, SpecialToken, Tokenizer } from "./tokenizer.ts";
export { createDetokenizer } from "./detokenizer.ts";
export type { Detokenizer } from "./detokenizer.ts";
export { chatPrompt, chatTemplate, DEFAULT_CHAT_STOPS, renderChat } from "./chat.ts";
export type { ChatMessage, ChatOptions, ChatPrompt } from "./chat.ts";
export { inspectModel } from "./inspect.ts";
export type { ModelSummary, TypeShare } from "./inspect.ts";
export { EMBEDDED_MODEL_NAME, embeddedModel } from "./embedded.ts";

// Symbols above serve users of a model file; those below serve its executors and writers.
export { expectedTensors } from "./shape_tensors.ts";
export { REFUSED_TYPE_NAMES, TENSOR_LAYOUTS, TENSOR_TYPE_BY_ID } from "./tensor_types.ts";
export type { BlockLayout } from "./tensor_types.ts";
