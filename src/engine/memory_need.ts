/** What memory a model file needs on one machine, found from its header alone. */
import { bytesSource, readModelShape } from "../model/mod.ts";
import type { GgufFile } from "../model/mod.ts";
import { contextLimitOf } from "./_checks.ts";
import { partBytesDefault } from "./_page_room.ts";
import { planParts } from "./_part_plan.ts";
import { EngineError } from "./errors.ts";
import { tilePositions } from "./numeric_class.ts";

/** Bytes with the shortest context, or why no number of memories holds the model. */
export interface MemoryNeed {
  readonly bytes: number | undefined;
  readonly obstacle: string | undefined;
}

/**
 * Plans the memories of a model without looking at what the machine has.
 *
 * @param partBytesMax bytes of one WebAssembly memory
 * @throws {ModelError} or {EngineError} when the file cannot be executed at all
 */
export function memoryNeed(file: GgufFile, partBytesMax = partBytesDefault): MemoryNeed {
  const shape = readModelShape(file);
  const contextMax = Math.min(tilePositions, contextLimitOf(shape));
  try {
    const parts = planParts({
      file,
      source: bytesSource(new Uint8Array(), file.name),
      shape,
      contextAsked: contextMax,
      contextMax,
      partBytesMax,
      availableBytes: undefined,
      layers: { from: 0, to: shape.layerCount },
      embedding: true,
      head: true,
      kvBytesMax: undefined,
      choice: { relaxed: false, hardware: "neither", forced: undefined },
      threads: 1,
      scoresBytes: 0,
      keyValueType: "f32",
    });
    const bytes = parts.reduce((sum, { layout }) => sum + layout.pagesPtr + layout.pageBytes, 0);
    return { bytes, obstacle: undefined };
  } catch (thrown) {
    if (!(thrown instanceof EngineError && thrown.code === "no-memory")) throw thrown;
    return { bytes: undefined, obstacle: thrown.message };
  }
}
