/**
 * How matrices lie in WASM memory: packed kinds (wasm/executor/constants.ts has the same numbers).
 *
 * Rows are packed in groups of 8, which are SIMD lanes; see wasm/executor/repack.ts.
 */
import type { MatrixType } from "./_tensors.ts";

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

/** The packed kind for a tensor type. */
export function kindOf(type: MatrixType, choice: KernelChoice): Kind {
  switch (type) {
    case "F32":
      return kinds.f32;
    case "F16":
      return kinds.f16;
    case "BF16":
      return kinds.bf16;
    case "Q8_0":
      return q8Kind(choice);
    case "Q4_0":
      // Nibbles are exact whatever the instruction does, so only a forced "neither" avoids it.
      return choice.relaxed && choice.forced !== "neither" ? kinds.q4Relaxed : kinds.q4Plain;
  }
}

function q8Kind({ relaxed, hardware, forced }: KernelChoice): Kind {
  const mode = forced ?? hardware;
  const real = relaxed && mode === hardware;
  if (mode === "unsigned") return real ? kinds.q8Unsigned : kinds.q8UnsignedEmulated;
  if (mode === "signed") return real ? kinds.q8Signed : kinds.q8SignedEmulated;
  return kinds.q8Neither;
}

/** Whether a kind takes quantised activations. */
export function isQuantised(kind: Kind): boolean {
  return kind >= kinds.q8Neither;
}

/** Whether a kind's rows are Q4_0. */
export function isNibbles(kind: Kind): boolean {
  return kind >= kinds.q4Plain;
}

/** Whether a kind stores bytes as w + 128. */
export function isFlipped(kind: Kind): boolean {
  return kind === kinds.q8Unsigned || kind === kinds.q8UnsignedEmulated;
}

/** Bytes of one packed group of 8 rows. */
export function groupBytes(kind: Kind, columns: number): number {
  if (kind === kinds.f32) return columns * 32;
  if (!isQuantised(kind)) return columns * 16;
  return (columns / 32) * (isNibbles(kind) ? 144 : 272);
}

/** Bytes of one row in the file. */
export function fileRowBytes(type: MatrixType, columns: number): number {
  if (type === "F32") return columns * 4;
  if (type === "F16" || type === "BF16") return columns * 2;
  return (columns / 32) * (type === "Q8_0" ? 34 : 18);
}
