/**
 * Goal: routes of pipelines follow the configured rules, "auto" knows what it is not trusted with, and
 * layers that nobody has are named: at once where nobody is known who could be of use again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createKernel, implement, silentLog } from "../../../src/kernel/mod.ts";
import type { Host, Service } from "../../../src/kernel/mod.ts";
import { noCapabilities } from "../../../src/mesh/mod.ts";
import type { ModelShare } from "../../../src/mesh/mod.ts";
import {
  gapGraceMs,
  holderAwayMs,
  holderWaitMs,
  meshModelWaitMs,
  settlingMsMax,
} from "../../../src/services/inference/limits.ts";
import { MeshView } from "../../../src/services/inference/mesh_view.ts";
import { sharedRoot, waitTopic } from "../../../src/services/inference/shared_parts.ts";
import { eventsTopic, networkContract, peersTopic } from "../../../src/services/network/mod.ts";
import { partsContract } from "../../../src/services/parts/mod.ts";
import { StageError, stageProtocol } from "../../../src/stages/mod.ts";
import type { Place } from "../../../src/stages/mod.ts";
import type { MeshStatus, PeerList } from "../../../src/services/network/mod.ts";
import { rulesDefault, rulesTopic } from "../../../src/services/placement/mod.ts";
import { MemoryNetwork, ModelledDisk, SeededRandom, VirtualClock } from "../../../src/sim/mod.ts";
import * as v from "valibot";

const root = "ab".repeat(32);
const self = "1".repeat(64);
const peer = "2".repeat(64);

function share(from: number, to: number): ModelShare {
  const parts = { layers: { from, to }, embedding: from === 0, head: to === 8, complete: false };
  return { root, name: "m", layerCount: 8, parts, loaded: parts, numericClass: "c/1" };
}

function listOf(trust: "own" | "member"): PeerList {
  const capabilities = { ...noCapabilities, models: [share(2, 8)], freeSlots: 1 };
  const other = { key: peer, hid: "skep_2", trust, state: "linked", sinceMs: 0 } as const;
  return {
    self: { key: self, hid: "skep_1", trust, capabilities: noCapabilities },
    peers: [{ ...other, addresses: [], roundTripMs: 2, capabilities }],
  };
}

/** A kernel whose services "network" and "parts" say what a test has them say. */
interface World {
  readonly host: Host;
  readonly clock: VirtualClock;
  /** All members, those that are gone too. */
  list: PeerList;
  /** What the node is in its mesh. */
  state: MeshStatus["state"];
}

/** Calls `use` beside the services of a kernel that has little else. */
async function withHost(use: (host: Host, world: World) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  let host: Host | undefined;
  let list = listOf("own");
  let state: MeshStatus["state"] = "member";
  const serving = (name: string, serve: (host: Host) => unknown): Service => ({
    name,
    ...{ config: v.unknown(), needs: [], critical: true },
    run: async (_config, own) => {
      await serve(own);
      own.ready();
      await new Promise<void>((resolve) => own.signal.addEventListener("abort", () => resolve()));
    },
  });
  const network = serving("network", (own) =>
    own.serve(implement({
      "mesh.status": networkContract["mesh.status"],
      "peers.list": networkContract["peers.list"],
    }, {
      "mesh.status": () => Promise.resolve({ state } as never),
      "peers.list": () => Promise.resolve(list),
    })));
  const parts = serving(
    "parts",
    (own) =>
      own.serve(implement({ "parts.list": partsContract["parts.list"] }, {
        "parts.list": () => Promise.resolve([]),
      })),
  );
  const one = serving("one", (own) => host = own);
  const kernel = createKernel({
    services: [network, parts, one].map((service) => ({ service, config: {} })),
    ...{ clock, random: new SeededRandom(1), disk: new ModelledDisk() },
    network: new MemoryNetwork(),
    identity: { hid: "skep_1", key: self, sign: () => Promise.resolve(new Uint8Array(64)) },
    log: silentLog(clock),
    directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: "/run/s" },
    version: "1.2.3",
    journalFor: () => ({ append: () => Promise.resolve({ sequence: 1 }) }),
    storeFor: () => ({
      run: () => Promise.resolve({ changes: 0 }),
      all: () => Promise.resolve([]),
    }),
  });
  await kernel.start();
  if (host === undefined) throw new TypeError("The service has run");
  const { bus } = host;
  try {
    await use(host, {
      ...{ host, clock },
      get list() {
        return list;
      },
      set list(next: PeerList) {
        list = next;
        bus.publish(peersTopic, next);
      },
      get state() {
        return state;
      },
      set state(next: MeshStatus["state"]) {
        state = next;
      },
    });
  } finally {
    await kernel.stop();
  }
}

test("a member gets no end of a model, unless the rules on the bus say otherwise", () =>
  withHost(async (host) => {
    const stop = new AbortController();
    const view = new MeshView(host, () => [share(0, 2)]);
    const following = view.follow(stop.signal);
    const need = { root, numericClass: "c/1", layerCount: 8, kept: [], standbys: [] };
    const route = async (): Promise<string[] | undefined> =>
      (await view.router().route({ ...need, excluded: new Set() }))?.places
        .map(({ peer: key, from, to }) => `${key.slice(0, 1)} ${from}-${to}`);
    assert.equal(view.settlingMs, 0);
    const changed = view.changed(1000);
    host.bus.publish(peersTopic, listOf("member"));
    await changed;
    // From now on for so long, a model that nobody has yet may still turn up.
    assert.equal(view.settlingMs, settlingMsMax);
    assert.equal(await route(), undefined);
    assert.deepEqual(view.runnable(), []);
    assert.equal(view.forbiddenEdgeLayers, 1);
    host.bus.publish(rulesTopic, { ...rulesDefault, ownEdgeLayers: 0, ownEnds: false });
    const again = view.changed(1000);
    host.bus.publish(peersTopic, listOf("member"));
    await again;
    assert.deepEqual(await route(), ["1 0-2", "2 2-8"]);
    assert.deepEqual(view.runnable().map(({ name }) => name), ["m"]);
    assert.equal(view.forbiddenEdgeLayers, 0);
    stop.abort();
    await following;
  }));

/** The one peer as it is now. */
function peerOf(
  state: "linked" | "gone",
  models: readonly ModelShare[],
  more: { protocols?: string[]; sinceMs?: number; alias?: string } = {},
): PeerList {
  const [one] = listOf("own").peers;
  if (one === undefined) throw new TypeError("There is a peer");
  const { protocols = [stageProtocol], ...rest } = more;
  const capabilities = { ...noCapabilities, models: [...models], freeSlots: 1, protocols };
  return { ...listOf("own"), peers: [{ ...one, state, capabilities, ...rest }] };
}

const need = { root, numericClass: "c/1", layerCount: 8 };

/** What a pipeline is told that asks again and again, and after how long. */
async function askedAgain(
  view: MeshView,
  clock: VirtualClock,
  kept: readonly Place[] = [],
): Promise<{ readonly message: string; readonly ms: number }> {
  const router = view.router();
  const beganMs = clock.monotonicMs();
  for (;;) {
    try {
      const question = { ...need, kept, standbys: [], excluded: new Set<string>() };
      const route = await router.route(question);
      assert.equal(route, undefined);
    } catch (thrown) {
      assert.ok(thrown instanceof StageError && thrown.code === "no-route", String(thrown));
      return { message: thrown.message, ms: clock.monotonicMs() - beganMs };
    }
    assert.ok(clock.monotonicMs() - beganMs < holderAwayMs, "It is told nothing");
    await clock.advance(250);
  }
}

/** A view that follows a world whose list is the one given, once that was there for long. */
async function viewOf(world: World, list: PeerList): Promise<MeshView> {
  const view = new MeshView(world.host, () => [share(0, 2)]);
  view.follow(world.host.signal).catch(() => {});
  const changed = view.changed(1000);
  world.list = list;
  await changed;
  await world.clock.advance(settlingMsMax + 1);
  return view;
}

test("layers that nobody has are named within two seconds, and by how to have them computed", () =>
  withHost(async (_host, world) => {
    const view = await viewOf(world, peerOf("linked", [share(5, 8)]));
    const { message, ms } = await askedAgain(view, world.clock);
    assert.equal(
      message,
      'Cannot answer as layers 2-4 of "m" have no holder: no member of the mesh that is there ' +
        "computes them; a node takes them by --layers 2-5",
    );
    assert.ok(ms >= gapGraceMs && ms <= 2000, `${ms}`);
    // Who asks for an answer is told before it begins.
    const waiting = view.hopelessGap(need);
    await world.clock.advance(gapGraceMs);
    assert.equal(await waiting, message);
    const coming = view.hopelessGap(need);
    await world.clock.advance(gapGraceMs / 2);
    world.list = peerOf("linked", [share(2, 8)]);
    assert.equal(await coming, undefined);
  }));

test("a holder that has just gone is waited for and then named, and one that is long gone is not waited for", () =>
  withHost(async (_host, world) => {
    const { clock } = world;
    const view = await viewOf(world, peerOf("linked", [share(2, 8)], { alias: "attic" }));
    assert.equal(await view.hopelessGap(need), undefined);
    world.list = { ...peerOf("gone", []), peers: [] };
    await clock.advance(1);
    const just = await askedAgain(view, clock);
    assert.match(
      just.message,
      /^Cannot answer as layers 2-7 of "m" have no holder: attic \(skep_[0-9a-f]+\), which had/,
    );
    assert.match(just.message, /them, has been away for 25 s; a node takes them by --layers 2-8$/);
    assert.equal(just.ms, holderWaitMs);
    await clock.advance(holderAwayMs);
    assert.ok((await askedAgain(view, clock)).ms <= 2000);
    // One that was started anew says what it computes when its model is loaded.
    world.list = peerOf("linked", [], { protocols: [], sinceMs: clock.nowMs(), alias: "attic" });
    await clock.advance(1);
    const loading = await askedAgain(view, clock);
    assert.match(
      loading.message,
      /attic \(.*\), which had them, .*, attic \(.*\) is still loading its model; /,
    );
    assert.equal(loading.ms, holderWaitMs);
    world.list = peerOf("linked", [share(2, 8)], { alias: "attic" });
    await clock.advance(1);
    assert.equal(view.gapOf(need), undefined);
  }));

const own = { peer: self, from: 0, to: 2, embedding: true, head: false };

test("a node that is in no mesh any more waits for nobody, in the middle of an answer neither", () =>
  withHost(async (host, world) => {
    const { clock } = world;
    for (
      const [state, words] of [
        ["removed", "was removed from its mesh"],
        ["none", "is in no mesh"],
      ] as const
    ) {
      world.state = "member";
      const view = await viewOf(world, peerOf("linked", [share(2, 8)]));
      assert.equal(view.gapOf(need), undefined);
      world.state = state;
      const { self: { key, hid, capabilities } } = listOf("own");
      world.list = { self: { key, hid, capabilities }, peers: [] };
      await clock.advance(1);
      const expected = `Cannot answer as layers 2-7 of "m" have no holder: this node ${words} ` +
        '("skep join TICKET" takes it into one); a node takes them by --layers 2-8';
      assert.deepEqual(await askedAgain(view, clock), { message: expected, ms: 0 });
      assert.deepEqual(await askedAgain(view, clock, [own]), { message: expected, ms: 0 });
      assert.equal(await view.hopelessGap(need), expected);
      assert.equal(await sharedRoot("n", { host, view }), undefined);
    }
  }));

test("a holder that was removed from the mesh is not waited for", () =>
  withHost(async (host, world) => {
    const view = await viewOf(world, peerOf("linked", [share(2, 8)]));
    host.bus.publish(eventsTopic, { atMs: 0, kind: "removed", key: peer });
    await world.clock.advance(1);
    world.list = { ...listOf("own"), peers: [] };
    await world.clock.advance(1);
    const { message, ms } = await askedAgain(view, world.clock, [own]);
    assert.match(message, /have no holder: no member of the mesh that is there computes them; /);
    assert.ok(ms >= gapGraceMs && ms <= 2000, `${ms}`);
  }));

test("a holder that may not or can't compute its layers is named with the reason", () =>
  withHost(async (_host, world) => {
    const trusted = peerOf("linked", [share(2, 8)]);
    const [one] = trusted.peers;
    assert.ok(one !== undefined);
    const view = await viewOf(world, { ...trusted, peers: [{ ...one, trust: "member" }] });
    const gap = view.gapOf(need);
    assert.equal(gap?.isPassing, false);
    assert.match(gap?.sentence ?? "", /layer 7 of "m" has no holder: /);
    const full = { ...one, capabilities: { ...one.capabilities, freeSlots: 0 } };
    world.list = { ...trusted, peers: [full as typeof one] };
    await world.clock.advance(1);
    assert.equal(view.gapOf(need)?.isPassing, true);
    assert.match(
      view.gapOf(need)?.sentence ?? "",
      /layers 2-7 .*: skep_[0-9a-f]+ is of no use, as all its slots are taken; /,
    );
  }));

test("a model that no member has is refused once all have said what they have, with the names there are", () =>
  withHost(async (host, world) => {
    const view = await viewOf(world, peerOf("linked", [share(2, 8)]));
    assert.equal(await sharedRoot("m", { host, view }), root);
    const looking = sharedRoot("n", { host, view }).catch((thrown: Error) => thrown.message);
    await world.clock.advance(2000);
    const refused =
      'Cannot find model "n" as no file here has that name and no member of the mesh that is ' +
      'there has "n": they have "m"';
    assert.equal(await looking, refused);
    // One is away, and may have it: what is waited for is said, and at the end why it was in vain.
    const said: string[] = [];
    const stop = new AbortController();
    (async (): Promise<void> => {
      for await (const { payload } of host.bus.subscribe(waitTopic, { signal: stop.signal })) {
        said.push((payload as { sentence: string }).sentence);
      }
    })().catch(() => {});
    world.list = peerOf("gone", [], { alias: "attic" });
    const waiting = sharedRoot("n", { host, view }).catch((thrown: Error) => thrown.message);
    await world.clock.advance(2000);
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? "",
      /^Waiting up to 60 s for attic \(skep_[0-9a-f]+\), away: no member .* has "n": they have no model$/,
    );
    await world.clock.advance(meshModelWaitMs);
    assert.match(
      String(await waiting),
      /^Cannot find model "n" as .*; it waited 60 s for attic \(.*\), away$/,
    );
    const coming = sharedRoot("m", { host, view });
    await world.clock.advance(3000);
    world.list = peerOf("linked", [share(2, 8)]);
    assert.equal(await coming, root);
    stop.abort();
  }));
