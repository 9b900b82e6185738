/**
 * What is missing where no way leads through all layers of a model, and why those who have it are of
 * no use.
 */
import type { PeerKey } from "../ports/mod.ts";
import type { Candidate } from "./candidate.ts";
import type { CandidateReason, Plan } from "./plan.ts";

/** Obstacles that go by themselves: a link comes back, a slot or room becomes free. */
const passing: ReadonlySet<CandidateReason> = new Set([
  "unreachable",
  "excluded",
  "no-room",
  "no-slot",
]);

/** A node that has some of what is missing, and is of no use. */
export interface BarredHolder {
  readonly peer: PeerKey;
  /** The layers of the model that it has, `from` to before `to`. */
  readonly from: number;
  readonly to: number;
  /** Why, in a sentence's words. */
  readonly words: string;
  /** Whether it may be of use soon. */
  readonly isPassing: boolean;
}

/** What is missing. */
export interface Gap {
  /** Layers in ascending order; none where all are there but no way leads through them. */
  readonly layers: readonly number[];
  readonly holders: readonly BarredHolder[];
}

/** What a plan lacks; undefined where it has a way. */
export function gapOf(plan: Plan, candidates: readonly Candidate[]): Gap | undefined {
  if (plan.stages !== undefined) return undefined;
  const { missing } = plan;
  const ranges = new Map(candidates.map(({ peer, layers }) => [peer, layers]));
  const holders = plan.candidates.flatMap(({ peer, reason, words }) => {
    const { from, to } = ranges.get(peer) ?? { from: 0, to: 0 };
    const has = missing.some((layer) => from <= layer && layer < to);
    return has ? [{ peer, from, to, words, isPassing: passing.has(reason) }] : [];
  });
  return { layers: missing, holders };
}
