// Goal: nodes that hold layers of one model answer for it through any of them, with one node's text.
// Method: kernels over a mesh in memory; what the services "network" and "parts" say is made here.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { loadExecutor } from "../../../src/engine/mod.ts";
import { encodeHex } from "../../../src/hot/mod.ts";
import { type Identity, identityFromSeed } from "../../../src/identity/mod.ts";
import {
  createKernel,
  implement,
  RpcError,
  type Service,
  silentLog,
} from "../../../src/kernel/mod.ts";
import type { Kernel } from "../../../src/kernel/mod.ts";
import { fileSource, loadTokenizer, openGguf, readModelShape } from "../../../src/model/mod.ts";
import {
  type Clock,
  type MeshNetwork,
  realClock,
  realDisk,
  realNetwork,
  realRandom,
} from "../../../src/ports/mod.ts";
import {
  checkTranscript,
  judge,
  openReceipt,
  receiptDirectory,
  ReceiptStore,
  recompute,
  type StoredReceipt,
  type Verdict,
} from "../../../src/receipts/mod.ts";
import {
  createInferenceService,
  type GenerateItem,
  inferenceConfig,
  receiptEvent,
  replayChooser,
} from "../../../src/services/inference/mod.ts";
import { networkContract, peersTopic } from "../../../src/services/network/mod.ts";
import type { PeerList } from "../../../src/services/network/mod.ts";
import { type FetchItem, partsContract } from "../../../src/services/parts/mod.ts";
import { MeshMedium, SeededRandom } from "../../../src/sim/mod.ts";

const root = "4d".repeat(32);
const fixture = new URL(
  "../../fixtures/models/stories260K/stories260K-q8_0.gguf",
  import.meta.url,
);

type Capabilities = PeerList["self"]["capabilities"];

interface Node {
  readonly kernel: Kernel;
  readonly mesh: MeshNetwork;
  readonly key: string;
  readonly identity: Identity;
  capabilities: Capabilities;
}

const nothing: Capabilities = {
  protocols: [],
  numericClasses: [],
  models: [],
  freeSlots: null,
  headroom: null,
  memoryFreeBytes: null,
  logHead: null,
};

/** Nodes that know each other's capabilities at once. */
class Mesh {
  /** Real time, and what a test lets pass beside it. */
  readonly clock: Clock;
  skippedMs = 0;
  readonly medium: MeshMedium;
  readonly directory = mkdtempSync(join(tmpdir(), "skep-mesh-"));
  readonly model = join(this.directory, "tiny.gguf");
  readonly nodes: Node[] = [];
  /** What the nodes journalled. */
  readonly journal: { readonly chi: string; readonly body: unknown }[] = [];
  readonly #alive = setInterval(() => {}, 1000);

  constructor() {
    const real = realClock();
    this.clock = {
      nowMs: () => real.nowMs(),
      monotonicMs: () => real.monotonicMs() + this.skippedMs,
      after: (delayMs, fn) => real.after(delayMs, fn),
      sleep: (delayMs, signal) => real.sleep(delayMs, signal),
    };
    this.medium = new MeshMedium({
      clock: this.clock,
      random: new SeededRandom(3),
      latencyMs: 0,
    });
    copyFileSync(fixture, this.model);
  }

  async add(inference: v.InferInput<typeof inferenceConfig>): Promise<Node> {
    const identity = identityFromSeed(new Uint8Array(32).fill(this.nodes.length + 1));
    const key = encodeHex(identity.publicKey);
    const mesh = this.medium.node(key);
    const gate = { admits: (): boolean => true, allows: (): boolean => true };
    await mesh.listen({ tcp: false, iroh: false, meshId: key }, gate);
    const signal = new AbortController().signal;
    for (const other of this.nodes) await mesh.dial(other.key, { addresses: [], signal });
    const node: Node = {
      ...{ mesh, key, identity },
      capabilities: nothing,
      kernel: createKernel({
        services: [
          { service: this.#network(() => node), config: {} },
          { service: this.#parts(), config: {} },
          { service: createInferenceService(), config: v.parse(inferenceConfig, inference) },
        ],
        clock: this.clock,
        random: realRandom(),
        disk: realDisk(),
        network: realNetwork(),
        mesh,
        identity: {
          hid: identity.hid,
          key,
          sign: (purpose, bytes) => Promise.resolve(identity.sign(purpose, bytes)),
        },
        directories: {
          config: this.directory,
          state: this.directory,
          data: this.directory,
          models: this.directory,
          sockets: join(this.directory, `s${this.nodes.length}`),
        },
        log: silentLog(this.clock),
        version: "0.0.0",
        journalFor: () => ({
          append: ({ chi, body }) => {
            this.journal.push({ chi, body });
            return Promise.resolve({ sequence: 1 });
          },
        }),
        storeFor: () => ({ run: noStore, all: noStore }),
      }),
    };
    this.nodes.push(node);
    await node.kernel.start();
    return node;
  }

  /** Ends a node without a word. */
  async kill(node: Node): Promise<void> {
    this.medium.crash(node.key);
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.#tell();
    await node.kernel.stop();
  }

  async close(): Promise<void> {
    for (const { kernel, mesh } of this.nodes) {
      await kernel.stop();
      await mesh.close();
    }
    clearInterval(this.#alive);
    rmSync(this.directory, { recursive: true });
  }

  #tell(): void {
    for (const node of this.nodes) node.kernel.bus.publish(peersTopic, this.#listFor(node));
  }

  #listFor(node: Node): PeerList {
    const { key, identity, capabilities } = node;
    const peers = this.nodes.filter((one) => one !== node).map((one) => ({
      key: one.key,
      hid: one.identity.hid,
      trust: "own" as const,
      state: "linked" as const,
      sinceMs: 0,
      roundTripMs: 1,
      addresses: [],
      capabilities: one.capabilities,
    }));
    return { self: { key, hid: identity.hid, capabilities }, peers } as PeerList;
  }

  #network(node: () => Node): Service {
    return {
      name: "network",
      config: v.strictObject({}),
      needs: [],
      critical: false,
      run: async (_config, host) => {
        await host.serve(implement({
          "mesh.status": networkContract["mesh.status"],
          "capabilities.set": networkContract["capabilities.set"],
        }, {
          "mesh.status": () =>
            Promise.resolve({
              state: "member" as const,
              mesh: node().key,
              key: node().key,
              hid: node().identity.hid,
              rosterVersion: 1,
              memberCount: 1,
              addresses: [],
              missing: [],
              openInvitations: 0,
              refusals: {},
            }),
          "capabilities.set": ({ capabilities }) => {
            const { models = [], memoryFreeBytes = null } = capabilities;
            node().capabilities = { ...nothing, models, memoryFreeBytes };
            this.#tell();
            return Promise.resolve({ changed: true });
          },
        }));
        host.bus.publish(peersTopic, this.#listFor(node()));
        host.ready();
        await new Promise<void>((resolve) => {
          host.signal.addEventListener("abort", () => resolve(), { once: true });
        });
      },
    };
  }

  #parts(): Service {
    const held = {
      root,
      name: "tiny",
      sizeBytes: 1,
      layerCount: 5,
      layers: { from: 0, to: 5 },
      embedding: true,
      head: true,
      complete: true,
      path: this.model,
    };
    return {
      name: "parts",
      config: v.strictObject({}),
      needs: [],
      critical: false,
      run: async (_config, host) => {
        await host.serve(implement(partsContract, {
          "parts.list": () => Promise.resolve([]),
          "parts.adopt": () => Promise.resolve(held),
          "parts.fetch": async function* (): AsyncGenerator<FetchItem> {
            await Promise.resolve();
            yield { type: "done" as const, held };
          },
        }));
        host.ready();
        await new Promise<void>((resolve) => {
          host.signal.addEventListener("abort", () => resolve(), { once: true });
        });
      },
    };
  }
}

function noStore(): never {
  throw new TypeError("These services have no tables");
}

interface Answer {
  readonly text: string;
  /** The id of its receipt, where it gets one. */
  readonly receipt: string | undefined;
  readonly route: readonly { readonly peer: string; readonly from: number; readonly to: number }[];
  readonly cachedTokens: number;
}

async function answer(
  { kernel }: Node,
  model: string,
  { onToken, prompt = "Once upon a time" }: {
    readonly onToken?: (count: number) => Promise<void>;
    readonly prompt?: string;
  } = {},
): Promise<Answer> {
  let text = "";
  let cachedTokens = 0;
  let count = 0;
  let route: Answer["route"] = [];
  let receipt: string | undefined;
  for await (
    const item of kernel.stream("inference", "generate", {
      params: {
        requestId: "r",
        model,
        prompt: { kind: "text", text: prompt },
        maxTokens: 40,
        stop: [],
        seed: 7,
        sampling: { temperature: 0.8 },
      },
    })
  ) {
    const one = item as GenerateItem;
    if (one.type === "start") receipt = one.receipt;
    if (one.type === "text") {
      text += one.text;
      await onToken?.(++count);
    }
    if (one.type === "end") {
      route = one.route ?? [];
      cachedTokens = one.usage.cachedTokens;
    }
  }
  return { text, route, receipt, cachedTokens };
}

test("A model split over nodes answers through each of them, and through one that has none of it", async () => {
  const mesh = new Mesh();
  try {
    const whole = await mesh.add({ model: mesh.model, name: "whole", threads: 1 });
    const expected = await answer(whole, "whole");
    await mesh.kill(whole);
    const first = await mesh.add({ model: mesh.model, layers: "0-3", threads: 1 });
    const second = await mesh.add({ model: mesh.model, layers: "3-5", threads: 1 });
    const third = await mesh.add({ threads: 1 });
    for (const node of [first, second, third]) {
      const { text, route } = await answer(node, "tiny");
      assert.equal(text, expected.text);
      assert.deepEqual(route, [
        { peer: first.key, from: 0, to: 3 },
        { peer: second.key, from: 3, to: 5 },
      ]);
    }
    const list = await third.kernel.call("inference", "models.list", { params: {} });
    assert.deepEqual((list as { id: string }[]).map(({ id }) => id), ["stories260K", "tiny"]);
  } finally {
    await mesh.close();
  }
});

test("What is told of a model of the mesh holds before it was asked for, and after", async () => {
  const mesh = new Mesh();
  try {
    const first = await mesh.add({ model: mesh.model, layers: "0-3", threads: 1 });
    await mesh.add({ model: mesh.model, layers: "3-5", threads: 1 });
    const third = await mesh.add({ threads: 1 });
    // Its time was measured before anybody asked for an answer.
    assert.equal(await measuredAtRest(first), true);
    const contexts = async (): Promise<readonly unknown[]> => {
      const list = await third.kernel.call("inference", "models.list", { params: {} });
      return (list as { contextMax: number }[]).map(({ contextMax }) => contextMax);
    };
    assert.deepEqual(await contexts(), [128, 128]);
    // 32 positions are a page, which a later answer takes over wherever it is held.
    const prompt = "Once upon a time there was a little girl who liked to play. ".repeat(3);
    const cold = await answer(third, "tiny", { prompt });
    const warm = await answer(third, "tiny", { prompt });
    assert.equal(cold.cachedTokens, 0);
    assert.ok(warm.cachedTokens >= 32 && warm.cachedTokens % 32 === 0, `${warm.cachedTokens}`);
    assert.equal(warm.text, cold.text);
    assert.deepEqual(await contexts(), [128, 128]);
    assert.ok(Number(first.capabilities.memoryFreeBytes) > 2 ** 20);
  } finally {
    await mesh.close();
  }
});

/** Whether a node tells the time of a layer; it says so within moments of its start. */
async function measuredAtRest(node: Node): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (Number(node.capabilities.models[0]?.layerMs) > 0) return true;
    await realClock().sleep(10);
  }
  return false;
}

/** What one pass over an answer says of its receipt. */
async function verdictOf(mesh: Mesh, { receipt, transcript }: StoredReceipt): Promise<Verdict> {
  const opened = openReceipt(receipt, 5);
  checkTranscript(transcript, opened.request);
  const source = await fileSource(realDisk(), mesh.model);
  const file = await openGguf(source);
  const executor = await loadExecutor({ file, source, shape: readModelShape(file), threads: 1 });
  try {
    const { seed, sampling } = opened.request;
    const { promptTokens, outputTokens, constraint: heldTo } = transcript;
    const { vocabularySize } = executor.shape;
    const choose = await replayChooser({
      ...{ file, vocabularySize, seed, sampling, heldTo, promptTokens, outputTokens },
      clock: mesh.clock,
      tokenizer: loadTokenizer(file),
    });
    return judge(opened, await recompute({ receipt: opened, transcript, executor, choose }));
  } finally {
    executor.close();
    await source.close();
  }
}

test("Answers that several nodes took part in have receipts that hold, also where one was replaced", async () => {
  const mesh = new Mesh();
  try {
    const first = await mesh.add({ model: mesh.model, layers: "0-3", threads: 1 });
    const second = await mesh.add({ model: mesh.model, layers: "3-5", threads: 1 });
    const third = await mesh.add({ threads: 1 });
    const ids = [await answer(first, "tiny"), await answer(third, "tiny")].map((one) =>
      one.receipt
    );
    const standby = await mesh.add({ model: mesh.model, layers: "2-5", threads: 1 });
    const onToken = async (count: number): Promise<void> => {
      if (count === 10) await mesh.kill(mesh.nodes.includes(second) ? second : standby);
    };
    const after = await answer(first, "tiny", { onToken });
    ids.push(after.receipt);
    await first.kernel.stop();
    await third.kernel.stop();
    const store = new ReceiptStore({
      disk: realDisk(),
      directory: receiptDirectory(mesh.directory),
    });
    assert.deepEqual((await store.list()).map(({ id }) => id).sort(), ids.toSorted());
    for (const id of ids) {
      const stored = await store.read(String(id).slice(0, 20));
      const { finding, positions } = await verdictOf(mesh, stored);
      assert.equal(finding, undefined, JSON.stringify(finding));
      assert.ok(positions > 40);
      const event = mesh.journal.find(({ chi, body }) =>
        chi === receiptEvent && JSON.stringify(body) === JSON.stringify({ receipt: stored.receipt })
      );
      assert.ok(event !== undefined);
    }
  } finally {
    await mesh.close();
  }
});

test("A node alone makes receipts where it is told to, for models whose root is known", async () => {
  const mesh = new Mesh();
  try {
    const some = await mesh.add({ model: mesh.model, layers: "0-5", threads: 1, receipts: "none" });
    assert.equal((await answer(some, "tiny")).receipt, undefined);
    const alone = await mesh.add({ threads: 1, receipts: "all" });
    assert.equal((await answer(alone, "stories260K")).receipt, undefined);
  } finally {
    await mesh.close();
  }
});

test("A node that dies while it computes is replaced, and the answer's text is the same", async () => {
  const mesh = new Mesh();
  try {
    const first = await mesh.add({ model: mesh.model, layers: "0-3", threads: 1 });
    const second = await mesh.add({ model: mesh.model, layers: "3-5", threads: 1 });
    const expected = await answer(first, "tiny");
    const standby = await mesh.add({ model: mesh.model, layers: "2-5", threads: 1 });
    const onToken = async (count: number): Promise<void> => {
      if (count !== 10) return;
      const victim = mesh.nodes.includes(second) ? second : standby;
      await mesh.kill(victim);
    };
    const { text, route } = await answer(first, "tiny", { onToken });
    assert.equal(text, expected.text);
    assert.equal(route.at(-1)?.to, 5);
  } finally {
    await mesh.close();
  }
});

test("An answer whose layers nobody has any more fails with a sentence, and the next one goes on", async () => {
  const mesh = new Mesh();
  let passing: ReturnType<typeof setInterval> | undefined;
  try {
    const first = await mesh.add({ model: mesh.model, layers: "0-3", threads: 1 });
    const second = await mesh.add({ model: mesh.model, layers: "3-5", threads: 1 });
    const expected = await answer(first, "tiny");
    let pieces = 0;
    const onToken = async (count: number): Promise<void> => {
      pieces = count;
      if (count !== 10) return;
      await mesh.kill(second);
      passing = setInterval(() => mesh.skippedMs += 10_000, 100);
    };
    const cut = answer(first, "tiny", { onToken });
    await assert.rejects(cut, (thrown) => {
      assert(thrown instanceof RpcError);
      assert.equal(thrown.kind, "unavailable");
      assert.match(
        thrown.message,
        /^Cannot go on as layers 3 to 4 were lost with peer [0-9a-f]{12}/,
      );
      return true;
    });
    assert(pieces >= 10);
    clearInterval(passing);
    await mesh.add({ model: mesh.model, layers: "3-5", threads: 1 });
    assert.equal((await answer(first, "tiny")).text, expected.text);
  } finally {
    clearInterval(passing);
    await mesh.close();
  }
});
