/**
 * Argument checks that both executors share; none of them touches arithmetic.
 */
import type { ModelShape } from "../model/mod.ts";
import type { LayerCounts } from "./_layer_counts.ts";
import { EngineError } from "./errors.ts";
import type { BatchEntry, LayerRange } from "./face.ts";
import { contextMaxLimit } from "./numeric_class.ts";

/** Positions that a session of a model may have at most. */
export function contextLimitOf(shape: ModelShape): number {
  const { positionRows } = shape.family;
  const learned = positionRows === 0 ? contextMaxLimit : positionRows;
  return Math.min(shape.contextMax, contextMaxLimit, learned);
}

/** Returns the configured context, or the model's. @throws {RangeError} out of range */
export function checkedContext(contextMax: number | undefined, shape: ModelShape): number {
  const limit = contextLimitOf(shape);
  const chosen = contextMax ?? limit;
  if (!Number.isSafeInteger(chosen) || chosen < 1 || chosen > limit) {
    throw new RangeError(
      `Cannot load the model as "contextMax" must be an integer from 1 to ${limit}: current value is ${chosen}`,
    );
  }
  return chosen;
}

/** Returns the layers to hold, or all. @throws {RangeError} out of range or empty */
export function checkedLayers(layers: LayerRange | undefined, shape: ModelShape): LayerRange {
  const { from, to } = layers ?? { from: 0, to: shape.layerCount };
  if (!isRange(from, to) || to > shape.layerCount) {
    throw new RangeError(
      `Cannot load the model as "layers" must lie within 0 to ${shape.layerCount}: current value is ${from} to ${to}`,
    );
  }
  return { from, to };
}

/** @throws {RangeError} when there is no token, or one is not in the vocabulary */
export function checkTokens(tokens: Uint32Array, vocabularySize: number): void {
  if (tokens.length === 0) {
    throw new RangeError("Cannot embed tokens as at least one is needed: current count is 0");
  }
  const bad = tokens.findIndex((token) => token >= vocabularySize);
  if (bad >= 0) {
    throw new RangeError(
      `Cannot embed token ${
        tokens[bad]
      } as ids must be below ${vocabularySize}: it is at index ${bad}`,
    );
  }
}

/** @throws {EngineError} "context-full" when a position has no learned row */
export function checkPositions(count: number, { family: { positionRows } }: ModelShape): void {
  if (positionRows === 0 || count <= positionRows) return;
  throw new EngineError({
    code: "context-full",
    message: `Cannot embed position ${count - 1} as the model has learned ${positionRows}`,
  });
}

/** Returns how many rows `hidden` has. @throws {RangeError} when it is not a positive whole number */
export function checkedRows(hidden: Float32Array, width: number): number {
  if (hidden.length === 0 || hidden.length % width !== 0) {
    throw new RangeError(
      `Cannot read the hidden state as its length must be a positive multiple of ${width}: current value is ${hidden.length}`,
    );
  }
  return hidden.length / width;
}

/** What `checkForward` looks at. */
export interface ForwardCall {
  readonly shape: ModelShape;
  readonly held: LayerRange;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly entries: readonly (BatchEntry & { readonly counts: LayerCounts })[];
  readonly hidden: { readonly length: number };
}

/**
 * Checks a forward call against what the executor holds.
 *
 * @throws {RangeError} for wrong ranges, positions or lengths
 * @throws {EngineError} "not-held" or "context-full"
 */
export function checkForward(call: ForwardCall): void {
  const { from, to } = call.layers;
  if (!isRange(from, to)) {
    throw new RangeError(
      `Cannot run layers as the range must not be empty: it is ${from} to ${to}`,
    );
  }
  if (from < call.held.from || to > call.held.to) {
    throw new EngineError({
      code: "not-held",
      message:
        `Cannot run layers ${from} to ${to} as only ${call.held.from} to ${call.held.to} are held here`,
    });
  }
  if (call.entries.length === 0) {
    throw new RangeError("Cannot run layers as the batch must not be empty: it has 0 entries");
  }
  if (new Set(call.entries.map((entry) => entry.session)).size !== call.entries.length) {
    throw new RangeError("Cannot run layers as a session may be in a batch only once");
  }
  let rows = 0;
  for (const entry of call.entries) {
    checkEntry(entry, call);
    rows += entry.positionCount;
  }
  if (call.hidden.length !== rows * call.shape.width) {
    throw new RangeError(
      `Cannot run layers as the hidden state must have ${rows} x ${call.shape.width} elements: current length is ${call.hidden.length}`,
    );
  }
}

/** What `checkStep` looks at. */
export type StepCheck = Pick<ForwardCall, "shape" | "held" | "contextMax"> & {
  readonly entries: readonly (ForwardCall["entries"][number] & { readonly tokens: Uint32Array })[];
};

/**
 * Checks a step against what the executor holds.
 *
 * @throws {RangeError} for wrong tokens, or a session in two entries
 * @throws {EngineError} "not-held" or "context-full"
 */
export function checkStep({ entries, ...call }: StepCheck): void {
  const { width, layerCount, vocabularySize } = call.shape;
  for (const { tokens } of entries) checkTokens(tokens, vocabularySize);
  const rows = entries.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const hidden = { length: rows * width };
  checkForward({ ...call, entries, layers: { from: 0, to: layerCount }, hidden });
}

function checkEntry(entry: BatchEntry & { readonly counts: LayerCounts }, call: ForwardCall): void {
  const { firstPosition, positionCount } = entry;
  if (!Number.isSafeInteger(positionCount) || positionCount < 1) {
    throw new RangeError(
      `Cannot run layers as "positionCount" must be a positive integer: current value is ${positionCount}`,
    );
  }
  const { from, to } = call.layers;
  const low = entry.counts.low(from, to);
  if (low !== entry.counts.high(from, to) || low !== firstPosition) {
    throw new RangeError(
      `Cannot run layers ${from} to ${to} as "firstPosition" must be ${low}, what the session holds: current value is ${firstPosition}`,
    );
  }
  if (!call.shape.family.causal && firstPosition > 0) {
    throw new RangeError(
      `Cannot run an encoder from position ${firstPosition} as a text is computed at once`,
    );
  }
  if (firstPosition + positionCount > call.contextMax) {
    throw new EngineError({
      code: "context-full",
      message: `Cannot compute position ${
        firstPosition + positionCount - 1
      } as the context holds ${call.contextMax} positions`,
    });
  }
}

function isRange(from: number, to: number): boolean {
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to;
}
