/** Where the expected times of a plan come from. */
import type { Candidate } from "./candidate.ts";

/**
 * How far an expected time can be relied on: `measured` there; `estimated` from what was measured
 * elsewhere, as the way between two others is from the ways to both; or `guessed`, with a price that
 * is dear on purpose.
 */
export type Basis = "measured" | "estimated" | "guessed";

/** Of a node's time of a layer. */
export function computeBasis({ layerMs }: Pick<Candidate, "layerMs">): Basis {
  return layerMs === undefined ? "guessed" : "measured";
}

/** Of the way to a node from the one before, or from the requester. */
export function hopBasis(before: Candidate | undefined, one: Candidate): Basis {
  const others = [...before === undefined ? [] : [before], one].filter(({ isSelf }) => !isSelf);
  if (others.some(({ roundTripMs }) => roundTripMs === undefined)) return "guessed";
  return others.length > 1 ? "estimated" : "measured";
}

/** Of a time that is made of others: the least reliable of them. */
export function leastBasis(all: readonly Basis[]): Basis {
  return all.includes("guessed") ? "guessed" : all.includes("estimated") ? "estimated" : "measured";
}
