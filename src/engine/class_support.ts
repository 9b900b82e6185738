/** Which numeric classes execute a model file, found from its header alone. */
import { expectedTensors, loadTokenizer, ModelError, readModelShape } from "../model/mod.ts";
import type { GgufFile } from "../model/mod.ts";
import { findMatrix, findVector, refuseUnusedTensors } from "./_tensors.ts";
import { EngineError } from "./errors.ts";
import { numericClasses } from "./numeric_class.ts";

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
    for (const [name, extents] of expectedTensors(shape)) {
      if (extents.length === 1) findVector(file, name);
      else findMatrix(file, name);
    }
    return { numericClasses, obstacles: [] };
  } catch (thrown) {
    if (!(thrown instanceof ModelError || thrown instanceof EngineError)) throw thrown;
    return { numericClasses: [], obstacles: [thrown.message] };
  }
}
