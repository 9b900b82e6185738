/**
 * Writes the inner loops of attention (docs/NUMERIC_CLASS.md section 5.3, steps 1 and 4): dot
 * products of queries with a tile of keys, and a tile's values weighed and summed.
 *
 * A loop holds the sums of some lanes (query heads of rows) by some vectors (of four positions, or
 * of four elements), and takes several steps a turn; how many of each is the table `shapes`. The
 * order of every sum is ascending whatever they are. `T` of what is written is f32, or u16 for f16.
 */

/** One loop: 4, 2 or 1 lanes by vectors, steps a turn. */
interface LoopShape {
  readonly lanes: number;
  readonly vectors: number;
  readonly steps: number;
}

/** Eight sums are in flight; the steps are those that measured best in Node and Deno. */
const shapes: readonly LoopShape[] = [
  { lanes: 4, vectors: 2, steps: 4 },
  { lanes: 2, vectors: 4, steps: 4 },
  { lanes: 1, vectors: 8, steps: 4 },
];

/** The text of `wasm/executor/attention_loops.gen.ts`, which wasm/build.ts writes as it builds. */
export function attentionSource(): string {
  return [
    header,
    choice("score", "key: usize, width: i32, q: usize, to: usize, stride: usize"),
    choice(
      "blend",
      "v: usize, width: i32, count: i32, p: usize, stride: usize, to: usize, step: usize",
    ),
    ...shapes.map(scoreLoop),
    ...shapes.map(blendLoop),
    blendRest,
  ].join("\n");
}

const header = `/**
 * Written by wasm/gen/attention.ts, which explains it. Do not edit.
 */
import { four } from "./attention_element";
import { halfMask, halfScale } from "./constants";

// @ts-ignore: decorator

@inline
function madd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}
`;

/** The function that chooses a loop by the number of lanes. */
function choice(name: string, parameters: string): string {
  const names = parameters.split(", ").map((parameter) => parameter.split(":")[0]).join(", ");
  const calls = shapes.map(({ lanes }) => `  if (lanes == ${lanes}) ${name}${lanes}<T>(${names});`);
  return `/** For 4, 2 or 1 lanes. */
export function ${name}Tile<T>(lanes: i32, ${parameters}): void {
${calls.join("\n  else")}
}
`;
}

/** Names of sums, lane by lane. */
function sums({ lanes, vectors }: LoopShape): string[] {
  return range(lanes).flatMap((lane) => range(vectors).map((vector) => `s${lane}${vector}`));
}

function zeros(shape: LoopShape): string {
  const [first = "", ...others] = sums(shape);
  return `let ${
    [`${first} = f32x4.splat(0)`, ...others.map((name) => `${name} = ${first}`)].join(", ")
  };`;
}

/** What one step multiplies: `vector(v)` is loaded once for all lanes, `splat(l)` for all vectors. */
interface Operands {
  vector(vector: number): string;
  splat(lane: number): string;
}

/** One step: what there is fewer of stays in registers. */
function oneStep({ lanes, vectors }: LoopShape, { vector, splat }: Operands): string {
  const lines: string[] = [];
  if (lanes > vectors) {
    range(vectors).forEach((v) => lines.push(`const w${v} = ${vector(v)};`));
    range(lanes).forEach((lane) => {
      lines.push(`const x${lane} = ${splat(lane)};`);
      range(vectors).forEach((v) =>
        lines.push(`s${lane}${v} = madd(s${lane}${v}, x${lane}, w${v});`)
      );
    });
  } else {
    range(lanes).forEach((lane) => lines.push(`const x${lane} = ${splat(lane)};`));
    range(vectors).forEach((v) => {
      lines.push(`const w${v} = ${vector(v)};`);
      range(lanes).forEach((l) => lines.push(`s${l}${v} = madd(s${l}${v}, x${l}, w${v});`));
    });
  }
  return `{\n${lines.join("\n")}\n}`;
}

const masks = "const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());";

/** Dot products of packed queries (element by element, lane by lane) with 32 keys. */
function scoreLoop(shape: LoopShape): string {
  const { lanes, vectors, steps } = shape;
  const bytes = lanes * 4;
  const step = (at: number): string =>
    oneStep(shape, {
      vector: (v) => `four<T>(key + ${32 * at + 4 * v} * sizeof<T>(), mask, scale)`,
      splat: (lane) => `v128.load32_splat(q, ${bytes * at + 4 * lane})`,
    });
  const puts = range(lanes).flatMap((lane) =>
    range(vectors).map((v) => `put(block == 0, to + ${lane} * stride + ${16 * v}, s${lane}${v});`)
  );
  const name = `score${lanes}`;
  return `${lanes === 4 ? scorePut : ""}
function ${name}<T>(key: usize, width: i32, q: usize, to: usize, stride: usize): void {
  for (let i: usize = 0; i < 32; i += ${4 * vectors}) {
    ${name}Part<T>(key + i * sizeof<T>(), width, q, to + (i << 2), stride);
  }
}

function ${name}Part<T>(key: usize, width: i32, q: usize, to: usize, stride: usize): void {
  ${masks}
  for (let block = 0; block < width; block += 32) {
    ${zeros(shape)}
    const end = q + <usize> min(32, width - block) * ${bytes};
    for (; q + ${bytes * steps} <= end; q += ${bytes * steps}) {
      ${range(steps).map(step).join("\n")}
      key += ${32 * steps} * sizeof<T>();
    }
    for (; q < end; q += ${bytes}) {
      ${step(0)}
      key += 32 * sizeof<T>();
    }
    ${puts.join("\n    ")}
  }
}
`;
}

const scorePut = `/** Stores the first block's sums; those of the others are added to them. */
// @ts-ignore: decorator

@inline
function put(isFirst: bool, to: usize, sum: v128): void {
  v128.store(to, isFirst ? sum : f32x4.add(v128.load(to), sum));
}
`;

/** A tile's share of the lanes' sums; elements that fill no loop are taken four by four. */
function blendLoop(shape: LoopShape): string {
  const { lanes, vectors, steps } = shape;
  const elements = 4 * vectors;
  const step = (at: number): string =>
    oneStep(shape, {
      vector: (v) => `four<T>(row + ${4 * v} * sizeof<T>(), mask, scale)`,
      splat: (lane) => `v128.load32_splat(j${lane === 0 ? "" : ` + p${lane}`}, ${4 * at})`,
    }) + "\nrow += rowBytes;";
  const others = range(lanes).slice(1);
  const puts = range(lanes).flatMap((lane) =>
    range(vectors).map((v) => `addTo(at + ${lane} * step + ${16 * v}, s${lane}${v});`)
  );
  const rests = range(lanes).map((l) =>
    `blendRest<T>(v, width, e, count, p + ${l} * stride, to + ${l} * step);`
  );
  return `
function blend${lanes}<T>(
  v: usize, width: i32, count: i32, p: usize, stride: usize, to: usize, step: usize,
): void {
  ${masks}
  const rowBytes = <usize> width * sizeof<T>();
  const end = p + (<usize> count << 2);
  ${others.map((lane) => `const p${lane} = ${lane} * stride;`).join(" ")}
  let e = 0;
  for (; e + ${elements} <= width; e += ${elements}) {
    ${zeros(shape)}
    let row = v + <usize> e * sizeof<T>();
    let j = p;
    for (; j + ${4 * steps} <= end; j += ${4 * steps}) {
      ${range(steps).map(step).join("\n")}
    }
    for (; j < end; j += 4) {
      ${step(0)}
    }
    const at = to + (<usize> e << 2);
    ${puts.join("\n    ")}
  }
  for (; e < width; e += 4) {
    ${rests.join("\n    ")}
  }
}
`;
}

const blendRest = `
// @ts-ignore: decorator

@inline
function addTo(to: usize, sum: v128): void {
  v128.store(to, f32x4.add(v128.load(to), sum));
}

/** One lane, the four elements from \`e\` on. */
function blendRest<T>(v: usize, width: i32, e: i32, count: i32, p: usize, to: usize): void {
  ${masks}
  let sum = f32x4.splat(0);
  let row = v + <usize> e * sizeof<T>();
  for (const end = p + (<usize> count << 2); p < end; p += 4) {
    sum = madd(sum, v128.load32_splat(p), four<T>(row, mask, scale));
    row += <usize> width * sizeof<T>();
  }
  addTo(to + (<usize> e << 2), sum);
}
`;

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
