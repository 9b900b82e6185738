/**
 * The service "placement": decides who computes which layers of the mesh's models, tells why, and how
 * the mesh is. It computes nothing itself; who is there and what was measured the network service
 * knows.
 */
import type * as v from "valibot";
import { implement } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import { modelsOf } from "../../placement/mod.ts";
import type { MeshStatus } from "../network/mod.ts";
import { placementConfig, rulesTopic } from "./config.ts";
import type { PlacementConfig } from "./config.ts";
import { placementContract } from "./contract.ts";
import type { MeshOverview } from "./contract.ts";
import { EventLog } from "./event_log.ts";
import { figuresOf, overviewFigures } from "./figures.ts";
import { MeshMeters } from "./mesh_meters.ts";
import { MeshNodes, nodesOf } from "./mesh_nodes.ts";
import { plansOf } from "./plan_views.ts";
import { RouteChooser } from "./route_chooser.ts";

/** The service. */
export const placementService: Service<PlacementConfig> = {
  name: "placement",
  description: "Chooses which nodes compute which layers of a model, and tells why.",
  config: placementConfig as v.GenericSchema<unknown, PlacementConfig>,
  needs: ["network"],
  critical: false,
  run,
};

interface Parts {
  readonly rules: PlacementConfig;
  readonly host: Host;
  readonly chooser: RouteChooser;
  readonly nodes: MeshNodes;
  readonly events: EventLog;
}

async function run(rules: PlacementConfig, host: Host): Promise<void> {
  const chooser = new RouteChooser(rules);
  host.bus.publish(rulesTopic, rules);
  const nodes = new MeshNodes(host);
  const events = new EventLog(host);
  const meters = new MeshMeters(host.metrics);
  const following = [
    events.follow(),
    events.relay(),
    nodes.follow((now) => {
      meters.peers(now);
      // A node by itself has no routes to weigh.
      if (now.length < 2) return;
      meters.routes(
        modelsOf(now).map((model) => {
          const { plan } = chooser.plan(model, { nodes: now });
          return { root: model.root, stages: plan.stages ?? [] };
        }),
      );
    }),
  ];
  await host.serve(methodsOf({ rules, host, chooser, nodes, events }));
  host.ready();
  await aborted(host.signal);
  await Promise.all(following);
}

function methodsOf(parts: Parts): Methods {
  const { rules, chooser, nodes } = parts;
  return implement(placementContract, {
    "placement.plan": async ({ model }, { signal }) => {
      const now = nodesOf(await nodes.list(signal));
      return { rules, plans: await plansOf(parts, { nodes: now, model, signal }) };
    },
    "placement.route": async ({ excluded, ...need }, { signal }) => {
      const now = nodesOf(await nodes.list(signal));
      return chooser.route({ ...need, excluded: new Set(excluded) }, now) ?? null;
    },
    "mesh.overview": (_params, { signal }) => overviewOf(parts, signal),
  });
}

async function overviewOf(parts: Parts, signal: AbortSignal): Promise<MeshOverview> {
  const { host: { clock, identity, metrics }, nodes, events } = parts;
  const list = await nodes.list(signal);
  const status = await parts.host.call("network", "mesh.status", {}, signal) as MeshStatus;
  const { text } = await metrics.expose();
  return {
    atMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
    hid: identity.hid,
    key: identity.key,
    mesh: { state: status.state, memberCount: status.memberCount, refusals: status.refusals },
    peers: list.peers.map(({ key, hid, state, trust, transport, roundTripMs, capabilities }) => ({
      ...{ peer: key, hid, name: nodes.nameOf(key), isSelf: false, trust, state },
      transport: transport ?? null,
      roundTripMs: roundTripMs ?? null,
      freeSlots: capabilities?.freeSlots ?? null,
      totalSlots: capabilities?.headroom?.totalSlots ?? null,
      memoryFreeBytes: capabilities?.memoryFreeBytes ?? null,
      layers: (capabilities?.models ?? []).flatMap(({ name: model, loaded }) =>
        loaded === undefined ? [] : [{ model, from: loaded.layers.from, to: loaded.layers.to }]
      ),
    })),
    plans: await plansOf(parts, { nodes: nodesOf(list), model: undefined, signal }),
    figures: figuresOf(text, overviewFigures),
    events: [...events.last],
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
