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
export { architectures, plainFamily, plainRope } from "./family.ts";
export type { Architecture, Family, LayerMatrix, LayerTraits, Rope, Yarn } from "./family.ts";
export { loadTokenizer } from "./load_tokenizer.ts";
export type { DecodeOptions, EncodeOptions, SpecialToken, Tokenizer } from "./tokenizer.ts";
export { createDetokenizer } from "./detokenizer.ts";
export type { Detokenizer } from "./detokenizer.ts";
export { chatPrompt, chatTemplate, DEFAULT_CHAT_STOPS, renderChat } from "./chat.ts";
export type { ChatMessage, ChatOptions, ChatPrompt } from "./chat.ts";
export { toolFormat } from "./tool_format.ts";
export type { ToolFormat } from "./tool_format.ts";
export { inspectModel } from "./inspect.ts";
export type { ModelSummary, TypeShare } from "./inspect.ts";
export { EMBEDDED_MODEL_NAME, embeddedModel } from "./embedded.ts";
export { addModel } from "./manifest_add.ts";
export type { AddModelOptions, ClassSupport } from "./manifest_add.ts";
export { verifyModel } from "./manifest_verify.ts";
export type { ModelVerdict, VerifyModelOptions } from "./manifest_verify.ts";
export { findManifest, isUnchanged, listManifests, readManifest } from "./manifest_store.ts";
export type { ListedManifest, ManifestPlace } from "./manifest_store.ts";
export { findModel, openFoundModel } from "./manifest_find.ts";
export type { FoundModel } from "./manifest_find.ts";
export { rootOfSource } from "./root_of_source.ts";
export { isModelName, manifestFile, modelNameOf } from "./manifest.ts";
export type { ModelManifest } from "./manifest.ts";

// Symbols above serve users of a model file; those below serve its executors and writers.
export { expectedTensors, unusedTensors } from "./shape_tensors.ts";
export {
  embeddingNormPlace,
  headMatrixTensor,
  headNormPlace,
  layerMatricesOf,
  layerNormsOf,
  matrixPlace,
  normPlace,
} from "./weight_places.ts";
export type { LayerNorm, MatrixPlace, NormPlace } from "./weight_places.ts";
export { REFUSED_TYPE_NAMES, TENSOR_LAYOUTS, TENSOR_TYPE_BY_ID } from "./tensor_types.ts";
export type { BlockLayout } from "./tensor_types.ts";
export { MANIFEST_FORMAT, manifestSchema, parseManifest } from "./manifest.ts";
export { shardGroups, shardName, shardsOf } from "./manifest_shards.ts";
export type { ByteRange, Shard, ShardPart } from "./manifest_shards.ts";
