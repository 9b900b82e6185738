/**
 * Says of an answer whether everybody did what they signed for, and if not, who did not.
 *
 * Stages are looked at in order. The first whose input is right and whose output is not is to blame;
 * what comes after it worked on wrong numbers and is not judged. Where a stage signed for another
 * input than the one before it gave, one of the two is wrong and the receipt alone can't say which.
 * Tokens are judged only where the numbers behind them are right: they are the requester's.
 */
import { encodeHex } from "../hot/mod.ts";
import { isSameBytes } from "../journal/mod.ts";
import { leafBytes, LeafTree } from "./leaf_tree.ts";
import type { OpenReceipt } from "./receipt.ts";
import type { StageTruth, Truth } from "./recompute.ts";
import type { StageStatement } from "./stage_statement.ts";

/** What was found wrong. */
export type Finding =
  | {
    /** A stage was given the right numbers and gave wrong ones. */
    readonly kind: "wrong-output" | "wrong-logits";
    /** Public key of who is to blame. */
    readonly blamed: string;
    /** Number of the stage, from 0. */
    readonly stage: number;
    /** First position that is wrong, where the stage's leaves are at hand. */
    readonly position?: number;
  }
  | {
    /** A stage signed for another input than it should have been given. */
    readonly kind: "disputed-input";
    /** Public keys of the two of whom one is to blame: who gave, and who took. */
    readonly between: readonly [string, string];
    readonly stage: number;
    readonly position?: number;
  }
  | {
    /** The requester signed for a token that its settings do not choose. */
    readonly kind: "wrong-token";
    readonly blamed: string;
    /** Index in the answer. */
    readonly index: number;
    readonly chosen: number;
  }
  | {
    /** A token that the settings do not choose, from numbers that a stage has not signed for. */
    readonly kind: "disputed-token";
    /** Public keys of the two of whom one is to blame: the stage that was gone, and the requester. */
    readonly between: readonly [string, string];
    readonly stage: number;
    readonly index: number;
    readonly chosen: number;
  };

/** What came of a check. */
export interface Verdict {
  readonly isGood: boolean;
  readonly finding: Finding | undefined;
  /** Stages, by number, of which nothing is said as they worked on wrong numbers. */
  readonly notJudged: readonly number[];
  /** Positions that were computed. */
  readonly positions: number;
}

/** Which tree of a stage's. */
export type TreeName = "input" | "output" | "logits";

/** Leaves that a stage kept: 32 B each, or undefined where they are not to be had. */
export type LeavesOf = (stage: number, tree: TreeName) => Uint8Array | undefined;

/** Compares what was signed with the truth. */
export function judge(
  { request, stages }: OpenReceipt,
  truth: Truth,
  leavesOf: LeavesOf = () => undefined,
): Verdict {
  const { positions, wrongToken } = truth;
  for (const [number, statement] of stages.entries()) {
    const right = truth.stages[number];
    const before = stages[number - 1]?.stage ?? request.requester;
    const finding = right === undefined
      ? undefined
      : findingOf(statement, { number, right, before, leavesOf });
    if (finding === undefined) continue;
    const notJudged = stages.map((_, at) => at).slice(number + 1);
    return { isGood: false, finding, notJudged, positions };
  }
  if (wrongToken === undefined) {
    return { isGood: true, finding: undefined, notJudged: [], positions };
  }
  const finding = tokenFinding({ request, stages }, wrongToken);
  return { isGood: false, finding, notJudged: [], positions };
}

/** The requester's, unless a stage did not sign for what the token was drawn from. */
function tokenFinding(
  { request, stages }: OpenReceipt,
  wrong: Exclude<Truth["wrongToken"], undefined>,
): Finding {
  const drawnAt = request.promptTokens - 1 + wrong.index;
  const stage = stages.findIndex(({ positions, head, logits }) =>
    positions.to <= drawnAt || (head && (logits === undefined || drawnAt < logits.from))
  );
  const gone = stages[stage];
  return gone === undefined
    ? { kind: "wrong-token", blamed: request.requester, ...wrong }
    : { kind: "disputed-token", between: [gone.stage, request.requester], stage, ...wrong };
}

/** One sentence for people. @param nameOf how a public key is told */
export function sentenceOf(finding: Finding, nameOf: (key: string) => string): string {
  switch (finding.kind) {
    case "wrong-token":
      return `The requester ${nameOf(finding.blamed)} signed for another token than its settings ` +
        `choose, at ${finding.index} of the answer: they choose ${finding.chosen}`;
    case "disputed-token":
      return `Token ${finding.index} of the answer is not ${finding.chosen}, which the settings ` +
        `choose, and stage ${finding.stage + 1} has not signed for what it was drawn from: ` +
        `${finding.between.map(nameOf).join(" or ")} is to blame`;
    case "disputed-input": {
      const [giver, taker] = finding.between.map(nameOf);
      return `What ${giver} should have given to stage ${finding.stage + 1} is not what ${taker} ` +
        `signed to have been given${placeOf(finding)}: one of the two is to blame`;
    }
    default: {
      const what = finding.kind === "wrong-logits" ? "logits" : "activations";
      return `Stage ${finding.stage + 1}, ${nameOf(finding.blamed)}, was given the right numbers ` +
        `and signed for wrong ${what}${placeOf(finding)}`;
    }
  }
}

function placeOf({ position }: { readonly position?: number }): string {
  return position === undefined ? "" : ` from position ${position} on`;
}

interface Place {
  readonly number: number;
  readonly right: StageTruth;
  /** Who gave the stage its input. */
  readonly before: string;
  readonly leavesOf: LeavesOf;
}

function findingOf(statement: StageStatement, place: Place): Finding | undefined {
  const { stage, positions, inputRoot, outputRoot, logits } = statement;
  const { number, right, before } = place;
  const input = compare(inputRoot, { place, tree: "input", first: positions.from });
  if (input !== undefined) {
    return { kind: "disputed-input", between: [before, stage], stage: number, ...input };
  }
  const output = compare(outputRoot, { place, tree: "output", first: positions.from });
  if (output !== undefined) {
    return { kind: "wrong-output", blamed: stage, stage: number, ...output };
  }
  if (logits === undefined || right.logits.count === 0) return undefined;
  const found = compare(logits.root, { place, tree: "logits", first: logits.from });
  return found && { kind: "wrong-logits", blamed: stage, stage: number, ...found };
}

/** Nothing when the roots are equal, else where the difference begins, if that can be known. */
function compare(
  signedRoot: string,
  about: { readonly place: Place; readonly tree: TreeName; readonly first: number },
): { readonly position?: number } | undefined {
  const { place: { number, right, leavesOf }, tree, first } = about;
  if (encodeHex(right[tree].root()) === signedRoot) return undefined;
  const leaves = leavesOf(number, tree);
  if (leaves === undefined || leaves.length % leafBytes !== 0) return {};
  const kept = new LeafTree();
  kept.append(leaves);
  // Leaves that are not those that were signed say nothing.
  if (encodeHex(kept.root()) !== signedRoot) return {};
  const truth = right[tree].leaves();
  const count = Math.min(leaves.length, truth.length) / leafBytes;
  for (let i = 0; i < count; i++) {
    const at = i * leafBytes;
    const [one, other] = [leaves, truth].map((all) => all.subarray(at, at + leafBytes));
    if (one === undefined || other === undefined) break;
    if (!isSameBytes(one, other)) return { position: first + i };
  }
  return { position: first + count };
}
