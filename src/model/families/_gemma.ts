/** What Gemma 2 and 3 share. */
import type { Family } from "../family.ts";
import { readDecoder } from "./_decoder.ts";
import type { ArchitectureKeys, Extents } from "./family_reader.ts";

/** Largest cap of scores or logits that is believed. */
const CAP_MAX = 1e6;

/**
 * Norms around each half, a tanh GELU, embeddings times sqrt(width), and queries scaled by the
 * head's width, except in the largest model of each generation, which has its own.
 *
 * @param options `largestLayers` is the layer count of the largest model
 */
export function readGemma(
  keys: ArchitectureKeys,
  extents: Extents,
  options: { readonly largestLayers: number },
): Family {
  const { layerCount, width, headCount, headWidth } = extents;
  const isLargest = layerCount === options.largestLayers;
  const scaled = isLargest ? Math.floor(width / headCount) : headWidth;
  return {
    ...readDecoder(keys, extents),
    ropePairs: "halves",
    normPlaces: "around",
    activation: "gelu-tanh",
    embeddingScale: Math.fround(Math.sqrt(width)),
    attentionScale: Math.fround(1 / Math.sqrt(scaled)),
  };
}

/** A cap of scores or logits. @throws {ModelError} out of bounds */
export function readCap(
  keys: ArchitectureKeys,
  options: { readonly key: string; readonly absent: number },
): number {
  return keys.float(options.key, { min: 0, max: CAP_MAX }) ?? options.absent;
}
