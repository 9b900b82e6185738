/**
 * The kernels of one format and mode, and the loops over groups and positions around them.
 */
import { type Format, isSmall, type Mode, unitBytes } from "./formats/format.ts";
import { blockLines } from "./products_block.ts";
import { type BlockContext, range, readsWords, type Shape } from "./products_context.ts";
import { unitLines } from "./products_ends.ts";
import { isTwinned } from "./products_twins.ts";
import type { Masks } from "./products_codes.ts";

const decode: Shape = { groups: 4, positions: 1 };
const single: Shape = { groups: 1, positions: 1 };
/** A square tile reads least: that counts where each load is checked against the memory's size. */
const square: Shape = { groups: 2, positions: 2 };
const tiles: readonly Shape[] = [4, 3, 2].map((positions) => ({ groups: 1, positions }));

/** The text of a format's kernels and driver in a mode; adds what they read to `masks`. */
export function drivers(format: Format, mode: Mode, masks: Masks): string {
  const shapes = isEmulated(mode) ? [single] : [...decodes(format, mode), ...tilesOf(format, mode)];
  const kernels = shapes.map((shape) => kernel({ format, mode, shape, masks: new Map() }, masks));
  return [...kernels, isEmulated(mode) ? slowDriver(format, mode) : driver(format, mode)].join(
    "\n",
  );
}

/** Rare formats have fewer kernels, and fewest where there is no relaxed dot: the module is shorter. */
function decodes({ rare }: Format, mode: Mode): readonly Shape[] {
  return rare === true && readsWords(mode) ? [single] : [decode, single];
}

function tilesOf(format: Format, mode: Mode): readonly Shape[] {
  if (format.rare === true) return tiles.slice(0, 1);
  return isTwinned({ format, mode }) ? [square, ...tiles] : tiles;
}

/** The case of `multiply` for a kind; kinds that a build has no use for trap. */
export function choice(format: Format, mode: Mode, kind: number | undefined): string {
  const small = isSmall(format.codes);
  const lines = mode === "relaxed"
    ? [`if (usesPairs()) ${driverCall(format, "pairs")}`, driverCall(format, mode)]
    : [driverCall(format, mode)];
  // Small codes are plain only where there is no relaxed dot.
  const build = small && mode === "plain" ? "!" : small || isReal(mode) ? "" : undefined;
  const body = lines.map((line) => `      ${line}`).join("\n");
  return `    case ${kind}: // ${format.name}, ${mode}\n` +
    (build === undefined
      ? body
      : `      if (${build}ASC_FEATURE_RELAXED_SIMD) {\n${body}\n      }\n      unreachable();`);
}

function driverCall(format: Format, mode: Mode): string {
  return `return ${nameOf(format, mode)}(y, yStride, w, columns, from, to, positions, add, ` +
    `${readsWords(mode) ? "words" : "bytes"}, meta);`;
}

/** Whether a mode uses the relaxed instruction. */
function isReal(mode: Mode): boolean {
  return !readsWords(mode) && !isEmulated(mode);
}

function isEmulated(mode: Mode): boolean {
  return mode === "unsignedEmulated" || mode === "signedEmulated";
}

function nameOf(format: Format, mode: Mode): string {
  const [first = "", ...rest] = mode;
  return `${format.name.toLowerCase()}${first.toUpperCase()}${rest.join("")}`;
}

function kernelName({ format, mode, shape }: BlockContext): string {
  return `${nameOf(format, mode)}${shape.groups}x${shape.positions}`;
}

function kernel(context: BlockContext, allMasks: Masks): string {
  const { format, mode, shape, masks } = context;
  const { unitBlocks, headerBytes, blockBytes } = format;
  const groups = range(shape.groups);
  const positions = range(shape.positions);
  const unit = unitLines(context);
  const body = blockLines(context);
  masks.forEach((value, name) => allMasks.set(name, value));
  const totals = groups.flatMap((g) => positions.flatMap((t) => [`f${g}${t}0`, `f${g}${t}1`]));
  const several = unitBlocks > 1;
  return [
    `function ${kernelName(context)}(`,
    "  y: usize, yStride: usize, p0: usize, groupBytes: usize, units: i32, add: bool,",
    "  x0: usize, xStride: usize, m0: usize, mStride: usize,",
    "): void {",
    ...[...masks].map(([name, value]) => `  const ${name} = ${value};`),
    ...groups.slice(1).map((g) => `  let p${g} = p${g - 1} + groupBytes;`),
    ...positions.slice(1).map((t) =>
      `  let x${t} = x${t - 1} + xStride, m${t} = m${t - 1} + mStride;`
    ),
    `  let ${totals.map((name) => `${name} = f32x4.splat(0)`).join(", ")};`,
    "  for (let u = 0; u < units; u++) {",
    ...unit,
    ...(several ? groups.map((g) => `    p${g} += ${headerBytes};`) : []),
    ...(several ? [`    for (let b = 0; b < ${unitBlocks}; b++) {`] : []),
    ...body,
    ...groups.map((g) => `    p${g} += ${blockBytes};`),
    ...positions.map((t) => `    x${t} += ${readsWords(mode) ? 64 : 32}; m${t} += 16;`),
    ...(several ? ["    }"] : []),
    "  }",
    ...groups.flatMap((g) =>
      positions.map((t) => `  put(y + ${32 * g} + ${t} * yStride, f${g}${t}0, f${g}${t}1, add);`)
    ),
    "}\n",
  ].join("\n");
}

function opening(format: Format, mode: Mode): string {
  return `function ${nameOf(format, mode)}(
  y: usize, yStride: usize, w: usize, columns: i32, from: i32, to: i32, positions: i32, add: bool,
  x: usize, m: usize,
): void {
  const units = columns / ${32 * format.unitBlocks};
  const groupBytes = <usize> units * ${unitBytes(format)};
  const xStride = <usize> columns${
    readsWords(mode) ? " << 1" : ""
  }, mStride = <usize> columns >> 1;`;
}

/** What kernels take after the group and the position. */
function call(context: string, shape: Shape, at: { group: string; position: string }): string {
  const { group, position } = at;
  return `${context}${shape.groups}x${shape.positions}(y + (<usize> ${group} << 5) + <usize> ` +
    `${position} * yStride, yStride, w + <usize> ${group} * groupBytes, groupBytes, units, add, ` +
    `x + <usize> ${position} * xStride, xStride, m + <usize> ${position} * mStride, mStride)`;
}

function driver(format: Format, mode: Mode): string {
  const name = nameOf(format, mode);
  const at = { group: "g", position: "t" };
  const loops = decodes(format, mode).map(({ groups }) =>
    `    for (; g + ${groups} <= to; g += ${groups}) ${call(name, { groups, positions: 1 }, at)};`
  );
  return `${opening(format, mode)}
  let g = from;
  if (positions == 1) {
    const t = 0;
${loops.join("\n")}
    return;
  }
${isTwinned({ format, mode }) ? squares(name) : ""}  for (; g < to; g++) {
    let t = 0;
${format.rare === true ? fewTiles(name) : allTiles(name)}
  }
}
`;
}

/** Two groups at once by two positions; three that are left are a tile of each group. */
function squares(name: string): string {
  const [first, second] = ["g", "(g + 1)"].map((group) =>
    call(name, { groups: 1, positions: 3 }, { group, position: "t" })
  );
  return `  for (; g + 2 <= to; g += 2) {
    let t = 0;
    for (let left = positions; left > 0; left = positions - t) {
      if (left != 3) {
        ${call(name, square, { group: "g", position: "t" })};
        t += 2;
      } else {
        ${first};
        ${second};
        t += 3;
      }
    }
  }
`;
}

/** Tiles of four, and what is left alone. */
function fewTiles(name: string): string {
  const at = { group: "g", position: "t" };
  return `    for (; t + 4 <= positions; t += 4) ${call(name, { groups: 1, positions: 4 }, at)};
    for (; t < positions; t++) ${call(name, single, at)};`;
}

/** Tiles of four, three and two, so that none is left alone. */
function allTiles(name: string): string {
  const at = { group: "g", position: "t" };
  return `    for (let left = positions; left > 0; left = positions - t) {
      if (left >= 4 && left != 5) {
        ${call(name, { groups: 1, positions: 4 }, at)};
        t += 4;
      } else if (left != 2) {
        ${call(name, { groups: 1, positions: 3 }, at)};
        t += 3;
      } else {
        ${call(name, { groups: 1, positions: 2 }, at)};
        t += 2;
      }
    }`;
}

/** Emulated modes are for tests: one group, one position at a time. */
function slowDriver(format: Format, mode: Mode): string {
  return `${opening(format, mode)}
  for (let g = from; g < to; g++) {
    for (let t = 0; t < positions; t++) {
      ${call(nameOf(format, mode), single, { group: "g", position: "t" })};
    }
  }
}
`;
}
