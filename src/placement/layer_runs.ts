/** Layers in words: runs of numbers, as people count them in plans and errors. */

/** Consecutive layers, both ends included. */
export interface LayerRun {
  readonly first: number;
  readonly last: number;
}

/** Layer numbers in ascending order as runs. */
export function layerRuns(layers: readonly number[]): readonly LayerRun[] {
  const runs: { first: number; last: number }[] = [];
  for (const layer of layers) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === layer) run.last = layer;
    else runs.push({ first: layer, last: layer });
  }
  return runs;
}

/** "layer 5", "layers 4-7" or "layers 0, 4-7": both ends of a run are among them. */
export function layerWords(layers: readonly number[]): string {
  const runs = layerRuns(layers).map(({ first, last }) =>
    first === last ? `${first}` : `${first}-${last}`
  );
  return `${layers.length === 1 ? "layer" : "layers"} ${runs.join(", ")}`;
}
