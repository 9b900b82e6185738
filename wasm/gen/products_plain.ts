/**
 * Kernels of F32, F16 and BF16 rows by f32 activations (section 3.1): eight columns unrolled.
 *
 * In a block of 32 columns a lane's sum `p` starts at +0 and adds column after column; the total
 * adds each block's sum. Eight sums are in flight: four groups by one position, or one group by four
 * positions. A group is column after column, 8 values each. Wider values come from a load of 8 and
 * zeros put below each: a bf16 is then its f32; an f16 is shifted to where an f32's fields are, and
 * one exact multiplication by 2^112 makes its exponent good, for subnormals too.
 */
import { range, type Shape } from "./products_context.ts";
import { mask, type Masks } from "./products_codes.ts";

/** A type of values that are multiplied as they are; `kind` is its number in src/engine/_kinds.ts. */
interface PlainType {
  readonly name: string;
  readonly kind: number;
  readonly columnBytes: number;
}

const types: readonly PlainType[] = [
  { name: "f32", kind: 0, columnBytes: 32 },
  { name: "f16", kind: 1, columnBytes: 16 },
  { name: "bf16", kind: 2, columnBytes: 16 },
];

const shapes: readonly Shape[] = [
  { groups: 4, positions: 1 },
  { groups: 1, positions: 1 },
  ...[4, 3, 2].map((positions) => ({ groups: 1, positions })),
];

const HALVES = [0, 1];
const unrolledColumns = 8;

/** The text of all plain kernels and their drivers; adds what they read to `masks`. */
export function plainDrivers(masks: Masks): string {
  return types.flatMap((type) => [
    ...shapes.map((shape) => kernel(type, shape, masks)),
    driver(type),
  ]).join("\n");
}

/** The cases of `multiply`. */
export function plainChoices(): string {
  return types.map(({ name, kind }) =>
    `    case ${kind}:
      return ${name}(y, yStride, w, columns, from, to, positions, add, x, xStride);`
  ).join("\n");
}

function kernel(type: PlainType, shape: Shape, allMasks: Masks): string {
  const groups = range(shape.groups);
  const positions = range(shape.positions);
  const masks: Masks = new Map();
  const several = range(unrolledColumns).flatMap((column) =>
    columnLines(type, shape, { column, masks })
  );
  const one = columnLines(type, shape, { column: 0, masks });
  masks.forEach((value, name) => allMasks.set(name, value));
  const sums = groups.flatMap((g) => positions.flatMap((t) => HALVES.map((h) => `${g}${t}${h}`)));
  function advance(columns: number): string {
    return [
      ...groups.map((g) => `p${g} += ${columns * type.columnBytes};`),
      ...positions.map((t) => `x${t} += ${columns * 4};`),
    ].join(" ");
  }
  return [
    `function ${type.name}${shape.groups}x${shape.positions}(`,
    "  y: usize, yStride: usize, p0: usize, groupBytes: usize, columns: i32, add: bool,",
    "  x0: usize, xStride: usize,",
    "): void {",
    ...[...masks].map(([name, value]) => `  const ${name} = ${value};`),
    ...groups.slice(1).map((g) => `  let p${g} = p${g - 1} + groupBytes;`),
    ...positions.slice(1).map((t) => `  let x${t} = x${t - 1} + xStride;`),
    `  let ${sums.map((name) => `f${name} = f32x4.splat(0)`).join(", ")};`,
    "  for (let left = columns; left > 0; left -= 32) {",
    `    let ${sums.map((name) => `s${name} = f32x4.splat(0)`).join(", ")};`,
    "    let count = min(32, left);",
    `    for (; count >= ${unrolledColumns}; count -= ${unrolledColumns}) {`,
    ...several,
    `      ${advance(unrolledColumns)}`,
    "    }",
    "    for (; count > 0; count--) {",
    ...one,
    `      ${advance(1)}`,
    "    }",
    ...sums.map((name) => `    f${name} = f32x4.add(f${name}, s${name});`),
    "  }",
    ...groups.flatMap((g) =>
      positions.map((t) => `  put(y + ${32 * g} + ${t} * yStride, f${g}${t}0, f${g}${t}1, add);`)
    ),
    "}\n",
  ].join("\n");
}

/** The lines of one column, `column` columns after the pointers. */
function columnLines(
  type: PlainType,
  { groups, positions }: Shape,
  { column, masks }: { readonly column: number; readonly masks: Masks },
): readonly string[] {
  function product(g: number, t: number, h: number): string {
    const sum = `s${g}${t}${h}`;
    return `${sum} = f32x4.add(${sum}, f32x4.mul(v${t}, w${g}${h}));`;
  }
  function activation(t: number): string {
    return `const v${t} = v128.load32_splat(x${t}, ${4 * column});`;
  }
  const lines = range(groups).flatMap((g) => [
    ...weights(type, g, { column, masks }),
    ...range(positions).flatMap((t) => [
      ...(groups === 1 ? [activation(t)] : []),
      ...HALVES.map((h) => product(g, t, h)),
    ]),
  ]);
  const held = groups === 1 ? [] : [activation(0)];
  return ["{", ...held, ...lines, "}"].map((line) => `      ${line}`);
}

/** The column's 8 weights of a group as f32: w<g>0 and w<g>1. */
function weights(
  { name, columnBytes }: PlainType,
  g: number,
  { column, masks }: { readonly column: number; readonly masks: Masks },
): readonly string[] {
  const at = column * columnBytes;
  if (name === "f32") {
    return HALVES.map((h) => `const w${g}${h} = v128.load(p${g}, ${at + 16 * h});`);
  }
  const zeros = mask(masks, 0);
  const wide = HALVES.map((h) => {
    const lanes = range(4).flatMap((i) => [i + 4 * h, 8 + i + 4 * h]).join(", ");
    const high = `v128.shuffle<i16>(${zeros}, r${g}, ${lanes})`;
    if (name === "bf16") return high;
    const bits = `v128.and(i32x4.shr_s(${high}, 3), ${mask(masks, 0x8fffffff)})`;
    return `f32x4.mul(${bits}, ${mask(masks, 0x77800000)})`;
  });
  return [
    `const r${g} = v128.load(p${g}, ${at});`,
    ...wide.map((value, h) => `const w${g}${h} = ${value};`),
  ];
}

function driver({ name, columnBytes }: PlainType): string {
  function call(groups: number, positions: number): string {
    return `${name}${groups}x${positions}(y + (<usize> g << 5) + <usize> t * yStride, yStride, ` +
      "w + <usize> g * groupBytes, groupBytes, columns, add, x + <usize> t * xStride, xStride)";
  }
  return `function ${name}(
  y: usize, yStride: usize, w: usize, columns: i32, from: i32, to: i32, positions: i32, add: bool,
  x: usize, xStride: usize,
): void {
  const groupBytes = <usize> columns * ${columnBytes};
  let g = from;
  if (positions == 1) {
    const t = 0;
    for (; g + 4 <= to; g += 4) ${call(4, 1)};
    for (; g < to; g++) ${call(1, 1)};
    return;
  }
  for (; g < to; g++) {
    for (let t = 0, left = positions; left > 0; left = positions - t) {
      if (left >= 4 && left != 5) {
        ${call(1, 4)};
        t += 4;
      } else if (left != 2) {
        ${call(1, 3)};
        t += 3;
      } else {
        ${call(1, 2)};
        t += 2;
      }
    }
  }
}
`;
}
