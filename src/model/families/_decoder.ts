/**
 * What the decoders of this folder have in common: a Llama with the file's own RoPE, biases, fused
 * matrices and windows.
 */
import { plainFamily } from "../family.ts";
import type { Family, LayerMatrix, LayerTraits } from "../family.ts";
import { showValue } from "../_keys.ts";
import { CONTEXT_MAX, LAYERS_MAX } from "../limits.ts";
import type { ArchitectureKeys, Extents } from "./family_reader.ts";
import { readRope } from "./_rope.ts";

const MATRICES: readonly LayerMatrix[] = [
  "attn_q",
  "attn_k",
  "attn_v",
  "attn_output",
  "ffn_gate",
  "ffn_up",
  "ffn_down",
];

/** A Llama as the file has it: scaled RoPE, biases and a fused QKV matrix where it has them. */
export function readDecoder(keys: ArchitectureKeys, extents: Extents): Family {
  const { layerCount, headWidth } = extents;
  const fused = readFusedQkv(keys);
  return {
    ...plainFamily({ layerCount, headWidth }),
    ropes: [readRope(keys, extents)],
    fused,
    biases: readBiases(keys, fused),
  };
}

/** ["qkv"] when the first layer has its queries, keys and values in one tensor. */
export function readFusedQkv(keys: ArchitectureKeys): readonly "qkv"[] {
  return keys.hasTensor("blk.0.attn_qkv.weight") ? ["qkv"] : [];
}

/** The matrices that have a bias in the first layer; the tensors of the others are checked later. */
export function readBiases(
  keys: ArchitectureKeys,
  fused: readonly ("qkv" | "gate-up")[],
): readonly LayerMatrix[] {
  return MATRICES.filter((matrix) => {
    const isFused = fused.includes("qkv") && /^attn_[qkv]$/.test(matrix);
    return keys.hasTensor(`blk.0.${isFused ? "attn_qkv" : matrix}.bias`);
  });
}

/**
 * The sliding window, in positions; 0 when there is none or it is as long as the context.
 *
 * @throws {ModelError} `bad-metadata` or `bad-shape`
 */
export function readWindow(
  keys: ArchitectureKeys,
  options: { readonly contextMax: number; readonly absent: number },
): number {
  const { contextMax, absent } = options;
  const window = keys.integer("attention.sliding_window", { min: 0, max: CONTEXT_MAX }) ?? absent;
  return window < contextMax ? window : 0;
}

/** The same traits for every layer. */
export function uniformLayers(layerCount: number, window: number): readonly LayerTraits[] {
  return Array.from({ length: layerCount }, () => ({ window, rope: 0 }));
}

/**
 * Which layers are windowed: a bool for each layer, or a period of which the last is global.
 *
 * @param options `period` is assumed where the file has no `attention.sliding_window_pattern`
 * @throws {ModelError} `bad-metadata` for anything else
 */
export function readWindowed(
  keys: ArchitectureKeys,
  options: { readonly layerCount: number; readonly period: number },
): readonly boolean[] {
  const { layerCount } = options;
  const key = "attention.sliding_window_pattern";
  const value = keys.value(key);
  if (typeof value === "object") {
    const flags = [...value].map(flagOf).filter((flag) => flag !== undefined);
    if (flags.length === value.length && flags.length === layerCount) return flags;
    throw keys.error(
      "bad-metadata",
      `'${keys.name(key)}' must say yes or no for each of the ${layerCount} layers: it is ${
        showValue(value)
      }`,
    );
  }
  const period = keys.integer(key, { min: 0, max: LAYERS_MAX }) ?? options.period;
  return Array.from({ length: layerCount }, (_, layer) => {
    return period === 0 || layer % period < period - 1;
  });
}

function flagOf(item: unknown): boolean | undefined {
  if (item === true || item === 1) return true;
  return item === false || item === 0 ? false : undefined;
}
