/**
 * Model files: reading GGUF strictly, tokenising, chat templates.
 *
 * @module
 */
export type { ByteSource, GgufFile, MetadataValue, TensorInfo, TensorType } from "./gguf_types.ts";
export type { ModelShape } from "./shape.ts";
