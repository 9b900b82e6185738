/** A route as a picture in plain text: who computes what, how long it takes, and the hops between. */

import type { Basis } from "./basis.ts";

/** A stage to be drawn. */
export interface DrawnStage {
  /** Who: an alias, or the beginning of a key. */
  readonly name: string;
  readonly from: number;
  /** The layer after the last. */
  readonly to: number;
  readonly embedding: boolean;
  readonly head: boolean;
  readonly computeMs: number;
  /** From the stage before, or from the requester. */
  readonly hopMs: number;
  /** How far the times can be relied on; what is not measured is marked. @default "measured" */
  readonly computeBasis?: Basis;
  readonly hopBasis?: Basis;
}

/**
 * Draws a route from the requester through the stages and back; each line ends with a newline.
 *
 * @param about `self` is the requester's name; `costMs` the expected time of a position, all in all
 */
export function drawRoute(
  stages: readonly DrawnStage[],
  about: { readonly self: string; readonly costMs: number },
): string {
  const width = Math.max(0, ...stages.map(({ name }) => name.length));
  const lines: string[] = [];
  let at = about.self;
  for (const stage of stages) {
    if (stage.name !== at) lines.push(`    |  ${milliseconds(stage.hopMs)}${mark(stage.hopBasis)}`);
    at = stage.name;
    const what = partsOf(stage).join(", ");
    lines.push(
      `  ${stage.name.padEnd(width)}  ${milliseconds(stage.computeMs)}${
        mark(stage.computeBasis)
      }  ${what}`,
    );
  }
  const spentMs = stages.reduce((sum, { computeMs, hopMs }) => sum + computeMs + hopMs, 0);
  const last = stages.at(-1);
  if (last !== undefined && last.name !== about.self) {
    lines.push(`    |  ${milliseconds(Math.max(0, about.costMs - spentMs))}`, `  ${about.self}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function partsOf({ from, to, embedding, head }: DrawnStage): readonly string[] {
  const layers = to - from === 1 ? `layer ${from}` : `layers ${from} to ${to - 1}`;
  return [...embedding ? ["embedding"] : [], layers, ...head ? ["head"] : []];
}

function mark(basis: Basis = "measured"): string {
  return basis === "measured" ? "" : ` (${basis})`;
}

/** In a column of nine. */
function milliseconds(ms: number): string {
  const digits = ms < 0.1 ? 3 : ms < 10 ? 2 : ms < 1000 ? 1 : 0;
  return `${ms.toFixed(digits)} ms`.padStart(9);
}
