/**
 * Writes the unrolled compression functions of BLAKE3 as AssemblyScript.
 *
 * Rounds, message order and transposes follow the BLAKE3 paper, sections 2.2 to 2.4 and 5.3. What
 * is unrolled here is only what a loop would slow down; the tree and the modes are hand-written in
 * `wasm/blake3/`.
 */

/** The message permutation between rounds (table 2 of the paper). */
const PERMUTATION: readonly number[] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/** The initial value: SHA-256's, the first 32 bits of the fractional parts of square roots. */
const IV: readonly string[] = [
  "0x6a09e667",
  "0xbb67ae85",
  "0x3c6ef372",
  "0xa54ff53a",
  "0x510e527f",
  "0x9b05688c",
  "0x1f83d9ab",
  "0x5be0cd19",
];

/** State words of the four quarter rounds, by column and by diagonal. */
const COLUMNS: readonly Quad[] = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]];
const DIAGONALS: readonly Quad[] = [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

const ROUNDS = 7;
const LANES: readonly number[] = [0, 1, 2, 3];
const WORDS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

type Quad = readonly [number, number, number, number];

/** The text of `wasm/blake3/compress.gen.ts`. */
export function blake3Source(): string {
  return [header(), fourLanes("hash4", hash4Body()), fourLanes("step4", step4Body()), compressOne()]
    .join("\n");
}

function header(): string {
  return `/**
 * Compression functions of BLAKE3, unrolled. Written by wasm/gen/blake3.ts: do not edit.
 *
 * Scratch (\`s\`), 16-byte aligned:
 *   s + 0    256 B  the message words of four lanes, transposed: word w is the vector at 16 * w
 *   s + 256  128 B  step4: the chaining values of four lanes, word w is the vector at 16 * w
 */
`;
}

/** Message word indexes of each round. */
function schedule(): readonly (readonly number[])[] {
  const rounds: number[][] = [[...Array(16).keys()]];
  while (rounds.length < ROUNDS) {
    const last = rounds.at(-1) ?? [];
    rounds.push(PERMUTATION.map((index) => at(last, index)));
  }
  return rounds;
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`Cannot take item ${index} of ${list.length}`);
  return found;
}

/**
 * A rotation to the right of each 32-bit lane.
 *
 * Four lanes: 16 as a byte shuffle (two 16-bit shuffles in V8), 8 as shifts, because V8 rebuilds a
 * byte shuffle's mask at each use; 1.9 GB/s against 1.67 with both as shuffles. One lane: both as
 * shuffles, because there the length of the chain counts.
 */
function rotated(x: string, bits: number, shuffled = bits === 16): string {
  if (shuffled) {
    const from = [...Array(16).keys()].map((i) => (i & ~3) + (((i & 3) + bits / 8) & 3));
    return `v128.shuffle<i8>(${x}, ${x}, ${from.join(", ")})`;
  }
  return `v128.or(i32x4.shr_u(${x}, ${bits}), i32x4.shl(${x}, ${32 - bits}))`;
}

/** Four quarter rounds of four lanes, interleaved so that each waits for no other. */
function quarterRounds(quads: readonly Quad[], words: readonly number[]): string {
  const lines: string[] = [];
  function each(line: (quad: Quad, index: number) => string): void {
    quads.forEach((quad, index) => lines.push(`    ${line(quad, index)}`));
  }
  for (const half of [0, 1]) {
    const [down, up] = half === 0 ? [16, 12] : [8, 7];
    each(([a, b], i) =>
      `v${a} = i32x4.add(i32x4.add(v${a}, ${message(at(words, 2 * i + half))}), v${b});`
    );
    each(([a, , , d]) => `v${d} = v128.xor(v${d}, v${a});`);
    each(([, , , d]) => `v${d} = ${rotated(`v${d}`, down)};`);
    each(([, , c, d]) => `v${c} = i32x4.add(v${c}, v${d});`);
    each(([, b, c]) => `v${b} = v128.xor(v${b}, v${c});`);
    each(([, b]) => `v${b} = ${rotated(`v${b}`, up)};`);
  }
  return lines.join("\n");
}

function message(word: number): string {
  return `v128.load(s, ${16 * word})`;
}

function sevenRounds(): string {
  return schedule().map((words, round) =>
    `    // Round ${round + 1}\n${quarterRounds(COLUMNS, words.slice(0, 8))}\n` +
    quarterRounds(DIAGONALS, words.slice(8))
  ).join("\n");
}

/** Loads a block of each lane and stores its words transposed. */
function transposedLoad(): string {
  return LANES.map((part) => {
    const loads = LANES.map((lane) => `    x${lane} = v128.load(p${lane}, ${16 * part});`);
    const stores = transposed()
      .map((value, i) => `    v128.store(s, ${value}, ${16 * (4 * part + i)});`);
    return [...loads, halves(["x0", "x1", "x2", "x3"], "    "), ...stores].join("\n");
  }).join("\n");
}

/** First step of a 4x4 transpose: pairs of 32-bit lanes into y0 to y3. */
function halves(rows: readonly string[], indent: string): string {
  const [a, b, c, d] = rows;
  return [
    `y0 = v128.shuffle<i32>(${a}, ${b}, 0, 4, 1, 5);`,
    `y1 = v128.shuffle<i32>(${a}, ${b}, 2, 6, 3, 7);`,
    `y2 = v128.shuffle<i32>(${c}, ${d}, 0, 4, 1, 5);`,
    `y3 = v128.shuffle<i32>(${c}, ${d}, 2, 6, 3, 7);`,
  ].map((line) => indent + line).join("\n");
}

/** Second step: the four transposed rows as expressions of y0 to y3. */
function transposed(): readonly string[] {
  return [
    "v128.shuffle<i64>(y0, y2, 0, 2)",
    "v128.shuffle<i64>(y0, y2, 1, 3)",
    "v128.shuffle<i64>(y1, y3, 0, 2)",
    "v128.shuffle<i64>(y1, y3, 1, 3)",
  ];
}

function transposedStore(words: readonly string[], offset: number): string {
  const stores = transposed()
    .map((value, lane) => `  v128.store(out, ${value}, ${32 * lane + offset});`);
  return [halves(words, "  "), ...stores].join("\n");
}

function fourLanes(name: string, body: string): string {
  return name === "hash4"
    ? `/**
 * Chaining values of four inputs of \`blocks\` 64-byte blocks, at \`p0\` to \`p3\`, to 128 B at \`out\`.
 *
 * Starts from the 8 words at \`key\`; lane i counts \`counter + i * step\`; \`flags\` go with every
 * block, \`first\` and \`last\` with the first and the last one. \`out\` may be where an input was.
 */
export function hash4(
  p0: usize, p1: usize, p2: usize, p3: usize, blocks: i32,
  key: usize, counter: u64, step: u32, flags: u32, first: u32, last: u32,
  s: usize, out: usize,
): void {
${body}
}
`
    : `/**
 * One block of each of four lanes, at \`p0\` to \`p3\`, as the first or a later block of chunk 0.
 *
 * A lane whose flags have CHUNK_START begins from the 8 words at \`key\`, another from its state.
 */
export function step4(
  p0: usize, p1: usize, p2: usize, p3: usize, lengths: v128, flags: v128, key: usize, s: usize,
): void {
${body}
}
`;
}

const TEMPORARIES = `  let x0: v128, x1: v128, x2: v128, x3: v128;
  let y0: v128, y1: v128, y2: v128, y3: v128;`;

function hash4Body(): string {
  return [
    ...WORDS.map((word) => `  let h${word} = v128.load32_splat(key, ${4 * word});`),
    "  const c0 = counter, c1 = counter + u64(step), c2 = c1 + u64(step), c3 = c2 + u64(step);",
    "  const low = i32x4(i32(c0), i32(c1), i32(c2), i32(c3));",
    "  const high = i32x4(i32(c0 >> 32), i32(c1 >> 32), i32(c2 >> 32), i32(c3 >> 32));",
    "  let f = flags | first;",
    TEMPORARIES,
    "  for (let block = 0; block < blocks; block++) {",
    "    if (block + 1 == blocks) f |= last;",
    transposedLoad(),
    ...WORDS.map((word) => `    let v${word} = h${word};`),
    ...LANES.map((word) => `    let v${8 + word} = i32x4.splat(${IV[word]});`),
    "    let v12 = low, v13 = high, v14 = i32x4.splat(64), v15 = i32x4.splat(f);",
    sevenRounds(),
    ...WORDS.map((word) => `    h${word} = v128.xor(v${word}, v${word + 8});`),
    "    p0 += 64; p1 += 64; p2 += 64; p3 += 64;",
    "    f = flags;",
    "  }",
    transposedStore(["h0", "h1", "h2", "h3"], 0),
    transposedStore(["h4", "h5", "h6", "h7"], 16),
  ].join("\n");
}

function step4Body(): string {
  return [
    TEMPORARIES,
    transposedLoad(),
    "    const starts = i32x4.ne(v128.and(flags, i32x4.splat(1)), i32x4.splat(0));",
    ...WORDS.map((word) =>
      `    let v${word} = v128.bitselect(v128.load32_splat(key, ${4 * word}), ` +
      `v128.load(s, ${256 + 16 * word}), starts);`
    ),
    ...LANES.map((word) => `    let v${8 + word} = i32x4.splat(${IV[word]});`),
    "    let v12 = i32x4.splat(0), v13 = v12, v14 = lengths, v15 = flags;",
    sevenRounds(),
    ...WORDS.map((word) =>
      `    v128.store(s, v128.xor(v${word}, v${word + 8}), ${256 + 16 * word});`
    ),
  ].join("\n");
}

/** The vectors of message words that one round of the row form uses, in its order of lanes. */
function rowWords(words: readonly number[]): readonly (readonly number[])[] {
  // The diagonal step turns rows 0, 2 and 3 and leaves row 1, which is the last one computed:
  // its quarter rounds are those of the diagonals 3, 0, 1, 2.
  const diagonal = [3, 0, 1, 2];
  return [
    LANES.map((i) => at(words, 2 * i)),
    LANES.map((i) => at(words, 2 * i + 1)),
    diagonal.map((i) => at(words, 8 + 2 * i)),
    diagonal.map((i) => at(words, 9 + 2 * i)),
  ];
}

/** An expression for four words out of four vectors, given where each word is. */
function gathered(
  wanted: readonly number[],
  held: readonly (readonly number[])[],
  names: readonly string[],
): string {
  const places = wanted.map((word) => {
    const vector = held.findIndex((each) => each.includes(word));
    return { vector, lane: at(held, vector).indexOf(word) };
  });
  const vectors = [...new Set(places.map((place) => place.vector))];
  function pick(from: readonly number[]): string {
    const [a = 0, b = a] = from;
    const lanes = places.map(({ vector, lane }) =>
      vector === a ? lane : vector === b ? lane + 4 : 0
    );
    return `v128.shuffle<i32>(${names[a]}, ${names[b]}, ${lanes.join(", ")})`;
  }
  if (vectors.length <= 2) return pick(vectors);
  const left = pick(vectors.slice(0, 2));
  const right = pick(vectors.slice(2));
  const merged = places.map(({ vector }, i) => vectors.indexOf(vector) < 2 ? i : i + 4);
  return `v128.shuffle<i32>(${left}, ${right}, ${merged.join(", ")})`;
}

function rowHalf(word: string, down: number, up: number): string {
  return [
    `r0 = i32x4.add(i32x4.add(r0, ${word}), r1);`,
    "t = v128.xor(r3, r0);",
    `r3 = ${rotated("t", down, true)};`,
    "r2 = i32x4.add(r2, r3);",
    "t = v128.xor(r1, r2);",
    `r1 = ${rotated("t", up)};`,
  ].map((line) => `  ${line}`).join("\n");
}

function turned(row: string, by: number): string {
  const lanes = LANES.map((i) => (i + by) & 3);
  return `  ${row} = v128.shuffle<i32>(${row}, ${row}, ${lanes.join(", ")});`;
}

function rowRounds(): string {
  let held: readonly (readonly number[])[] = LANES.map((i) => LANES.map((j) => 4 * i + j));
  let names = ["m0", "m1", "m2", "m3"];
  return schedule().map((words, round) => {
    const wanted = rowWords(words);
    const fresh = LANES.map((i) => `n${round}${i}`);
    const gather = wanted.map((each, i) => `  const ${fresh[i]} = ${gathered(each, held, names)};`);
    held = wanted;
    names = fresh;
    return [
      `  // Round ${round + 1}`,
      ...gather,
      rowHalf(at(fresh, 0), 16, 12),
      rowHalf(at(fresh, 1), 8, 7),
      turned("r0", 3),
      turned("r2", 1),
      turned("r3", 2),
      rowHalf(at(fresh, 2), 16, 12),
      rowHalf(at(fresh, 3), 8, 7),
      turned("r0", 1),
      turned("r2", 3),
      turned("r3", 2),
    ].join("\n");
  }).join("\n");
}

function compressOne(): string {
  return `/**
 * One block at \`p\` from the chaining value at \`cv\`; a row of the state is a vector.
 *
 * Writes 64 B at \`out\`: the chaining value, then the words that only extended output needs. \`out\`
 * may be \`cv\` if 64 bytes are there.
 */
export function compress(
  cv: usize, p: usize, length: u32, counter: u64, flags: u32, out: usize,
): void {
  const k0 = v128.load(cv), k1 = v128.load(cv, 16);
  let r0 = k0, r1 = k1;
  let r2 = i32x4(${IV.slice(0, 4).join(", ")});
  let r3 = i32x4.replace_lane(i32x4.replace_lane(i64x2.splat(counter), 2, length), 3, flags);
  const m0 = v128.load(p), m1 = v128.load(p, 16), m2 = v128.load(p, 32), m3 = v128.load(p, 48);
  let t: v128;
${rowRounds()}
  v128.store(out, v128.xor(r0, r2));
  v128.store(out, v128.xor(r1, r3), 16);
  v128.store(out, v128.xor(r2, k0), 32);
  v128.store(out, v128.xor(r3, k1), 48);
}
`;
}

/** The text of `wasm/blake3/batch.gen.ts`. */
export function blake3BatchSource(): string {
  function lanes(line: (lane: number) => string): string {
    return LANES.map(line).join("\n");
  }
  function list(name: string): string {
    return LANES.map((lane) => `${name}${lane}`).join(", ");
  }
  return `/**
 * Many inputs of at most one chunk each, four at a time: a lane that ends takes the next input, so
 * that lanes stay full whatever the lengths. Written by wasm/gen/blake3.ts: do not edit.
 *
 * Per lane: \`p\` next block, \`left\` bytes from there, \`f\` flags of the next block, \`id\` input.
 */
import { step4 } from "./compress.gen";
import { CHUNK_END, CHUNK_START, PADDED, padBlock, ROOT, shortFrom } from "./tree";

const STATE: usize = 256;
const IDLE: u32 = 0xffffffff;

/** Digests of the inputs of \`table\` (offset from \`base\`, length) that have at most 1024 bytes. */
export function batchShort(
  table: usize, base: usize, count: u32, key: usize, flags: u32, w: usize, out: usize,
): void {
  const first = flags | CHUNK_START;
  let next = shortFrom(table, 0, count);
  let busy = 0;
${lanes((i) => `  let p${i} = w, left${i}: u32 = 0, f${i} = first, id${i} = IDLE;`)}
${lanes((i) => `  if (next < count) {\n    busy++;\n${feed(i, "    ")}\n  }`)}
  while (busy > 0) {
${lanes(blockOf)}
    step4(
      ${list("q")},
      i32x4(${list("l")}),
      i32x4(${list("g")}),
      key, w,
    );
${lanes(ending)}
  }
}

/** The digest of a lane. */
function take(lane: usize, w: usize, out: usize): void {
  const state = w + STATE + (lane << 2);
${WORDS.map((word) => `  store<u32>(out, load<u32>(state, ${16 * word}), ${4 * word});`).join("\n")}
}
`;
}

function feed(lane: number, indent: string): string {
  return [
    `id${lane} = next;`,
    `p${lane} = base + load<u32>(table + (<usize>next << 3));`,
    `left${lane} = load<u32>(table + (<usize>next << 3), 4);`,
    `f${lane} = first;`,
    "next = shortFrom(table, next + 1, count);",
  ].map((line) => indent + line).join("\n");
}

function blockOf(lane: number): string {
  return `    let q${lane} = p${lane}, l${lane}: u32 = 64, g${lane} = f${lane};
    f${lane} = flags;
    if (left${lane} > 64) {
      p${lane} += 64;
      left${lane} -= 64;
    } else {
      l${lane} = left${lane};
      g${lane} |= CHUNK_END | ROOT;
      if (l${lane} < 64) {
        q${lane} = w + PADDED + ${64 * lane};
        padBlock(p${lane}, l${lane}, q${lane});
      }
    }`;
}

function ending(lane: number): string {
  return `    if ((g${lane} & ROOT) != 0 && id${lane} != IDLE) {
      take(${lane}, w, out + (<usize>id${lane} << 5));
      if (next < count) {
${feed(lane, "        ")}
      } else {
        id${lane} = IDLE;
        left${lane} = 0;
        busy--;
      }
    }`;
}
