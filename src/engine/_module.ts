/**
 * The compiled kernels: which build this engine accepts, and their typed exports.
 */
import { decodeEmbedded } from "../platform/mod.ts";
import { bytes as plainBytes } from "./_executor_plain_bytes.ts";
import { bytes as relaxedBytes } from "./_executor_relaxed_bytes.ts";
import type { ProbeMode } from "./_kinds.ts";
import { withMemoryOf } from "./_memory_limits.ts";

/** The exports of wasm/executor/index.ts; pointers are byte offsets in the imported memory. */
export interface Kernels {
  /** Waits for a command and runs it; 0 at the end. Called by threads only. */
  run(control: number, thread: number): number;
  relaxed(): number;
  probe(left: number, right: number): number;
  /** Packs rows into groups of 8; returns how many weights or scales are not finite. */
  repack(kind: number, dst: number, src: number, columns: number, rows: number): number;
  dequantiseRow(kind: number, out: number, group: number, lane: number, columns: number): void;
  quantise(x: number, bytes: number, words: number, meta: number, columns: number): void;
  choosePairs(value: number): void;
  multiply(
    kind: number,
    y: number,
    yStride: number,
    w: number,
    columns: number,
    from: number,
    to: number,
    positions: number,
    add: number,
    x: number,
    xStride: number,
    bytes: number,
    words: number,
    meta: number,
  ): void;
  norm(x: number, w: number, y: number, count: number, epsilon: number): void;
  headNorms(x: number, w: number, heads: number, headWidth: number, epsilon: number): void;
  layerNorm(
    x: number,
    w: number,
    b: number,
    y: number,
    count: number,
    epsilon: number,
  ): void;
  rotation(
    out: number,
    position: number,
    frequencies: number,
    magnitude: number,
    width: number,
  ): void;
  rotate(
    x: number,
    pairs: number,
    heads: number,
    headWidth: number,
    width: number,
    halves: number,
  ): void;
  storeKeyValue(
    page: number,
    slot: number,
    key: number,
    value: number,
    kvHeads: number,
    headWidth: number,
    valueWidth: number,
    half: number,
  ): number;
  attendScratchBytes(contextMax: number, valueWidth: number): number;
  attend(
    query: number,
    out: number,
    rowBytes: number,
    table: number,
    layer: number,
    firstPosition: number,
    rows: number,
    visibleMax: number,
    window: number,
    fromKv: number,
    toKv: number,
    heads: number,
    kvHeads: number,
    headWidth: number,
    valueWidth: number,
    scale: number,
    cap: number,
    half: number,
    scores: number,
  ): void;
  activate(kind: number, g: number, u: number, count: number): void;
  add(y: number, x: number, count: number): void;
  scale(x: number, factor: number, count: number): void;
  cap(x: number, cap: number, count: number): void;
  allFinite(x: number, count: number): number;
  expfRow(x: number, count: number): void;
  tanhfRow(x: number, count: number): void;
  erffRow(x: number, count: number): void;
  exp(x: number): number;
  log(x: number): number;
  sin(x: number): number;
  cos(x: number): number;
  philoxBlock(counter: number, key0: number, key1: number): void;
  placeSampler(
    vocabularySize: number,
    logits: number,
    z: number,
    w: number,
    heap: number,
    kept: number,
    counts: number,
    biases: number,
    block: number,
    mask: number,
  ): void;
  sample(
    countCount: number,
    biasCount: number,
    repeatPenalty: number,
    frequencyPenalty: number,
    presencePenalty: number,
    temperature: number,
    topK: number,
    topP: number,
    minP: number,
    seedLow: number,
    seedHigh: number,
    position: number,
    useMask: number,
  ): number;
  logSumExp(): number;
  digestRows(
    x: number,
    stride: number,
    rows: number,
    bytes: number,
    workspace: number,
    out: number,
  ): void;
  digestChain(
    x: number,
    blocks: number,
    bytes: number,
    seed: number,
    workspace: number,
    out: number,
  ): void;
}

/** A build of the kernels; "best" is the relaxed one where the engine accepts it. */
export type Build = "best" | "plain";

// Compiled code is immutable, so all executors of a process share it.
const compiled = new Map<string, WebAssembly.Module>();
/** Modules for memories of one size that are kept; of further sizes the oldest is left to its users. */
const fixedKeptMax = 8;
let probed: ProbeMode | undefined;

/**
 * A memory that the kernels accept: shared, as threads run them.
 *
 * @param pages of 64 KiB each; `pagesMax` may be grown to
 */
export function kernelMemory(pages: number, pagesMax = 2 ** 16): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pagesMax, shared: true });
}

/** Instantiates the kernels over `memory`, which must be one that the module accepts. */
export function instantiateKernels(
  memory: WebAssembly.Memory,
  kernels: Build | WebAssembly.Module = "best",
): Kernels {
  const module = kernels instanceof WebAssembly.Module ? kernels : kernelModule(kernels);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return instance.exports as unknown as Kernels;
}

/**
 * What this engine's relaxed integer dot does with bytes above 127; "neither" also where the
 * engine refuses the instruction. It decides a kernel, never a result.
 */
export function probeMode(): ProbeMode {
  probed ??= probeKernels(instantiateKernels(kernelMemory(1, 1)));
  return probed;
}

/** Asks the given kernels. */
export function probeKernels(kernels: Kernels): ProbeMode {
  const lane = kernels.probe(127, 255);
  if (lane === 127 * 255 * 4) return "unsigned";
  return lane === 127 * -1 * 4 ? "signed" : "neither";
}

/** The compiled kernels, for any memory. */
export function kernelModule(build: Build = "best"): WebAssembly.Module {
  const known = compiled.get(build);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(bytesOf(build));
  compiled.set(build, module);
  return module;
}

/** The same for memories of exactly `pages` of 64 KiB, which is faster (see _memory_limits.ts). */
export function fixedKernelModule(build: Build, pages: number): WebAssembly.Module {
  const key = `${build} ${pages}`;
  const module = compiled.get(key) ?? new WebAssembly.Module(withMemoryOf(bytesOf(build), pages));
  compiled.delete(key);
  compiled.set(key, module);
  const fixed = [...compiled.keys()].filter((each) => each.includes(" "));
  for (const each of fixed.slice(0, -fixedKeptMax)) compiled.delete(each);
  return module;
}

function bytesOf(build: Build): Uint8Array<ArrayBuffer> {
  const relaxed = decodeEmbedded(relaxedBytes);
  const usable = build === "best" && WebAssembly.validate(relaxed);
  return usable ? relaxed : decodeEmbedded(plainBytes);
}
