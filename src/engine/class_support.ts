/** Which numeric classes execute a model file, found from its header alone. */
import { type GgufFile, loadTokenizer, ModelError, readModelShape } from "../model/mod.ts";
import {
  findMatrix,
  findVector,
  headTensor,
  layerMatrices,
  layerNorms,
  layerTensor,
  refuseUnusedTensors,
} from "./_tensors.ts";
import { EngineError } from "./errors.ts";
import { numericClass } from "./numeric_class.ts";

/** What this release can do with a file. */
export interface ClassSupport {
  /** Names of numeric classes; empty when none executes it. */
  readonly numericClasses: readonly string[];
  /** Why none does, a sentence; empty otherwise. */
  readonly obstacles: readonly string[];
}

/** Looks at shape, tokenizer and the type of every tensor; weights are not read. */
export function classSupport(file: GgufFile): ClassSupport {
  try {
    const shape = readModelShape(file);
    loadTokenizer(file);
    refuseUnusedTensors(file, { layers: { from: 0, to: shape.layerCount }, shape });
    for (let layer = 0; layer < shape.layerCount; layer++) {
      for (const part of layerMatrices) findMatrix(file, layerTensor(layer, part));
      for (const part of layerNorms) findVector(file, layerTensor(layer, part));
    }
    findMatrix(file, "token_embd.weight");
    findMatrix(file, headTensor(shape.tiedOutput));
    findVector(file, "output_norm.weight");
    return { numericClasses: [numericClass], obstacles: [] };
  } catch (thrown) {
    if (!(thrown instanceof ModelError || thrown instanceof EngineError)) throw thrown;
    return { numericClasses: [], obstacles: [thrown.message] };
  }
}
