/**
 * Chooses which layers a node should take on: as many as fit, those first that the fewest others
 * have, in one run.
 */

/** What is known when a node chooses. */
export interface LayerNeed {
  readonly layerCount: number;
  /** Bytes of each layer with its keys and values. */
  readonly layerBytes: readonly number[];
  /** Bytes that the node can give. */
  readonly freeBytes: number;
  /** Runs of layers that the other nodes hold. */
  readonly others: readonly { readonly from: number; readonly to: number }[];
  /** Layers at either end that the node may not take. @default 0 */
  readonly edgeLayers?: number;
}

/**
 * The run that covers the most of what is rarest, and of those the longest, and the first.
 *
 * @returns an empty run when not one layer fits
 */
export function chooseLayers(need: LayerNeed): { readonly from: number; readonly to: number } {
  const { layerCount, layerBytes, freeBytes, others, edgeLayers = 0 } = need;
  const holders = Array.from(
    { length: layerCount },
    (_, layer) => others.filter(({ from, to }) => from <= layer && layer < to).length,
  );
  let best = { from: 0, to: 0, worth: 0 };
  for (let from = edgeLayers; from < layerCount - edgeLayers; from++) {
    let bytes = 0;
    let worth = 0;
    for (let to = from + 1; to <= layerCount - edgeLayers; to++) {
      bytes += layerBytes[to - 1] ?? Infinity;
      if (bytes > freeBytes) break;
      // A layer that nobody has is worth more than any number of others.
      const count = holders[to - 1] ?? 0;
      worth += count === 0 ? layerCount + 1 : 1 / (count + 1);
      if (worth > best.worth + 1e-9) best = { from, to, worth };
    }
  }
  return { from: best.from, to: best.to };
}
