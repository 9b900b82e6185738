/**
 * How fast is attention alone, one layer, one thread, on this machine and runtime?
 *
 *     deno run -A test/engine/measure_attention.ts [--small]
 *
 * The same with `node`, 24 or later. Decode is one row, prefill 64 rows at the end of the context;
 * tokens a second of one layer, medians of interleaved runs, with every row in a call of its own and
 * with all in one, which shares the loads of keys and values (as f32 and as f16). The results of the
 * first two are compared bit for bit.
 */
import process from "node:process";
import { instantiateKernels, kernelMemory } from "../../src/engine/_module.ts";

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
}

const shapes: readonly Shape[] = [
  { heads: 8, kvHeads: 8, headWidth: 64 },
  { heads: 16, kvHeads: 2, headWidth: 64 },
  { heads: 8, kvHeads: 2, headWidth: 128 },
  { heads: 14, kvHeads: 2, headWidth: 64 },
];
const isSmall = process.argv.includes("--small");
const contexts = isSmall ? [96] : [512, 4096, 32768];
const rounds = isSmall ? 1 : 5;
const budgetMs = isSmall ? 1 : 150;

console.log(`${runtime()} ${process.arch}: tokens/s of one layer, one thread`);
console.log("heads kv width context rows |  alone shared    f16 | shared/alone f16/alone");
for (const shape of shapes) {
  for (const context of contexts) {
    for (const rows of [1, 64]) measure(shape, context, rows);
  }
}

// tidy: allow positional-parameters as it is a table's row
function measure(shape: Shape, context: number, rows: number): void {
  const { heads, kvHeads, headWidth } = shape;
  const pages = Math.ceil(context / 32);
  const pageBytes = kvHeads * headWidth * 2 * 32 * 4;
  const rowBytes = heads * headWidth * 4;
  const tablePtr = 4096;
  const queryPtr = tablePtr + pages * 8;
  const outPtr = queryPtr + rows * rowBytes;
  const probe = instantiateKernels(
    kernelMemory(1),
  );
  const scratchBytes = probe.attendScratchBytes(context, headWidth);
  const scratchPtr = outPtr + rows * rowBytes;
  const pagesPtr = scratchPtr + Math.ceil(scratchBytes / 64) * 64;
  const halvesPtr = pagesPtr + pages * pageBytes;
  const bytes = halvesPtr + pages * pageBytes / 2;
  const memory = kernelMemory(Math.ceil(bytes / 65536));
  const kernels = instantiateKernels(memory);
  const table = new Uint32Array(memory.buffer, tablePtr, pages * 2);
  for (let page = 0; page < pages; page++) {
    table[page] = pagesPtr + page * pageBytes;
    table[pages + page] = halvesPtr + page * pageBytes / 2;
  }
  const row = new Float32Array(memory.buffer, outPtr, kvHeads * headWidth);
  for (let position = 0; position < context; position++) {
    fill(row, position);
    for (const half of [0, 1]) {
      const page = table[half * pages + (position >> 5)] ?? 0;
      kernels.storeKeyValue(
        page,
        position & 31,
        outPtr,
        outPtr,
        kvHeads,
        headWidth,
        headWidth,
        half,
      );
    }
  }
  fill(new Float32Array(memory.buffer, queryPtr, rows * heads * headWidth), 1);
  const scale = Math.fround(1 / Math.sqrt(headWidth));
  const first = context - rows;
  const rowsFrom = (half: number, row: number, count: number): void => {
    kernels.attend(
      queryPtr + row * rowBytes,
      outPtr + row * rowBytes,
      rowBytes,
      tablePtr + half * pages * 4,
      0,
      first + row,
      count,
      0,
      0,
      0,
      kvHeads,
      heads,
      kvHeads,
      headWidth,
      headWidth,
      scale,
      0,
      half,
      scratchPtr,
    );
  };
  const alone = (): void => {
    for (let row = 0; row < rows; row++) rowsFrom(0, row, 1);
  };
  const shared = (half: number): void => rowsFrom(half, 0, rows);
  const results = new Uint32Array(memory.buffer, outPtr, rows * heads * headWidth);
  alone();
  const expected = results.slice();
  results.fill(0);
  shared(0);
  const differs = results.some((bits, i) => bits !== expected[i]);
  if (differs) throw new RangeError("Cannot compare as the results must have the same bits");
  const [a = 0, b = 0, c = 0] = interleaved([alone, () => shared(0), () => shared(1)]);
  const speed = (ms: number): string => (1000 * rows / ms).toFixed(0).padStart(6);
  console.log(
    [heads, kvHeads, headWidth, context, rows].map((n) => String(n).padStart(5)).join(" "),
    "|",
    [a, b, c].map(speed).join(" "),
    "|",
    (a / b).toFixed(2).padStart(6),
    (a / c).toFixed(2).padStart(6),
  );
}

/** Median milliseconds of each. */
function interleaved(runs: readonly (() => void)[]): number[] {
  const times = runs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    runs.forEach((run, i) => {
      let count = 0;
      const before = performance.now();
      while (performance.now() - before < budgetMs) (run(), count++);
      times[i]?.push((performance.now() - before) / count);
    });
  }
  return times.map((each) => each.toSorted((x, y) => x - y)[each.length >> 1] ?? NaN);
}

function fill(values: Float32Array, seed: number): void {
  let x = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < values.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    values[i] = x / 2 ** 31 - 1;
  }
}

function runtime(): string {
  return "deno" in process.versions ? `deno ${process.versions["deno"]}` : process.version;
}
