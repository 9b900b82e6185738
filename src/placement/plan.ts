/**
 * Chooses who computes which layers: the cheapest way through the nodes by measured compute and
 * measured hops, within memory and trust; and says of each node why it has a place or none.
 *
 * The search is the placement kernel's (src/hot). What a node has not measured yet is priced
 * pessimistically, not excluded. Distances between two other nodes are not known here: half of both
 * ways stands for them.
 */
import { Placer } from "../hot/mod.ts";
import type { Cluster, PlacementNode } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { computeBasis, hopBasis, leastBasis } from "./basis.ts";
import type { Basis } from "./basis.ts";
import type { Candidate, PlanNeed } from "./candidate.ts";
import { readableFrom } from "./readers.ts";
import type { Readable } from "./readers.ts";

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
  /** Where the two come from. */
  readonly computeBasis: Basis;
  readonly hopBasis: Basis;
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
  /** What it could recover with its place; without one, with all the layers that it may be given. */
  readonly reads: Readable;
}

/** What was decided. */
export interface Plan {
  /** In the order of the layers; undefined where no way leads through all of them. */
  readonly stages: readonly PlannedStage[] | undefined;
  /** Whether this node does all of it. */
  readonly isSolo: boolean;
  /** Expected time of one position through all stages and back, ms. */
  readonly costMs: number;
  /** The least reliable of what the time is made of. */
  readonly costBasis: Basis;
  /** Layers that no usable node has; none where a way was found. */
  readonly missing: readonly number[];
  readonly candidates: readonly CandidateVerdict[];
  /** Nodes that could recover a prompt: they embed it, or compute an early layer. */
  readonly readers: readonly PeerKey[];
  /** Nodes that could recover an answer: readers, and who computes its logits or a late layer. */
  readonly answerReaders: readonly PeerKey[];
}

/** Price of a layer that nobody has measured, ms, and how much dearer an unmeasured node is. */
const unmeasuredLayerMs = 10;
const unmeasuredFactor = 4;
const unmeasuredHopMs = 200;

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
  const barred = new Map<PeerKey, Reason>();
  for (const candidate of candidates) {
    const verdict = obstacleOf(candidate, need);
    if (verdict !== undefined) barred.set(candidate.peer, verdict);
  }
  const usable = candidates.filter(({ peer }) => !barred.has(peer));
  const solo = usable.find((one) => one.isSelf && holdsAll(one, need));
  const found = solo === undefined ? cheapest(need, { usable, kernel }) : soloOf(solo, need);
  const places = new Map(found?.stages.map((stage) => [stage.peer, stage]));
  const verdicts = candidates.map((candidate): CandidateVerdict => ({
    ...barred.get(candidate.peer) ?? usableVerdict(candidate, { places, found }),
    peer: candidate.peer,
    reads: readsOf(candidate, { place: places.get(candidate.peer), need }),
  }));
  return {
    stages: found?.stages,
    isSolo: solo !== undefined,
    costMs: found?.costMs ?? Infinity,
    costBasis: leastBasis((found?.stages ?? []).flatMap((one) => [one.computeBasis, one.hopBasis])),
    missing: found === undefined ? missingLayers(need, usable) : [],
    candidates: verdicts,
    ...readersOf(found?.stages ?? [], verdicts),
  };
}

/** Why a node has a place, or none. */
type Reason = Pick<CandidateVerdict, "reason" | "words">;

/** Who could recover what, in the order of the layers. */
function readersOf(
  stages: readonly PlannedStage[],
  verdicts: readonly CandidateVerdict[],
): Pick<Plan, "readers" | "answerReaders"> {
  const reads = new Map(verdicts.map((one) => [one.peer, one.reads]));
  const peers = stages.map(({ peer }) => peer);
  return {
    readers: peers.filter((peer) => reads.get(peer)?.prompt === true),
    answerReaders: peers.filter((peer) => reads.get(peer)?.answer === true),
  };
}

/** This node reads nothing that it does not know. */
function readsOf(
  candidate: Candidate,
  { place, need }: { readonly place: PlannedStage | undefined; readonly need: BoundNeed },
): Readable {
  if (candidate.isSelf) return { prompt: false, answer: false };
  const { layerCount } = need;
  const { from, to } = allowed(candidate, need);
  const embedding = candidate.embedding && from === 0 && to > 0;
  const head = candidate.head && to === layerCount && from < to;
  return readableFrom(place ?? { from, to, embedding, head }, layerCount);
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
      computeBasis: computeBasis(one),
      hopBasis: hopBasis(before, one),
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
  const stage = { peer: one.peer, ...place, computeMs, hopMs: 0 };
  return {
    stages: [{ ...stage, computeBasis: computeBasis(one), hopBasis: "measured" }],
    costMs: computeMs,
  };
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

function obstacleOf(one: Candidate, need: BoundNeed): Reason | undefined {
  const { peer, layers, hasClass, freePositions, freeSlots, isSelf, isReachable } = one;
  const verdict = (reason: CandidateReason, words: string): Reason => ({ reason, words });
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
  { places, found }: {
    readonly places: ReadonlyMap<PeerKey, PlannedStage>;
    readonly found: Way | undefined;
  },
): Reason {
  const place = places.get(peer);
  if (place !== undefined) {
    return { reason: "chosen", words: `it computes layers ${place.from} to ${place.to - 1}` };
  }
  const covered = found?.stages.find(({ from, to }) => layers.from <= from && to <= layers.to);
  if (covered !== undefined) {
    const words = `it could take over layers ${covered.from} to ${covered.to - 1}`;
    return { reason: "standby", words };
  }
  const words = found === undefined ? "no way leads through all layers" : "others are cheaper";
  return { reason: "not-needed", words };
}

function missingLayers(need: BoundNeed, usable: readonly Candidate[]): number[] {
  const ranges = usable.map((one) => allowed(one, need));
  return Array.from({ length: need.layerCount }, (_, layer) => layer).filter((layer) =>
    !ranges.some(({ from, to }) => from <= layer && layer < to)
  );
}
