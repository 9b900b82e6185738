/** Layers that nobody can compute now: whether to wait for somebody, and the sentence that says so. */
import { layerRuns, layerWords } from "../../placement/mod.ts";
import type { Gap } from "../../placement/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { PastHolder } from "./holder_memory.ts";
import { holderAwayMs } from "./limits.ts";

/** What stands between a model and its answer. */
export interface LayerGap {
  /** One sentence that names the layers, and who had them. */
  readonly sentence: string;
  /** Whether every missing layer has somebody who may soon be of use, or somebody may yet say so. */
  readonly isPassing: boolean;
  /** Whether not even what members say is to be waited for: this node is in no mesh. */
  readonly isFinal: boolean;
}

/** What is known of a gap. */
export interface GapFacts {
  /** The model's name. */
  readonly model: string;
  readonly gap: Gap;
  /** Who has or had layers of the model, wherever it is now. */
  readonly holders: readonly PastHolder[];
  /** Members that may yet say that they have them, each with the reason: "attic is still loading ...". */
  readonly awaited: readonly string[];
  /** Why nobody else can be of use, where this node is in no mesh: "this node was removed ...". */
  readonly outside?: string | undefined;
  /** What people are shown of a node. */
  readonly nameOf: (peer: PeerKey) => string;
  /** By the monotonic clock. */
  readonly nowMs: number;
}

/** Holders that a sentence names. */
const namedMax = 3;

/** Judges a gap. */
export function layerGapOf(facts: GapFacts): LayerGap {
  const { model, gap: { layers }, gap, nowMs } = facts;
  if (facts.outside !== undefined) {
    const sentence = sentenceOf({ model, layers, whys: [facts.outside] });
    return { sentence, isPassing: false, isFinal: true };
  }
  const there = new Set(gap.holders.map(({ peer }) => peer));
  const gone = facts.holders.filter((one) =>
    one.goneMs !== undefined && !there.has(one.peer) && hasAny(one, layers)
  );
  const hopeful = [
    ...gap.holders.filter(({ isPassing }) => isPassing),
    ...gone.filter(({ goneMs = 0 }) => nowMs - goneMs < holderAwayMs),
  ];
  const isPassing = facts.awaited.length > 0 ||
    layers.every((layer) => hopeful.some((one) => hasAny(one, [layer])));
  const whys = [
    ...gap.holders.map(({ peer, words }) => `${facts.nameOf(peer)} is of no use, as ${words}`),
    ...gone.map(({ name, goneMs = 0 }) =>
      `${name}, which had ${layers.length === 1 ? "it" : "them"}, has been away for ${
        Math.round((nowMs - goneMs) / 1000)
      } s`
    ),
    ...facts.awaited,
  ];
  return { sentence: sentenceOf({ model, layers, whys }), isPassing, isFinal: false };
}

function sentenceOf(
  { model, layers, whys }: {
    readonly model: string;
    readonly layers: readonly number[];
    readonly whys: readonly string[];
  },
): string {
  const quoted = JSON.stringify(model);
  const [first] = layerRuns(layers);
  if (first === undefined) {
    return `Cannot answer as no way leads through all layers of ${quoted}: skep plan says why`;
  }
  const [has, them] = layers.length === 1 ? ["has", "it"] : ["have", "them"];
  const more = whys.length > namedMax ? [`${whys.length - namedMax} others neither`] : [];
  const why = whys.length === 0
    ? `no member of the mesh that is there computes ${them}`
    : [...whys.slice(0, namedMax), ...more].join(", ");
  return `Cannot answer as ${layerWords(layers)} of ${quoted} ${has} no holder: ${why}; ` +
    `a node takes ${them} by --layers ${first.first}-${first.last + 1}`;
}

function hasAny(
  { from, to }: Pick<PastHolder, "from" | "to">,
  layers: readonly number[],
): boolean {
  return layers.some((layer) => from <= layer && layer < to);
}
