/** The inference table: what is compared with whom, and which ratios must hold. */

/** Who computes. */
export type ContenderName =
  | "skep, Node"
  | "skep, Node, 2 threads"
  | "skep, Deno"
  | "skep, Deno, 2 threads"
  | "node-llama-cpp as shipped"
  | "node-llama-cpp, AVX2 or AVX-VNNI library"
  | "wllama, Deno";

/** What is done. */
export type Work = "decode" | "prefill" | "verify";

/** Our time against a peer's for the same work. */
export interface Pair {
  readonly ours: ContenderName;
  readonly peer: ContenderName;
  readonly work: Work;
  /** What the peer does. @default the same */
  readonly peerWork?: Work;
  /** The peer's time over ours that must hold; none is shown only. */
  readonly gate?: number;
}

/** A model and what is compared on it. */
export interface ModelRows {
  /** Size and type of the generated model, for `bench/models`. */
  readonly size: "15m" | "110m" | "1b";
  readonly type: "q8_0" | "q4_0" | "q4_k" | "f16";
  readonly pairs: readonly Pair[];
  /** Rounds of each contender, and tokens of one. */
  readonly rounds: number;
  readonly decodeTokens: number;
  readonly prefillTokens: number;
  /** Whether memory and load are shown too. */
  readonly footprint: boolean;
}

const shipped = "node-llama-cpp as shipped";
const narrow = "node-llama-cpp, AVX2 or AVX-VNNI library";
const wllama = "wllama, Deno";

/** Prefill against llama.cpp's AMX, and against what a processor without it has. */
const prefillGates = { shipped: 0.33, narrow: 0.85 };

function gated(gate: number | undefined): { readonly gate?: number } {
  return gate === undefined ? {} : { gate };
}

/** The gates are for formats whose products are of integers; others are shown. */
function againstPeers(
  decode: { readonly shipped?: number; readonly narrow?: number },
): readonly Pair[] {
  const prefill = decode.shipped === undefined ? undefined : prefillGates;
  const pairs = (["skep, Node", "skep, Deno"] as const).flatMap((ours): Pair[] => [
    { ours, peer: shipped, work: "decode", ...gated(decode.shipped) },
    { ours, peer: narrow, work: "decode", ...gated(decode.narrow) },
    { ours, peer: shipped, work: "prefill", ...gated(prefill?.shipped) },
    { ours, peer: narrow, work: "prefill", ...gated(prefill?.narrow) },
  ]);
  return [
    ...pairs,
    { ours: "skep, Deno", peer: "skep, Node", work: "decode", gate: 0.8 },
    { ours: "skep, Deno", peer: "skep, Node", work: "prefill", gate: 0.65 },
  ];
}

const againstWllama: readonly Pair[] = [
  { ours: "skep, Deno", peer: wllama, work: "decode", gate: 4 },
  { ours: "skep, Deno", peer: wllama, work: "prefill", gate: 8 },
];

const threads: readonly Pair[] = (["Node", "Deno"] as const).flatMap((runtime): Pair[] => [
  { ours: `skep, ${runtime}, 2 threads`, peer: `skep, ${runtime}`, work: "decode", gate: 1.4 },
  { ours: `skep, ${runtime}, 2 threads`, peer: `skep, ${runtime}`, work: "prefill", gate: 1.7 },
]);

/** An answer is verified by computing it as a prompt: how much sooner than it was generated. */
const verification: readonly Pair[] = (["Node", "Deno"] as const).map((runtime): Pair => {
  const name = `skep, ${runtime}` as const;
  return { ours: name, peer: name, work: "verify", peerWork: "decode", gate: 2.5 };
});

const middle = { rounds: 7, decodeTokens: 48, prefillTokens: 128, footprint: false } as const;

/** The table. */
export const MODEL_ROWS: readonly ModelRows[] = [
  {
    size: "110m",
    type: "q8_0",
    pairs: [...againstPeers({ shipped: 0.75, narrow: 1.1 }), ...againstWllama],
    ...middle,
  },
  {
    size: "110m",
    type: "q4_0",
    pairs: [...againstPeers({ shipped: 0.6, narrow: 1.1 }), ...againstWllama],
    ...middle,
  },
  { size: "110m", type: "q4_k", pairs: againstPeers({}), ...middle },
  { size: "110m", type: "f16", pairs: againstPeers({}), ...middle },
  {
    size: "1b",
    type: "q8_0",
    pairs: [
      { ours: "skep, Node", peer: shipped, work: "decode", gate: 0.75 },
      { ours: "skep, Deno", peer: shipped, work: "decode", gate: 0.75 },
      ...verification,
      ...threads,
    ],
    rounds: 5,
    decodeTokens: 12,
    prefillTokens: 64,
    footprint: true,
  },
];

/** A quick run of the same code; its figures mean nothing. */
export const SMALL_ROWS: readonly ModelRows[] = [
  {
    size: "15m",
    type: "q8_0",
    pairs: [...againstPeers({}), ...verification, ...threads],
    rounds: 1,
    decodeTokens: 4,
    prefillTokens: 16,
    footprint: true,
  },
];

/** The model's name, as `--only` takes it. */
export function nameOf({ size, type }: ModelRows): string {
  return `${size}-${type}`;
}

/** What `--pairs` looks in. */
function labelOf({ ours, peer, work }: Pair): string {
  return `${work}: ${ours} / ${peer}`;
}

/**
 * Rows with only some of their pairs, so that a machine need not be quiet for the whole table.
 *
 * @param part of "work: ours / peer", in any case; "footprint" for memory and load alone
 */
export function somePairs(rows: ModelRows, part: string | undefined): ModelRows {
  if (part === undefined) return rows;
  const wanted = part.toLowerCase();
  if (wanted === "footprint") {
    const own = rows.pairs.filter(({ peer }) => rows.footprint && peer.startsWith("skep"));
    return { ...rows, pairs: own, rounds: 0 };
  }
  const pairs = rows.pairs.filter((pair) => labelOf(pair).toLowerCase().includes(wanted));
  return { ...rows, pairs, footprint: false };
}
