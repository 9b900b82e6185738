/**
 * Which layers of the configured model this node computes: all, a run that was asked for, or as many
 * as fit.
 */
import type { LayerRange } from "../../engine/mod.ts";
import { shardsOf } from "../../model/mod.ts";
import type { GgufFile, ModelShape, Shard } from "../../model/mod.ts";
import { chooseLayers } from "../../placement/mod.ts";
import { pagePositions } from "./limits.ts";

/** Positions of keys and values that room is left for, where nothing else is said. */
const positionsDefault = 2048;

/** What is known when layers are chosen. */
export interface LayerChoice {
  readonly file: GgufFile;
  readonly shape: ModelShape;
  /** Bytes that the machine can give; undefined when that may not be known. */
  readonly freeBytes: number | undefined;
  /** Bytes of keys and values of 32 positions, all layers. */
  readonly pageBytes: number;
  /** Positions of a request, where it is configured. */
  readonly context: number | undefined;
  /** Layers that others hold. */
  readonly others: readonly LayerRange[];
  /** Layers at either end that this node is not trusted with, as "auto" heeds. @default 0 */
  readonly edgeLayers?: number;
}

/**
 * Layers from the setting "all", "auto" or "FROM-TO" (TO is the layer after the last).
 *
 * @returns undefined for all
 * @throws {RangeError} when the model has no such layers, or not one fits
 */
export function chosenLayers(setting: string, choice: LayerChoice): LayerRange | undefined {
  const { layerCount } = choice.shape;
  return setting === "auto" ? fitting(choice) : layersWithin(setting, layerCount);
}

/**
 * Layers from the setting "FROM-TO" (TO is the layer after the last), of a model that has so many;
 * "all" and "auto" always lie within.
 *
 * @returns undefined for all, and where the choice is not made here
 * @throws {RangeError} when the model has no such layers
 */
export function layersWithin(setting: string, layerCount: number): LayerRange | undefined {
  if (setting === "all" || setting === "auto") return undefined;
  const [from = 0, to = 0] = setting.split("-").map(Number);
  if (from >= to || to > layerCount) {
    throw new RangeError(
      `Cannot load layers as "inference.layers" must lie within 0-${layerCount}: current value is ${setting}`,
    );
  }
  return from === 0 && to === layerCount ? undefined : { from, to };
}

function fitting(choice: LayerChoice): LayerRange | undefined {
  const { file, shape: { layerCount }, freeBytes, pageBytes, context, others } = choice;
  const { edgeLayers = 0 } = choice;
  if (freeBytes === undefined) return undefined;
  const pages = Math.ceil((context ?? positionsDefault) / pagePositions);
  const cacheBytes = pages * pageBytes / layerCount;
  const layerBytes = new Array<number>(layerCount).fill(cacheBytes);
  let wholeBytes = cacheBytes * layerCount;
  for (const { part, layer, ranges } of shardsOf(file)) {
    const bytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0);
    wholeBytes += bytes;
    const at = layer ?? endLayers(layerCount)[part];
    if (at !== undefined) layerBytes[at] = (layerBytes[at] ?? 0) + bytes;
  }
  if (wholeBytes <= freeBytes) return undefined;
  const layers = chooseLayers({ layerCount, layerBytes, freeBytes, others, edgeLayers });
  if (layers.to > layers.from) return layers;
  throw new RangeError(
    `Cannot load layers as not one fits: the machine can give ${freeBytes} bytes, and a layer needs ${
      Math.min(...layerBytes)
    }`,
  );
}

/** The layers that the ends of a model come with, which are not small where the vocabulary is not. */
function endLayers(layerCount: number): Partial<Record<Shard["part"], number>> {
  return { embedding: 0, head: layerCount - 1 };
}
