/** Goal: routes of pipelines follow the configured rules, and "auto" knows what it is not trusted with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createKernel, silentLog } from "../../../src/kernel/mod.ts";
import type { Host, Service } from "../../../src/kernel/mod.ts";
import { noCapabilities } from "../../../src/mesh/mod.ts";
import type { ModelShare } from "../../../src/mesh/mod.ts";
import { settlingMsMax } from "../../../src/services/inference/limits.ts";
import { MeshView } from "../../../src/services/inference/mesh_view.ts";
import { peersTopic } from "../../../src/services/network/mod.ts";
import type { PeerList } from "../../../src/services/network/mod.ts";
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

/** Calls `use` within a service of a kernel that has nothing else. */
async function withHost(use: (host: Host) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  let failure: unknown;
  const service: Service = {
    name: "one",
    config: v.unknown(),
    needs: [],
    critical: true,
    run: async (_config, host) => {
      await use(host).catch((thrown: unknown) => failure = thrown);
      host.ready();
    },
  };
  const kernel = createKernel({
    services: [{ service, config: {} }],
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
  await kernel.stop();
  if (failure !== undefined) throw failure;
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
