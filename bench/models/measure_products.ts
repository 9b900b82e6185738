/**
 * How fast is one product kernel, from memory and from cache?
 *
 *     deno run -A bench/models/measure_products.ts [--formats Q8_0,Q4_0] [--positions 1,4,128]
 *         [--columns 2048] [--against BYTES.ts] [--plain]
 *
 * The same with `node`, 24 or later. A line per format, size of matrix and number of positions: the
 * median of interleaved rounds in GB/s of weights and in thousand million multiply-adds a second of
 * processor time (the machine may be shared), and a checksum of the results, which must be equal wherever it runs. `--against` measures another
 * build's byte module (src/engine/_executor_relaxed_bytes.ts of another checkout) in the same rounds
 * and prints the ratio. Expect tens of GB/s from cache, and in decode what memory gives a core.
 */
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { blake3 } from "hash-wasm";
import { probeMode } from "../../src/engine/mod.ts";
import { formats } from "../../wasm/gen/formats/all.ts";
import { kindModes, unitBytes } from "../../wasm/gen/formats/format.ts";

const { values: options } = parseArgs({
  options: {
    formats: { type: "string", default: "Q8_0,Q4_0,F16" },
    positions: { type: "string", default: "1,2,3,4,5,8,128" },
    columns: { type: "string", default: "2048" },
    sizes: { type: "string", default: "48,0.25" },
    rounds: { type: "string", default: "7" },
    against: { type: "string" },
    plain: { type: "boolean", default: false },
  },
});

/** The kernels that are measured, and what they need: exports of wasm/executor/index.ts. */
interface Kernels {
  quantise(...pointersAndColumns: readonly number[]): void;
  multiply(...kindAndMore: readonly number[]): void;
}

/** A matrix's type: how many bytes 8 rows have per 32 columns, and the kernel for it. */
interface Type {
  readonly name: string;
  readonly kind: number;
  readonly bytesPer32: number;
}

const columns = Number(options.columns);
const plainTypes: readonly Type[] = [
  { name: "F32", kind: 0, bytesPer32: 1024 },
  { name: "F16", kind: 1, bytesPer32: 512 },
  { name: "BF16", kind: 2, bytesPer32: 512 },
];
const types: readonly Type[] = [
  ...plainTypes,
  ...formats.map((format): Type => {
    const mode = options.plain || probeMode() === "neither" ? "plain" : probeMode();
    const modes = kindModes(format);
    const at = modes.length === 2 ? Number(!options.plain) : modes.findIndex((m) => m === mode);
    const bytesPer32 = unitBytes(format) / format.unitBlocks;
    return { name: format.name, kind: format.kinds[at] ?? NaN, bytesPer32 };
  }),
];

const own = new URL(
  `../../src/engine/_executor_${options.plain ? "plain" : "relaxed"}_bytes.ts`,
  import.meta.url,
);
const paths = [
  own.href,
  ...options.against === undefined ? [] : [pathToFileURL(options.against).href],
];
const builds = await Promise.all(paths.map(async (path) => {
  const { bytes } = await import(path) as { readonly bytes: string };
  return bytes;
}));
const memory = new WebAssembly.Memory({ initial: 2048, maximum: 65536, shared: true });
const kernels = builds.map((bytes) => {
  const module = new WebAssembly.Module(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)));
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
});

/** Enough for the engine's optimising compiler to have finished. */
const warmUpRounds = 4;
const xPtr = 65536;
const positionsMax = 128;
const bytesPtr = xPtr + positionsMax * columns * 4;
const wordsPtr = bytesPtr + positionsMax * columns;
const metaPtr = wordsPtr + positionsMax * columns * 2;
const yPtr = metaPtr + positionsMax * columns / 2;

for (const name of options.formats.split(",")) {
  const type = types.find((each) => each.name === name);
  if (type === undefined) {
    throw new RangeError(`Cannot measure "${name}" as no format has the name`);
  }
  for (const size of options.sizes.split(",")) {
    for (const positions of options.positions.split(",")) {
      await measureOne(type, Number(size) * 2 ** 20, Number(positions));
    }
  }
}

async function measureOne(type: Type, weightBytes: number, positions: number): Promise<void> {
  const groupBytes = type.bytesPer32 * columns / 32;
  const groups = Math.max(4, Math.floor(weightBytes / groupBytes / 4) * 4);
  const yStride = groups * 32;
  const weightsPtr = yPtr + Math.ceil(positions * yStride / 64) * 64;
  fill(weightsPtr, groups * groupBytes, { positions, type });
  const calls = Math.max(1, Math.round(2 ** 25 / (groups * groupBytes * positions)));
  const digests: string[] = [];
  const times = kernels.map((): number[] => []);
  for (let round = 0; round < Number(options.rounds) + warmUpRounds; round++) {
    for (const [i, each] of kernels.entries()) {
      const before = process.cpuUsage().user;
      for (let call = 0; call < calls; call++) {
        each.multiply(
          type.kind,
          yPtr,
          yStride,
          weightsPtr,
          columns,
          0,
          groups,
          positions,
          0,
          xPtr,
          columns * 4,
          bytesPtr,
          wordsPtr,
          metaPtr,
        );
      }
      const ms = (process.cpuUsage().user - before) / 1000 / calls;
      if (round >= warmUpRounds) times[i]?.push(ms);
      if (round === 0) {
        digests.push(
          await blake3(new Uint8Array(memory.buffer, yPtr, positions * yStride).slice()),
        );
      }
    }
  }
  const [best = NaN, other] = times.map((each) => each.toSorted((a, b) => a - b)[each.length >> 1]);
  const macs = groups * 8 * columns * positions;
  console.log(
    `${type.name} kind ${type.kind} ${(groups * groupBytes / 2 ** 20).toFixed(2)} MiB,`,
    `${positions} positions: ${(groups * groupBytes / best / 1e6).toFixed(1)} GB/s,`,
    `${(macs / best / 1e6).toFixed(1)} GMAC/s, digest ${digests[0]?.slice(0, 8)}`,
    other === undefined ? "" : `; ${(other / best).toFixed(2)} times as fast as the other build` +
      (digests[0] === digests[1] ? "" : ", WHICH DIFFERS"),
  );
}

/** Weights of any bits whose exponents are those of moderate numbers, and quantised activations. */
function fill(
  weightsPtr: number,
  bytes: number,
  { positions, type }: { readonly positions: number; readonly type: Type },
): void {
  // No subnormals: they are slow on many processors, and rare in models.
  const [clear, set] = type.name === "F32" || type.name === "BF16"
    ? [0x83ff83ff, 0x3c003c00]
    : [0xafffafff, 0x20002000];
  const missing = Math.ceil((weightsPtr + bytes - memory.buffer.byteLength) / 65536);
  if (missing > 0) memory.grow(missing);
  const words = new Uint32Array(memory.buffer, weightsPtr, Math.floor(bytes / 4));
  let seed = 1;
  for (let i = 0; i < words.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    words[i] = ((seed ^ (seed >>> 15)) & clear) | set;
  }
  for (let t = 0; t < positions; t++) {
    const x = new Float32Array(memory.buffer, xPtr + t * columns * 4, columns);
    x.forEach((_, i) => x[i] = ((i * 7919 + t * 104729) % 2001) / 1000 - 1);
    kernels[0]?.quantise(
      xPtr + t * columns * 4,
      bytesPtr + t * columns,
      wordsPtr + t * columns * 2,
      metaPtr + t * columns / 2,
      columns,
    );
  }
}
