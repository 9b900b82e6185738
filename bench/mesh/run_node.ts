/**
 * A process that holds layers of a model and computes with others over libp2p: see protocol.ts. It
 * runs under Deno and under Node. Usage: `run_node.ts`, questions on standard input.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import { createSampler, loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { encodeHex } from "../../src/hot/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import { createLibp2pMesh } from "../../src/mesh/mod.ts";
import { fileSource, openGguf, readModelShape } from "../../src/model/mod.ts";
import { realClock, realDisk, realRandom } from "../../src/ports/mod.ts";
import type { MeshNetwork } from "../../src/ports/mod.ts";
import { Batcher } from "../../src/services/inference/batcher.ts";
import { Sequence } from "../../src/services/inference/sequence.ts";
import { PipelineExecutor, StageServer } from "../../src/stages/mod.ts";
import type { HeldPart, Place } from "../../src/stages/mod.ts";
import { Echo } from "./echo.ts";
import type { HeldLayers, NodeAddress, NodeAnswer, NodeAsk, Text } from "./protocol.ts";

/** The context that is asked for, where the model has one as long. */
const contextMost = 512;
/** A root, as nobody looks into the file by it here. */
const root = "5a".repeat(32);
const clock = realClock();

/** What a loaded process has. */
class LayerNode {
  readonly #part: HeldPart & { readonly executor: ModelExecutor };
  readonly #seed: Uint8Array;
  readonly #peers = new Map<string, NodeAddress>();
  readonly mesh: MeshNetwork;
  readonly echo: Echo;
  /** Computes the whole model: alone, or over stages once there is a route. */
  #executor: ModelExecutor;

  constructor(executor: ModelExecutor, options: { seed: Uint8Array; layers: HeldLayers }) {
    const { seed, layers: { embedding, head } } = options;
    this.#part = { root, executor, embedding, head };
    this.#executor = executor;
    this.#seed = seed;
    this.mesh = createLibp2pMesh({ seed, clock });
    this.echo = new Echo(this.mesh);
    new StageServer({ mesh: this.mesh, clock }).hold(this.#part);
  }

  /** Links with peers, and again whenever such a link ends: a busy machine may lose one. */
  async link(peers: readonly NodeAddress[]): Promise<void> {
    for (const peer of peers) {
      await this.#dial(peer);
      this.#peers.set(peer.key, peer);
    }
  }

  /** Dials those who were lost; runs as long as the process. */
  async relink(): Promise<void> {
    for await (const event of this.mesh.events(new AbortController().signal)) {
      const peer = event.kind === "closed" ? this.#peers.get(event.key) : undefined;
      if (peer !== undefined) await this.#dial(peer).catch(() => {});
    }
  }

  async #dial({ key, addresses }: NodeAddress): Promise<void> {
    await this.mesh.dial(key, { addresses, signal: AbortSignal.timeout(10_000) });
  }

  route(places: readonly Place[]): void {
    const { executor } = this.#part;
    this.#executor = new PipelineExecutor({
      shape: executor.shape,
      numericClass: executor.numericClass,
      root,
      contextMax: executor.contextMax,
      mesh: this.mesh,
      clock,
      random: realRandom(),
      identity: identityFromSeed(this.#seed),
      local: this.#part,
      router: {
        route: () => {
          const linked = new Set([this.mesh.self, ...this.mesh.peers().map(({ key }) => key)]);
          const isWhole = places.every(({ peer }) => linked.has(peer));
          return Promise.resolve(isWhole ? { places, standbys: [] } : undefined);
        },
      },
    });
  }

  /** Computes a text as the inference service does; `onLogits` sees each row. */
  async decode(text: Text, onLogits?: (logits: Float32Array) => void): Promise<NodeAnswer> {
    const { prompt, count, speculate, seed, quotes = false } = text;
    const executor = this.#executor;
    const { vocabularySize } = executor.shape;
    const temperature = seed === undefined ? 0 : 1;
    const sampler = createSampler({ vocabularySize, seed: seed ?? 0, temperature });
    const drafts = { drafted: 0, accepted: 0 };
    const sequence = new Sequence({
      batcher: new Batcher({ executor, clock, promptChunk: 256 }),
      speculate,
      contextMax: executor.contextMax,
      signal: new AbortController().signal,
      onDrafted: (drafted, accepted) => {
        drafts.drafted += drafted;
        drafts.accepted += accepted;
      },
    });
    const tokens: number[] = [];
    let next = Uint32Array.from(prompt);
    const asked = performance.now();
    let began = 0;
    for (let i = 0; i <= count; i++) {
      const logits = await sequence.extend(next);
      if (i === 0) began = performance.now();
      onLogits?.(logits);
      const chosen = sampler.sample(logits, { position: prompt.length + i });
      const token = (quotes ? quoted(prompt, i) : undefined) ?? chosen;
      tokens.push(token);
      next = Uint32Array.of(token);
    }
    const ms = performance.now() - began;
    sequence.close();
    return { ms, units: count, promptMs: began - asked, tokens, drafts };
  }

  /** Computes the own part of tokens; rows that others would send are made up. */
  async alone(positions: number, count: number): Promise<NodeAnswer> {
    const { executor, embedding, head } = this.#part;
    const { layers, shape: { width } } = executor;
    const session = executor.openSession();
    const rowsOf = (rows: number): Promise<Float32Array> | Float32Array =>
      embedding
        ? executor.embed(new Uint32Array(rows).fill(1))
        : Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i));
    const compute = async (firstPosition: number, positionCount: number): Promise<void> => {
      const batch = [{ session, firstPosition, positionCount }];
      const hidden = await executor.forward(layers, batch, await rowsOf(positionCount));
      if (head) await executor.head(hidden.subarray(-width));
    };
    await compute(0, positions);
    const began = performance.now();
    for (let i = 0; i < count; i++) await compute(positions + i, 1);
    const ms = performance.now() - began;
    session.drop();
    return { ms, units: count };
  }

  async digest(text: Text): Promise<NodeAnswer> {
    const logits = createHash("sha256");
    const answer = await this.decode(text, (row) => void logits.update(bytesOf(row)));
    const prompt = Uint32Array.from(text.prompt);
    const session = this.#executor.openSession();
    const hidden = await this.#executor.embed(prompt);
    const entry = { session, tokens: prompt, firstPosition: 0, positionCount: prompt.length };
    const { layers } = this.#executor;
    const activations = createHash("sha256");
    activations.update(bytesOf(await this.#executor.forward(layers, [entry], hidden)));
    session.drop();
    const digests = { logits: logits.digest("hex"), activations: activations.digest("hex") };
    return { ...answer, digests };
  }
}

/** The token that answer token `i` quotes, if it does: a random model says nothing twice by itself. */
function quoted(prompt: readonly number[], i: number): number | undefined {
  const [run, of] = [12, 16];
  const from = Math.floor(i / of) * 13 % Math.max(1, prompt.length - run);
  return i % of < run ? prompt[from + i % of] : undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

let node: LayerNode | undefined;

async function load(ask: NodeAsk & { readonly op: "load" }): Promise<NodeAnswer> {
  const began = performance.now();
  const source = await fileSource(realDisk(), ask.path);
  const file = await openGguf(source);
  const shape = readModelShape(file);
  const layers = ask.layers ?? { from: 0, to: shape.layerCount, embedding: true, head: true };
  const { from, to, embedding, head } = layers;
  const contextMax = Math.min(contextMost, shape.contextMax);
  const executor = await loadExecutor({
    ...{ file, source, shape, contextMax, embedding, head },
    layers: { from, to },
    threads: 1,
  });
  await source.close();
  const seed = new Uint8Array(32).fill(ask.node + 1);
  node = new LayerNode(executor, { seed, layers });
  void node.relink();
  const ms = performance.now() - began;
  if (ask.layers === undefined) return { ms, units: 1 };
  const { addresses } = await node.mesh.listen(
    { tcp: "127.0.0.1:0", iroh: false, meshId: encodeHex(new Uint8Array(32).fill(1)) },
    { admits: () => true, allows: () => true },
  );
  return { ms, units: 1, self: { key: node.mesh.self, addresses } };
}

async function answer(ask: NodeAsk): Promise<NodeAnswer> {
  if (ask.op === "load") return await load(ask);
  if (node === undefined) throw new TypeError("Cannot compute as nothing is loaded");
  const { mesh, echo } = node;
  const none = { ms: 0, units: 0 };
  switch (ask.op) {
    case "link":
      await node.link(ask.peers);
      return none;
    case "route":
      node.route(ask.stages.map(({ key: peer, ...place }) => ({ peer, ...place })));
      return none;
    case "decode":
      return await node.decode(ask);
    case "alone":
      return await node.alone(ask.positions, ask.count);
    case "digest":
      return await node.digest(ask);
    case "sent":
      return { ms: 0, units: mesh.counters().sentBytes };
    case "echo-to":
      await echo.sendTo(ask.next, ask.frameBytes);
      return none;
    case "echo":
      return { ms: await echo.run(ask), units: ask.count };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(JSON.parse(line) as NodeAsk)));
  } catch (thrown) {
    console.log(JSON.stringify({ error: String(thrown) }));
  }
}
process.exit(0);
