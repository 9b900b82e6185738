/**
 * A model that one WebAssembly memory does not hold is held by several: each has a run of layers,
 * threads and pages of its own, and hidden states pass from one to the next.
 */
import { drawLayout } from "./_layout.ts";
import type { Layout, LayoutOptions } from "./_layout.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange } from "./face.ts";
import { tilePositions } from "./numeric_class.ts";

/** Memories of one executor. */
const partsMax = 16;

/** Layers that one memory holds. */
export interface PartPlan {
  readonly layers: LayerRange;
  readonly layout: Layout;
}

/**
 * Plans as few memories as hold the model.
 *
 * @throws {EngineError} "no-memory" and what `drawLayout` throws
 */
export function planParts(options: LayoutOptions): readonly PartPlan[] {
  const { layers, availableBytes = Infinity, partBytesMax } = options;
  const layerCount = layers.to - layers.from;
  let refusal: unknown;
  for (let count = 1; count <= Math.min(partsMax, layerCount); count++) {
    const parts = attempt(() => drawParts(options, count));
    if (!(parts instanceof EngineError)) {
      if (parts.length > 1) assertAvailable(options, parts);
      return parts;
    }
    refusal ??= parts;
    // What the machine has not got, no number of memories has.
    if (availableBytes <= partBytesMax) throw refusal;
  }
  throw tooLarge(options, refusal);
}

/** Why no number of memories holds the model: the machine's memory, or what one of them holds. */
function tooLarge(options: LayoutOptions, cause: unknown): EngineError {
  const { file, partBytesMax, layers } = options;
  const unbounded = { ...options, partBytesMax: Infinity, availableBytes: undefined };
  const whole = drawParts(unbounded, 1);
  assertAvailable(options, whole);
  const bytes = whole.reduce((sum, { layout: { pagesPtr } }) => sum + pagesPtr, 0);
  const count = layers.to - layers.from;
  return new EngineError({
    code: "no-memory",
    cause,
    message:
      `Cannot load "${file.name}" as ${partsMax} memories of ${partBytesMax} bytes, of whole layers each, do not hold it: weights and scratch of its ${count} layers need ${bytes}, beside keys and values; ${
        hint(options)
      }`,
  });
}

/** What would fit: the longest context, found by halving, or nothing of this many bytes. */
function hint(options: LayoutOptions): string {
  const { layers: { from, to } } = options;
  const fits = (contextMax: number): boolean => {
    for (let count = 1; count <= Math.min(partsMax, to - from); count++) {
      if (!(attempt(() => drawParts({ ...options, contextMax }, count)) instanceof EngineError)) {
        return true;
      }
    }
    return false;
  };
  let [low, high] = [0, options.contextMax];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low > 0 ? `a context of ${low} positions would fit` : "no context would fit";
}

/** What a call returns, or its error of code "no-memory". */
function attempt<T>(call: () => T): T | EngineError {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === "no-memory") return thrown;
    throw thrown;
  }
}

function drawParts(options: LayoutOptions, count: number): readonly PartPlan[] {
  const { layers: { from, to }, kvBytesMax } = options;
  const edge = (i: number): number => from + Math.round((to - from) * i / count);
  return Array.from({ length: count }, (_, i) => {
    const layers = { from: edge(i), to: edge(i + 1) };
    const share = (layers.to - layers.from) / (to - from);
    const layout = drawLayout({
      ...options,
      layers,
      embedding: options.embedding && i === 0,
      head: options.head && i === count - 1,
      kvBytesMax: kvBytesMax === undefined ? undefined : Math.floor(kvBytesMax * share),
      availableBytes: count === 1 ? options.availableBytes : undefined,
    });
    return { layers, layout };
  });
}

/** Looks at the sum of all memories. */
function assertAvailable(options: LayoutOptions, parts: readonly PartPlan[]): void {
  const { availableBytes, file, kvBytesMax, layers } = options;
  if (availableBytes === undefined) return;
  const contextMax = Math.min(...parts.map(({ layout }) => layout.contextMax));
  const pages = Math.ceil(contextMax / tilePositions);
  const needed = parts.reduce((sum, { layout: { pagesPtr, pageBytes } }) => {
    return sum + pagesPtr + (kvBytesMax === undefined ? pages * pageBytes : 0);
  }, kvBytesMax ?? 0);
  if (needed <= availableBytes) return;
  const count = layers.to - layers.from;
  throw new EngineError({
    code: "no-memory",
    message:
      `Cannot load "${file.name}" as the machine has ${availableBytes} bytes: weights, scratch and keys and values of ${contextMax} positions need ${needed}; ${
        Math.floor(count * availableBytes / needed)
      } of its ${count} layers would fit`,
  });
}
