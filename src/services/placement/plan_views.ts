/** Plans as the methods tell them. */
import { modelsOf } from "../../placement/mod.ts";
import type { Candidate, MeshNode, PlacedModel } from "../../placement/mod.ts";
import { hidOfKey } from "../network/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { PlacementPlan } from "./contract.ts";
import type { MeshNodes } from "./mesh_nodes.ts";
import type { RouteChooser } from "./route_chooser.ts";

/** Digits by which a root may be named, at least. */
const rootDigitsMin = 8;

/** What plans are made of. */
export interface PlanViewParts {
  readonly host: Host;
  readonly chooser: RouteChooser;
  readonly nodes: MeshNodes;
}

/**
 * Plans of one model, or of all that are known here.
 *
 * @param about `nodes` as they are now; `signal` the caller's
 * @throws {RpcError} "notFound", with the names that there are
 */
export async function plansOf(
  parts: PlanViewParts,
  about: {
    readonly nodes: readonly MeshNode[];
    readonly model: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<readonly PlacementPlan[]> {
  const { nodes, model: name, signal } = about;
  const shared = modelsOf(nodes);
  const own = await ownModels(parts.host, { shared, signal });
  const isMeant = (model: { readonly name: string; readonly root?: string }): boolean =>
    name === undefined || model.name === name ||
    (name.length >= rootDigitsMin && model.root?.startsWith(name) === true);
  const plans = [
    ...shared.filter(isMeant).map((model) => sharedPlan(parts, { model, nodes })),
    ...own.filter(isMeant).map((model) => ownPlan(parts, { model, nodes })),
  ];
  if (plans.length > 0 || name === undefined) return plans;
  const names = [...shared, ...own].map((model) => JSON.stringify(model.name)).join(", ");
  throw new RpcError({
    kind: "notFound",
    message: `Cannot plan model ${JSON.stringify(name)} as ${
      names === ""
        ? "no model is computed at hand"
        : `it is none of those that this node reaches: ${names}`
    }`,
  });
}

function sharedPlan(
  { chooser, nodes: names }: PlanViewParts,
  { model, nodes }: { readonly model: PlacedModel; readonly nodes: readonly MeshNode[] },
): PlacementPlan {
  const { name, root, layerCount, numericClass } = model;
  const { plan, candidates } = chooser.plan(model, { nodes });
  const { isSolo, costMs, costBasis, missing, readers, answerReaders } = plan;
  const byPeer = new Map(candidates.map((one) => [one.peer, one]));
  const who = (peer: string): Who => whoOf(byPeer.get(peer), { peer, names });
  return {
    ...{ model: name, root, layerCount, numericClass, isSolo, missing, readers, answerReaders },
    costMs: Number.isFinite(costMs) ? costMs : null,
    costBasis: Number.isFinite(costMs) ? costBasis : null,
    stages: plan.stages?.map((stage) => ({ ...who(stage.peer), ...stage })) ?? null,
    candidates: plan.candidates.map(({ peer, reason, words, reads }) => {
      const one = byPeer.get(peer);
      return {
        ...who(peer),
        ...{ reason, words, readsPrompt: reads.prompt, readsAnswer: reads.answer },
        layerMs: one?.layerMs ?? null,
        roundTripMs: one?.roundTripMs ?? null,
        freePositions: one?.freePositions ?? null,
        freeSlots: one?.freeSlots ?? null,
      };
    }),
  };
}

type Who = Pick<PlacementPlan["candidates"][number], "peer" | "hid" | "name" | "isSelf" | "trust">;

function whoOf(
  one: Candidate | undefined,
  { peer, names }: { readonly peer: string; readonly names: MeshNodes },
): Who {
  const { isSelf = false, trust = "member" } = one ?? {};
  const name = isSelf ? selfName : names.nameOf(peer);
  return { peer, hid: hidOfKey(peer), name, isSelf, trust };
}

/** What this node is called in its own answers. */
export const selfName = "this node";

/** What is asked of the inference service, as this service, which is below it, sees it. */
interface OwnModel {
  readonly name: string;
  readonly layerCount: number;
  readonly numericClass: string;
  readonly root?: string;
  readonly layerMs?: number;
}

/** Models that this node computes whole and has told the mesh nothing of. */
async function ownModels(
  host: Host,
  { shared, signal }: { readonly shared: readonly PlacedModel[]; readonly signal: AbortSignal },
): Promise<readonly OwnModel[]> {
  const known = new Set(shared.map(({ name }) => name));
  try {
    const listed = await host.call("inference", "models.list", {}, signal);
    const found: OwnModel[] = [];
    for (const { id, ownedBy } of listed as { readonly id: string; readonly ownedBy: string }[]) {
      if (ownedBy === "mesh" || known.has(id)) continue;
      const info = await host.call(
        "inference",
        "models.info",
        { model: id, measure: true },
        signal,
      );
      found.push({ name: id, ...info as Omit<OwnModel, "name"> });
    }
    return found;
  } catch (thrown) {
    signal.throwIfAborted();
    // It is still loading, or not run here: then there is nothing to plan of it.
    host.log.debug("The models of this node are not known", { why: String(thrown) });
    return [];
  }
}

/** All of it here: where a model fits, nobody else is asked. */
function ownPlan(
  { host }: PlanViewParts,
  { model, nodes }: { readonly model: OwnModel; readonly nodes: readonly MeshNode[] },
): PlacementPlan {
  const { name, layerCount, numericClass, layerMs } = model;
  const peer = nodes.find(({ isSelf }) => isSelf)?.key ?? host.identity.key;
  const self: Who = { peer, hid: hidOfKey(peer), name: selfName, isSelf: true, trust: "own" };
  const range = { from: 0, to: layerCount, embedding: true, head: true };
  const computeMs = layerMs === undefined ? null : layerMs * layerCount;
  const basis = layerMs === undefined ? "guessed" : "measured";
  return {
    ...{ model: name, root: null, layerCount, numericClass, isSolo: true },
    ...{ costMs: computeMs, costBasis: computeMs === null ? null : basis },
    stages: [{
      ...{ ...self, ...range },
      ...{ computeMs: computeMs ?? 0, computeBasis: basis, hopMs: 0, hopBasis: "measured" },
    }],
    missing: [],
    candidates: [{
      ...self,
      reason: "chosen",
      words: "it computes the whole model for itself",
      ...{ readsPrompt: false, readsAnswer: false },
      ...{ layerMs: layerMs ?? null, roundTripMs: 0, freePositions: null, freeSlots: null },
    }],
    readers: [],
    answerReaders: [],
  };
}
