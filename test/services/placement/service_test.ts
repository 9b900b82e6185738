/**
 * Goal: real nodes of a simulated mesh plan by what they say of themselves; what is chosen, why, and
 * who could read prompts is told over the socket and over GET; pipelines' events are broadcast.
 */
import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import * as v from "valibot";
import type { PlacedService, Service } from "../../../src/kernel/mod.ts";
import type { CapabilitiesPatch, ModelShare } from "../../../src/mesh/mod.ts";
import { placementConfig, placementService } from "../../../src/services/placement/mod.ts";
import type {
  MeshOverview,
  PlacementConfig,
  PlacementPlans,
  RouteAnswer,
} from "../../../src/services/placement/mod.ts";
import { MeshWorld } from "../network/_mesh_world.ts";
import type { TestNode } from "../network/_mesh_world.ts";

const root = "ab".repeat(32);

function placement(config: v.InferInput<typeof placementConfig> = {}): PlacedService {
  const service = placementService as Service;
  return { service, config: v.parse(placementConfig, config) as PlacementConfig };
}

function share(from: number, to: number, more: Partial<ModelShare> = {}): ModelShare {
  const parts = { layers: { from, to }, embedding: from === 0, head: to === 8, complete: false };
  return { root, name: "m", layerCount: 8, parts, loaded: parts, numericClass: "c/1", ...more };
}

async function say(node: TestNode, model: ModelShare, more: CapabilitiesPatch = {}): Promise<void> {
  const capabilities = { models: [model], freeSlots: 4, ...more };
  await node.call("capabilities.set", { source: "inference", capabilities });
}

/** Three nodes of which the second is trusted and the third is not; each has a run of layers. */
async function threeNodes(
  config: v.InferInput<typeof placementConfig> = {},
): Promise<{ world: MeshWorld; nodes: readonly [TestNode, TestNode, TestNode] }> {
  const world = new MeshWorld();
  const options = { services: [placement(config)] };
  const [a, b, c] = [await world.boot(1, options), await world.boot(2), await world.boot(3)];
  await b.join((await a.invite({ trust: "own" })).ticket);
  await c.join((await a.invite({ trust: "member" })).ticket);
  await say(a, share(0, 3, { layerMs: 2 }));
  await say(b, share(3, 8, { layerMs: 4, freePositions: 4096 }));
  await say(c, share(2, 8, { layerMs: 1, freePositions: 4096 }));
  await world.clock.advance(5_000);
  return { world, nodes: [a, b, c] };
}

function ask<T>(world: MeshWorld, node: TestNode, call: readonly [string, unknown]): Promise<T> {
  const [method, params] = call;
  return world.until(node.kernel.call("placement", method, { params }) as Promise<T>);
}

function words(plans: PlacementPlans, nodes: readonly TestNode[]): readonly string[] | undefined {
  const number = (peer: string): number => nodes.findIndex(({ key }) => key === peer) + 1;
  return plans.plans[0]?.stages?.map(({ peer, from, to }) => `${number(peer)} ${from}-${to}`);
}

test("a plan says who computes what, why, and who could read the prompt; trust is kept to", async () => {
  const { world, nodes } = await threeNodes();
  const [, b, c] = nodes;
  const plans = await ask<PlacementPlans>(world, nodes[0], ["placement.plan", { model: "m" }]);
  // The fast member gets all but the ends, which are computed by own nodes.
  assert.deepEqual(words(plans, nodes), ["1 0-2", "3 2-7", "2 7-8"]);
  const [plan] = plans.plans;
  assert.deepEqual(plan?.readers, [c.key]);
  assert.deepEqual(plan?.answerReaders, [c.key, b.key]);
  const reasons = plan?.candidates.map(({ reason, words }) => `${reason}: ${words}`);
  assert.deepEqual(reasons, [
    "chosen: it computes layers 0 to 1",
    "chosen: it computes layers 7 to 7",
    "chosen: it computes layers 2 to 6",
  ]);
  assert.equal(plan?.candidates[1]?.layerMs, 4);
  assert.ok((plan?.candidates[1]?.roundTripMs ?? 0) > 5, "Hops are measured");
  const missing = ask(world, nodes[0], ["placement.plan", { model: "x" }]);
  await assert.rejects(
    missing,
    /Cannot plan model "x" as it is none of those that .* reaches: "m"/,
  );
  await world.stop();
});

test("the rules of the configuration hold: edges, ends and room", async () => {
  const open = await threeNodes({ ownEdgeLayers: 0, ownEnds: false });
  const anyone = await ask<PlacementPlans>(open.world, open.nodes[0], ["placement.plan", {}]);
  assert.deepEqual(words(anyone, open.nodes), ["1 0-2", "3 2-8"]);
  await open.world.stop();
  const roomy = await threeNodes({ roomPositions: 5000 });
  const none = await ask<PlacementPlans>(roomy.world, roomy.nodes[0], ["placement.plan", {}]);
  assert.equal(none.plans[0]?.stages, null);
  assert.equal(none.plans[0]?.costMs, null);
  assert.deepEqual(none.plans[0]?.missing, [3, 4, 5, 6, 7]);
  const reasons = none.plans[0]?.candidates.map(({ reason }) => reason);
  assert.deepEqual(reasons, ["not-needed", "no-room", "no-room"]);
  await roomy.world.stop();
});

test("a node that has died has no place in the next route, and one that is kept has the same", async () => {
  const { world, nodes: [a, b, c] } = await threeNodes();
  const need = { root, numericClass: "c/1", layerCount: 8 };
  const first = await ask<RouteAnswer>(world, a, ["placement.route", need]);
  assert.equal(first?.places.length, 3);
  await c.stop();
  await world.clock.advance(5_000);
  const kept = first?.places.filter(({ peer }) => peer !== c.key);
  const question = { ...need, kept, excluded: [c.key] };
  const next = await ask<RouteAnswer>(world, a, ["placement.route", question]);
  assert.deepEqual(next?.places.map(({ peer }) => peer), [a.key, b.key]);
  await b.stop();
  await world.clock.advance(5_000);
  assert.equal(await ask(world, a, ["placement.route", need]), null);
  await world.stop();
});

test("GET /admin/placement answers at the service's socket as the method does", async () => {
  const { world, nodes: [a] } = await threeNodes();
  const found = await world.until(get(a, "/admin/placement?model=m"));
  assert.equal(found.status, 200);
  const plans = await ask<PlacementPlans>(world, a, ["placement.plan", { model: "m" }]);
  const stages = (JSON.parse(found.body) as PlacementPlans).plans[0]?.stages;
  assert.deepEqual(
    stages?.map(({ peer }) => peer),
    plans.plans[0]?.stages?.map(({ peer }) => peer),
  );
  for (
    const [path, status] of [
      ["/admin/placement?model=x", 404],
      ["/admin/placement?modell=m", 400],
      ["/admin/placement?model=", 400],
      ["/admin/placements", 404],
    ] as const
  ) {
    assert.equal((await world.until(get(a, path))).status, status, path);
  }
  const posted = await world.until(get(a, "/admin/placement", "POST"));
  assert.equal(posted.status, 405);
  await world.stop();
});

test("what happens to pipelines is among the mesh's events, and the overview tells all", async () => {
  const { world, nodes: [a, b] } = await threeNodes();
  const place = { peer: b.key, from: 3, to: 8, embedding: false, head: true };
  const { bus, metrics } = a.kernel;
  metrics.counter({ name: "inference_completion_tokens_total", help: "t" }).add(7);
  bus.publish("stage.events", { kind: "route", root, places: [place] });
  bus.publish("stage.events", { kind: "stage-lost", root, place, why: "it died" });
  bus.publish("stage.events", { kind: "bad-frame", peer: b.key, why: "too long" });
  await world.clock.advance(10);
  const overview = await ask<MeshOverview>(world, a, ["mesh.overview", {}]);
  assert.deepEqual(overview.events.slice(-3).map(({ kind }) => kind), [
    "route",
    "stage-lost",
    "bad-frame",
  ]);
  assert.match(overview.events.at(-2)?.detail ?? "", /^model abab.*: layers 3 to 7: it died$/);
  assert.equal(overview.events.at(-2)?.key, b.key);
  assert.equal(overview.figures["inference_completion_tokens_total"], 7);
  assert.deepEqual(overview.peers.map(({ state }) => state), ["linked", "linked"]);
  assert.deepEqual(overview.peers[0]?.layers, [{ model: "m", from: 3, to: 8 }]);
  assert.equal(overview.mesh.memberCount, 3);
  // Who asks later for the mesh's events gets them too.
  const seen: string[] = [];
  const stopped = new AbortController();
  const following = (async (): Promise<void> => {
    const params = { replay: 3 };
    const { signal } = stopped;
    for await (const event of a.kernel.stream("network", "mesh.events", { params, signal })) {
      seen.push((event as { kind: string }).kind);
    }
  })().catch(() => {});
  await world.clock.advance(10);
  stopped.abort();
  await world.until(following);
  assert.deepEqual(seen, ["route", "stage-lost", "bad-frame"]);
  await world.stop();
});

test("peers and stages have metrics, by peer", async () => {
  const { world, nodes: [a, b, c] } = await threeNodes();
  const { text } = await a.kernel.metrics.expose();
  const peers = [b, c].map(({ key }) => key.slice(0, 12));
  for (const peer of peers) {
    assert.match(
      text,
      new RegExp(`^skep_mesh_peer_round_trip_seconds\\{peer="${peer}"\\} 0\\.0`, "m"),
    );
    assert.match(text, new RegExp(`^skep_mesh_peer_free_slots\\{peer="${peer}"\\} 4$`, "m"));
  }
  const [, second = ""] = peers;
  const layers = `model="${root.slice(0, 12)}",peer="${second}"`;
  assert.match(text, new RegExp(`^skep_placement_stage_layers\\{${layers}\\} 5$`, "m"));
  await c.stop();
  await world.clock.advance(10_000);
  const later = (await a.kernel.metrics.expose()).text;
  assert.match(later, new RegExp(`^skep_placement_stage_layers\\{${layers}\\} 0$`, "m"));
  await world.stop();
});

/** A request by hand: no more than status and body is looked at. */
async function get(
  node: TestNode,
  path: string,
  method = "GET",
): Promise<{ status: number; body: string }> {
  const address = { kind: "unix", path: "/run/s/placement/rpc.sock" } as const;
  const stream: Duplex = await node.network.dial(address);
  stream.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  const text = new TextDecoder().decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), body };
}
