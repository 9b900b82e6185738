/**
 * The one loader of this area's WebAssembly: modules embedded as base64, so that the executable, the
 * library and a bundler need no file next to them. Compiled once per process, at first use.
 */

/** `(module (func (result v128) i32.const 0 i8x16.splat))`, which only an engine with SIMD accepts. */
const SIMD_PROBE = [
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123],
  ...[3, 2, 1, 0],
  ...[10, 8, 1, 6, 0, 65, 0, 253, 15, 11],
];

/** Which implementation a face runs on: `auto` takes WebAssembly where the engine has SIMD. */
export type KernelChoice = "auto" | "wasm" | "plain";

/** What a face ended up with. */
export type KernelKind = "wasm" | "plain";

/** Whether this engine runs WebAssembly with 128-bit SIMD. */
export function hasSimd(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(SIMD_PROBE));
}

/** A kernel in WebAssembly, and its twin in TypeScript, which has the same exports and addresses. */
export class KernelModule<Kernel> {
  readonly #base64: string;
  readonly #twin: () => Kernel;
  #compiled: WebAssembly.Module | undefined;

  /** @param twin makes a twin over memory of its own */
  constructor(base64: string, twin: () => Kernel) {
    this.#base64 = base64;
    this.#twin = twin;
  }

  /**
   * A new instance with memory of its own.
   *
   * @throws {RangeError} when `wasm` is asked for and the engine lacks SIMD
   */
  open(choice: KernelChoice): { readonly kernel: Kernel; readonly kind: KernelKind } {
    if (choice === "plain" || (choice === "auto" && !hasSimd())) {
      return { kernel: this.#twin(), kind: "plain" };
    }
    if (!hasSimd()) {
      throw new RangeError(
        `Cannot open a kernel as this engine has no SIMD: current value is "wasm"`,
      );
    }
    this.#compiled ??= new WebAssembly.Module(decodeBase64(this.#base64));
    const instance = new WebAssembly.Instance(this.#compiled);
    // The exports are this repository's own module, compiled from the source that the twin mirrors.
    return { kernel: instance.exports as Kernel, kind: "wasm" };
  }
}

function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
