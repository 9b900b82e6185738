/** What is told of a model. */
import { chatTemplate } from "../../model/mod.ts";
import type { ModelShape } from "../../model/mod.ts";
import type { LoadedModel } from "./loaded_model.ts";
import type { ModelCapability, ModelEntry, ModelInfo } from "./model_schemas.ts";

/** What is listed of a model. */
export function modelEntry(model: LoadedModel): ModelEntry {
  return {
    id: model.id,
    createdSeconds: model.createdSeconds,
    ownedBy: "skep",
    contextMax: model.contextMax,
    capabilities: capabilitiesOf(model.executor.shape),
  };
}

/** An encoder pools its positions and has no head; whatever has one chats and completes. */
function capabilitiesOf({ family }: ModelShape): readonly ModelCapability[] {
  return family.pooling === undefined ? ["chat", "completions"] : ["embeddings"];
}

/** All that is told of a model; `layerMs` where it was asked for and measured. */
export function modelInfo(model: LoadedModel, layerMs?: number): ModelInfo {
  const { shape, numericClass } = model.executor;
  return {
    ...modelEntry(model),
    numericClass,
    fingerprint: model.fingerprint,
    source: model.file.name,
    sizeBytes: model.file.sizeBytes,
    layerCount: shape.layerCount,
    width: shape.width,
    vocabularySize: shape.vocabularySize,
    hasChatTemplate: chatTemplate(model.file) !== undefined,
    ...(layerMs === undefined ? {} : { layerMs }),
  };
}
