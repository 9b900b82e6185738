/**
 * Chooses who computes which layers: the cheapest way through the nodes by measured compute and
 * measured hops, within memory and trust; and says of each node why it has a place or none.
 *
 * The search is the placement kernel's (src/hot). What a node has not measured yet is priced
 * pessimistically, not excluded. Distances between two other nodes are not known here: half of both
 * ways stands for them.
 */
import { type Cluster, type PlacementNode, Placer } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import type { Candidate, PlanNeed } from "./candidate.ts";

/** A run of layers on a node. */
export interface PlannedStage {
  readonly peer: PeerKey;
  readonly from: number;
  readonly to: number;
  readonly embedding: boolean;
  readonly head: boolean;
  /** What it is expected to take for one position, ms. */
  readonly computeMs: number;
  /** What getting there from the stage before (or the requester) is expected to take, ms. */
  readonly hopMs: number;
}

/** Why a node has a place, or none. */
export type CandidateReason =
  | "chosen"
  | "standby"
  | "not-needed"
  | "unreachable"
  | "excluded"
  | "no-layers"
  | "other-class"
  | "no-room"
  | "no-slot"
  | "not-own"
  | "no-ends";

/** What was decided of one node. */
export interface CandidateVerdict {
  readonly peer: PeerKey;
  readonly reason: CandidateReason;
  /** The reason in a sentence's words. */
  readonly words: string;
}

/** What was decided. */
export interface Plan {
  /** In the order of the layers; undefined where no way leads through all of them. */
  readonly stages: readonly PlannedStage[] | undefined;
  /** Whether this node does all of it. */
  readonly isSolo: boolean;
  /** Expected time of one position through all stages and back, ms. */
  readonly costMs: number;
  /** Layers that no usable node has; none where a way was found. */
  readonly missing: readonly number[];
  readonly candidates: readonly CandidateVerdict[];
  /** Nodes that could recover a prompt: they embed it, or compute an early layer. */
  readonly readers: readonly PeerKey[];
  /** Nodes that could recover an answer: they compute its logits, or a late layer. */
  readonly answerReaders: readonly PeerKey[];
}

/** Price of a layer that nobody has measured, ms, and how much dearer an unmeasured node is. */
const unmeasuredLayerMs = 10;
const unmeasuredFactor = 4;
const unmeasuredHopMs = 200;

/** Layers from which a text can be recovered with some ease, from either end. */
const readableLayers = 4;

/** Milliseconds of a layer below which no two are told apart. */
const layerMsMin = 1e-3;

/** Plans; it has a placement kernel of its own. */
export class Planner {
  #placer: Placer | undefined;

  /** @throws {RangeError} when a number is out of range */
  plan(need: PlanNeed, candidates: readonly Candidate[]): Plan {
    return plan(need, candidates, () => this.#placer ??= new Placer());
  }
}

// tidy: allow positional-parameters as the third is what the second is asked with
function plan(asked: PlanNeed, candidates: readonly Candidate[], kernel: () => Placer): Plan {
  const need = { ...asked, ends: endsOf(candidates) };
  const barred = new Map<PeerKey, CandidateVerdict>();
  for (const candidate of candidates) {
    const verdict = obstacleOf(candidate, need);
    if (verdict !== undefined) barred.set(candidate.peer, verdict);
  }
  const usable = candidates.filter(({ peer }) => !barred.has(peer));
  const solo = usable.find((one) => one.isSelf && holdsAll(one, need));
  const found = solo === undefined ? cheapest(need, { usable, kernel }) : soloOf(solo, need);
  const places = new Set(found?.stages.map(({ peer }) => peer));
  const verdicts = candidates.map((candidate) =>
    barred.get(candidate.peer) ?? usableVerdict(candidate, { places, found })
  );
  return {
    stages: found?.stages,
    isSolo: solo !== undefined,
    costMs: found?.costMs ?? Infinity,
    missing: found === undefined ? missingLayers(need, usable) : [],
    candidates: verdicts,
    ...readersOf(found?.stages ?? [], { candidates, layerCount: need.layerCount }),
  };
}

/** What is planned for, and which ends this node can see to itself. */
interface BoundNeed extends PlanNeed {
  readonly ends: { readonly embedding: boolean; readonly head: boolean };
}

function endsOf(candidates: readonly Candidate[]): BoundNeed["ends"] {
  const self = candidates.find(({ isSelf }) => isSelf);
  return { embedding: self?.embedding === true, head: self?.head === true };
}

interface Way {
  readonly stages: readonly PlannedStage[];
  readonly costMs: number;
}

function cheapest(
  need: BoundNeed,
  { usable, kernel }: { readonly usable: readonly Candidate[]; readonly kernel: () => Placer },
): Way | undefined {
  if (usable.length === 0) return undefined;
  const price = priceOf(usable);
  const cluster: Cluster = {
    layers: Array.from({ length: need.layerCount }, () => ({ work: 1, memory: 1 })),
    nodes: usable.map((one) => nodeOf(one, { need, price })),
    hopsMs: Float32Array.from(
      usable.flatMap((one) => usable.map((other) => one === other ? 0 : hopMs(one, other))),
    ),
  };
  const placer = kernel();
  placer.load(cluster);
  const placement = placer.place();
  if (placement === undefined) return undefined;
  const last = placement.stages.length - 1;
  const stages = placement.stages.flatMap(({ node, firstLayer, endLayer }, i) => {
    const one = usable[node];
    if (one === undefined) return [];
    const before = usable[placement.stages[i - 1]?.node ?? -1];
    return [{
      peer: one.peer,
      from: firstLayer,
      to: endLayer,
      embedding: i === 0 && one.embedding,
      head: i === last && one.head,
      computeMs: (endLayer - firstLayer) * price(one),
      hopMs: before === undefined ? oneWayMs(one) : hopMs(before, one),
    }];
  });
  return { stages, costMs: placement.costMs };
}

function nodeOf(
  one: Candidate,
  { need, price }: { readonly need: BoundNeed; readonly price: (one: Candidate) => number },
): PlacementNode {
  const { from, to } = allowed(one, need);
  return {
    costMs: price(one),
    memory: Math.max(0, to - from),
    entryMs: oneWayMs(one),
    exitMs: oneWayMs(one),
    firstLayer: from,
    endLayer: Math.max(from, to),
  };
}

/** The layers of a node that trust lets it compute, and whose ends somebody sees to. */
function allowed(
  { layers, trust, isSelf, embedding, head }: Candidate,
  { layerCount, ownEdgeLayers, ends }: BoundNeed,
): { readonly from: number; readonly to: number } {
  const edge = isSelf || trust === "own" ? 0 : ownEdgeLayers;
  const first = embedding || ends.embedding ? edge : Math.max(edge, 1);
  const end = head || ends.head ? edge : Math.max(edge, 1);
  return { from: Math.max(layers.from, first), to: Math.min(layers.to, layerCount - end) };
}

function soloOf(one: Candidate, { layerCount }: PlanNeed): Way {
  const computeMs = layerCount * priceOf([one])(one);
  const place = { from: 0, to: layerCount, embedding: true, head: true };
  return { stages: [{ peer: one.peer, ...place, computeMs, hopMs: 0 }], costMs: computeMs };
}

function holdsAll({ layers, embedding, head }: Candidate, { layerCount }: PlanNeed): boolean {
  return embedding && head && layers.from === 0 && layers.to === layerCount;
}

/**
 * Milliseconds of a layer at a node: measured, or dearer than the slowest that was measured; this node
 * is known to be there, and is as slow as the slowest.
 */
function priceOf(candidates: readonly Candidate[]): (one: Candidate) => number {
  const measured = candidates.flatMap(({ layerMs }) => layerMs ?? []);
  const slowest = measured.length === 0 ? unmeasuredLayerMs : Math.max(...measured);
  return ({ layerMs, isSelf }) =>
    Math.max(layerMsMin, layerMs ?? slowest * (isSelf ? 1 : unmeasuredFactor));
}

function oneWayMs({ isSelf, roundTripMs }: Candidate): number {
  return isSelf ? 0 : (roundTripMs ?? unmeasuredHopMs) / 2;
}

function hopMs(one: Candidate, other: Candidate): number {
  return oneWayMs(one) + oneWayMs(other);
}

function obstacleOf(one: Candidate, need: BoundNeed): CandidateVerdict | undefined {
  const { peer, layers, hasClass, freePositions, freeSlots, isSelf, isReachable } = one;
  const verdict = (reason: CandidateReason, words: string): CandidateVerdict => ({
    peer,
    reason,
    words,
  });
  if (!isReachable) return verdict("unreachable", "no verified link leads to it now");
  if (need.excluded.has(peer)) return verdict("excluded", "it was lost or has refused just now");
  if (layers.from >= layers.to) return verdict("no-layers", "it computes no layer of this model");
  if (!hasClass) return verdict("other-class", "it computes in another numeric class");
  const { from, to } = allowed(one, need);
  if (from >= to) {
    const isEdge = !isSelf && one.trust === "member" && need.ownEdgeLayers > 0;
    return isEdge
      ? verdict(
        "not-own",
        `only nodes of your own may compute the ${need.ownEdgeLayers} layers at either end, and it has no others`,
      )
      : verdict(
        "no-ends",
        "it has layers at an end of the model alone, and nobody at hand sees to that end",
      );
  }
  if (freePositions !== undefined && freePositions < need.positions) {
    const words = `it has room for ${freePositions} positions and ${need.positions} are needed`;
    return verdict("no-room", words);
  }
  if (freeSlots === 0 && !isSelf) return verdict("no-slot", "all its slots are taken");
  return undefined;
}

function usableVerdict(
  { peer, layers }: Candidate,
  { places, found }: { readonly places: ReadonlySet<PeerKey>; readonly found: Way | undefined },
): CandidateVerdict {
  if (places.has(peer)) {
    const stage = found?.stages.find((one) => one.peer === peer);
    const words = `it computes layers ${stage?.from} to ${(stage?.to ?? 1) - 1}`;
    return { peer, reason: "chosen", words };
  }
  const covered = found?.stages.find(({ from, to }) => layers.from <= from && to <= layers.to);
  if (covered !== undefined) {
    const words = `it could take over layers ${covered.from} to ${covered.to - 1}`;
    return { peer, reason: "standby", words };
  }
  const words = found === undefined ? "no way leads through all layers" : "others are cheaper";
  return { peer, reason: "not-needed", words };
}

function missingLayers(need: BoundNeed, usable: readonly Candidate[]): number[] {
  const ranges = usable.map((one) => allowed(one, need));
  return Array.from({ length: need.layerCount }, (_, layer) => layer).filter((layer) =>
    !ranges.some(({ from, to }) => from <= layer && layer < to)
  );
}

/** Who sees enough of a text to recover it, and is not this node. */
function readersOf(
  stages: readonly PlannedStage[],
  about: { readonly candidates: readonly Candidate[]; readonly layerCount: number },
): Pick<Plan, "readers" | "answerReaders"> {
  const self = about.candidates.find(({ isSelf }) => isSelf)?.peer;
  const others = stages.filter(({ peer }) => peer !== self);
  const late = about.layerCount - readableLayers;
  return {
    readers: others.filter(({ embedding, from }) => embedding || from < readableLayers)
      .map(({ peer }) => peer),
    answerReaders: others.filter(({ head, to }) => head || to > late).map(({ peer }) => peer),
  };
}
