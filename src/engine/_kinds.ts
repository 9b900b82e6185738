/**
 * How matrices lie in WASM memory: packed kinds (wasm/executor/constants.ts has the same numbers,
 * and draws each).
 *
 * Rows are packed in groups of 8, which are SIMD lanes; see wasm/executor/repack.ts.
 */
import { TENSOR_LAYOUTS } from "../model/mod.ts";
import type { TensorType } from "../model/mod.ts";

/** What the engine's relaxed integer dot does with an operand byte above 127. */
export type ProbeMode = "unsigned" | "signed" | "neither";

/** The kernels' numbers for kinds of packed matrices. */
export const kinds = {
  f32: 0,
  f16: 1,
  bf16: 2,
  q8Neither: 3,
  q8Unsigned: 4,
  q8Signed: 5,
  q8UnsignedEmulated: 6,
  q8SignedEmulated: 7,
  q4Plain: 8,
  q4Relaxed: 9,
  q41Plain: 10,
  q41Relaxed: 11,
  q50Plain: 12,
  q50Relaxed: 13,
  q51Plain: 14,
  q51Relaxed: 15,
  q2kPlain: 16,
  q2kRelaxed: 17,
  q3kPlain: 18,
  q3kRelaxed: 19,
  q4kPlain: 20,
  q4kRelaxed: 21,
  q5kPlain: 22,
  q5kRelaxed: 23,
  q6kPlain: 24,
  q6kRelaxed: 25,
  iq4Neither: 26,
  iq4Unsigned: 27,
  iq4Signed: 28,
  iq4UnsignedEmulated: 29,
  iq4SignedEmulated: 30,
} as const;

/** One of `kinds`. */
export type Kind = (typeof kinds)[keyof typeof kinds];

/** Which kernels to use. */
export interface KernelChoice {
  /** Whether the module has the relaxed instruction. */
  readonly relaxed: boolean;
  /** What the probe answered. */
  readonly hardware: ProbeMode;
  /** The mode that a test asked for; the instruction is emulated where the hardware differs. */
  readonly forced: ProbeMode | undefined;
}

/** A format's kinds: one; for the relaxed dot or not; or one for each of its answers. */
interface Format {
  /** Plain, relaxed. Or neither, unsigned, signed, unsigned emulated, signed emulated. */
  readonly kinds: readonly [Kind] | readonly [Kind, Kind] | readonly [Kind, Kind, Kind, Kind, Kind];
  /** Columns of one block, and the bytes of a packed block of 8 rows. */
  readonly packed: readonly [columns: number, bytes: number];
}

const formats: Readonly<Record<TensorType, Format>> = {
  F32: { kinds: [kinds.f32], packed: [1, 32] },
  F16: { kinds: [kinds.f16], packed: [1, 16] },
  BF16: { kinds: [kinds.bf16], packed: [1, 16] },
  Q8_0: {
    kinds: [
      kinds.q8Neither,
      kinds.q8Unsigned,
      kinds.q8Signed,
      kinds.q8UnsignedEmulated,
      kinds.q8SignedEmulated,
    ],
    packed: [32, 272],
  },
  Q4_0: { kinds: [kinds.q4Plain, kinds.q4Relaxed], packed: [32, 144] },
  Q4_1: { kinds: [kinds.q41Plain, kinds.q41Relaxed], packed: [32, 160] },
  Q5_0: { kinds: [kinds.q50Plain, kinds.q50Relaxed], packed: [32, 176] },
  Q5_1: { kinds: [kinds.q51Plain, kinds.q51Relaxed], packed: [32, 192] },
  Q2_K: { kinds: [kinds.q2kPlain, kinds.q2kRelaxed], packed: [256, 32 + 8 * 80] },
  Q3_K: { kinds: [kinds.q3kPlain, kinds.q3kRelaxed], packed: [256, 16 + 8 * 112] },
  Q4_K: { kinds: [kinds.q4kPlain, kinds.q4kRelaxed], packed: [256, 32 + 8 * 144] },
  Q5_K: { kinds: [kinds.q5kPlain, kinds.q5kRelaxed], packed: [256, 32 + 8 * 176] },
  Q6_K: { kinds: [kinds.q6kPlain, kinds.q6kRelaxed], packed: [256, 16 + 8 * 208] },
  IQ4_NL: {
    kinds: [
      kinds.iq4Neither,
      kinds.iq4Unsigned,
      kinds.iq4Signed,
      kinds.iq4UnsignedEmulated,
      kinds.iq4SignedEmulated,
    ],
    packed: [32, 144],
  },
};

const packedByKind = new Map(
  Object.values(formats).flatMap(({ kinds, packed }) => kinds.map((kind) => [kind, packed])),
);

/** The packed kind for a tensor type. */
export function kindOf(type: TensorType, choice: KernelChoice): Kind {
  const { relaxed, hardware, forced } = choice;
  const of = formats[type].kinds;
  if (of.length === 1) return of[0];
  // Weights of 7 bits are exact whatever the instruction does, so nothing is forced.
  if (of.length === 2) return of[relaxed ? 1 : 0];
  const mode = forced ?? hardware;
  if (mode === "neither") return of[0];
  if (relaxed && mode === hardware) return of[mode === "unsigned" ? 1 : 2];
  return of[mode === "unsigned" ? 3 : 4];
}

/** Whether a kind takes quantised activations. */
export function isQuantised(kind: Kind): boolean {
  return kind >= kinds.q8Neither;
}

/** Bytes of one packed group of 8 rows. */
export function groupBytes(kind: Kind, columns: number): number {
  const [blockColumns, bytes] = packedByKind.get(kind) ?? [1, NaN];
  return (columns / blockColumns) * bytes;
}

/** Bytes of one row in the file. */
export function fileRowBytes(type: TensorType, columns: number): number {
  const { elements, sizeBytes } = TENSOR_LAYOUTS[type];
  return (columns / elements) * sizeBytes;
}
