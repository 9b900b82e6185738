/**
 * One layer over the rows of one session (docs/NUMERIC_CLASS.md section 5).
 */
import type { Family, LayerNorm, ModelShape } from "../../model/mod.ts";
import { EngineError } from "../errors.ts";
import { attend } from "./_attention.ts";
import { product } from "./_model.ts";
import type { ReferenceLayer, ReferenceModel } from "./_model.ts";
import { activations, add, headNorms, norm, rotate, times } from "./_operations.ts";
import type { ReferenceSession } from "./_session.ts";
import { toHalf } from "./functions.ts";

/** A layer to run. */
export interface LayerRun {
  readonly shape: ModelShape;
  readonly model: ReferenceModel;
  readonly weights: ReferenceLayer;
  /** The layer's number in the model. */
  readonly number: number;
  readonly session: ReferenceSession;
  /** Position of the first row. */
  readonly firstPosition: number;
  /** Whether keys and values are stored as f16. */
  readonly half: boolean;
}

/**
 * The rows after the layer.
 *
 * @throws {EngineError} "not-a-number" with the layer's number
 */
export function runLayer(run: LayerRun, rows: readonly Float32Array[]): Float32Array[] {
  const isFirstNormed = run.shape.family.normPlaces !== "after";
  const inputs = rows.map((h) => isFirstNormed ? normed(run, "attn_norm", h) : h);
  const queries = inputs.map((a, i) => storeAndQuery(run, a, run.firstPosition + i));
  const last = run.firstPosition + rows.length;
  return rows.map((h, i) => {
    const position = run.firstPosition + i;
    const to = run.shape.family.causal ? position + 1 : last;
    const o = attention(run, queries[i] ?? h, { position, to });
    const middle = sum(
      run,
      "attn_output",
      h,
      product(run.weights, { matrix: "attn_output", x: o }),
    );
    const b = isFirstNormed ? normed(run, "ffn_norm", middle) : middle;
    const f = feedForward(run, b);
    return assertFinite(sum(run, "ffn_down", middle, f), run.number);
  });
}

/** @throws {EngineError} "not-a-number" naming the layer, or the head when there is none */
export function assertFinite(values: Float32Array, layer?: number): Float32Array {
  if (values.every(Number.isFinite)) return values;
  const where = layer === undefined ? "the head" : `layer ${layer}`;
  throw new EngineError({
    code: "not-a-number",
    ...(layer === undefined ? {} : { layer }),
    message: `Cannot go on as the result of ${where} must be finite: it holds NaN or infinity`,
  });
}

function normed({ shape, weights }: LayerRun, name: LayerNorm, x: Float32Array): Float32Array {
  const vectors = weights.norms.get(name);
  if (vectors === undefined) throw new RangeError(`Cannot norm as the family has no ${name}`);
  return norm(x, vectors, shape.normEpsilon);
}

/** The names of the norms after each half's result, and after its sum. */
const halfNorms = {
  attn_output: { around: "post_attention_norm", after: "attn_output_norm" },
  ffn_down: { around: "post_ffw_norm", after: "layer_output_norm" },
} as const;

// tidy: allow positional-parameters as it is a hot numeric kernel
/** h and the result of a half of the layer, normed where the family norms them. */
function sum(
  run: LayerRun,
  half: keyof typeof halfNorms,
  h: Float32Array,
  result: Float32Array,
): Float32Array {
  const names = halfNorms[half];
  const places: Family["normPlaces"] = run.shape.family.normPlaces;
  if (places === "before") return add(h, result);
  if (places === "around") return add(h, normed(run, names.around, result));
  return normed(run, names.after, add(h, result));
}

// tidy: allow positional-parameters as it is a hot numeric kernel
/** Stores a position's keys and values; returns its queries. */
function storeAndQuery(run: LayerRun, a: Float32Array, position: number): Float32Array {
  const { shape, weights, model, number } = run;
  const { family, normEpsilon, headWidth } = shape;
  let q = product(weights, { matrix: "attn_q", x: a });
  let k = product(weights, { matrix: "attn_k", x: a });
  const v = product(weights, { matrix: "attn_v", x: a });
  const ofQueries = weights.norms.get("attn_q_norm");
  const ofKeys = weights.norms.get("attn_k_norm");
  if (ofQueries !== undefined) q = headNorms(q, ofQueries.weight, normEpsilon);
  if (ofKeys !== undefined) k = headNorms(k, ofKeys.weight, normEpsilon);
  const table = family.layers[number]?.rope ?? 0;
  const frequencies = model.frequencies[table];
  if (frequencies !== undefined) {
    const magnitude = family.ropes[table]?.magnitude ?? NaN;
    const rotation = { frequencies, magnitude, pairs: family.ropePairs, headWidth };
    rotate(q, position, rotation);
    rotate(k, position, rotation);
  }
  run.session.write(number, position, { key: stored(run, k), value: stored(run, v) });
  return q;
}

/** Keys or values as they are stored. */
function stored({ half, number }: LayerRun, row: Float32Array): Float32Array {
  if (!half) return row;
  const rounded = row.map(toHalf);
  if (rounded.every(Number.isFinite)) return rounded;
  throw new EngineError({
    code: "not-a-number",
    layer: number,
    message: `Cannot go on as keys and values of layer ${number} must fit f16: one is beyond 65504`,
  });
}

// tidy: allow positional-parameters as it is a hot numeric kernel
function attention(
  run: LayerRun,
  queries: Float32Array,
  { position, to }: { position: number; to: number },
): Float32Array {
  const { family, headCount, kvHeadCount, headWidth } = run.shape;
  const window = family.layers[run.number]?.window ?? 0;
  const from = window > 0 && family.causal ? Math.max(0, position - window + 1) : 0;
  const rows = run.session.read(run.number, to);
  const output = new Float32Array(queries.length);
  for (let head = 0; head < headCount; head++) {
    const query = queries.subarray(head * headWidth, (head + 1) * headWidth);
    const result = attend(query, {
      ...rows,
      head: Math.floor(head / (headCount / kvHeadCount)) * headWidth,
      from,
      to,
      scale: family.attentionScale,
      cap: family.attentionCap,
    });
    output.set(result, head * headWidth);
  }
  return output;
}

/** Section 5.4, and the product after it. */
function feedForward({ shape, weights }: LayerRun, b: Float32Array): Float32Array {
  const { activation, gated } = shape.family;
  const act = activations[activation];
  const u = product(weights, { matrix: "ffn_up", x: b });
  const f = gated ? times(product(weights, { matrix: "ffn_gate", x: b }).map(act), u) : u.map(act);
  return product(weights, { matrix: "ffn_down", x: f });
}
