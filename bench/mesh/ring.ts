/**
 * Processes that hold a model's layers between them, linked with each other; the first of them asks.
 *
 * As a mesh does by default, the requester holds embedding and head beside the first layers: nobody
 * else sees tokens.
 */
import { fileURLToPath } from "node:url";
import { denoCommand, findNode } from "../../npm/tools.ts";
import { Contender } from "../inference/contender.ts";
import { DelayedPorts } from "./delays.ts";
import type { HeldLayers, NodeAddress, NodeAnswer, NodeAsk, Text } from "./protocol.ts";

/** A runtime's name. */
export type Runtime = "Deno" | "Node";

/** A process of `run_node.ts`. */
export type NodeProcess = Contender<NodeAsk, NodeAnswer>;

/** How a ring is made. */
export interface RingOptions {
  readonly path: string;
  readonly layerCount: number;
  /** Of each stage. */
  readonly runtimes: readonly Runtime[];
  /** Time of each link in each direction. @default 0 */
  readonly delayMs?: number;
}

/** Starts a process, which has loaded nothing yet. */
export function startNode(runtime: Runtime): NodeProcess {
  const script = fileURLToPath(new URL("run_node.ts", import.meta.url));
  const command = runtime === "Deno"
    ? [...denoCommand(), "run", "--no-check", "--unstable-lazy-dynamic-imports", "-A", script]
    : [findNode(24), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", script];
  return new Contender(`${runtime} stage`, command);
}

/** Stages in processes. */
export class Ring {
  readonly #nodes: readonly NodeProcess[];
  readonly #keys: readonly string[];
  readonly #ports: DelayedPorts;
  #bytesEach: readonly number[] = [];

  private constructor(
    nodes: readonly NodeProcess[],
    { keys, ports }: { readonly keys: readonly string[]; readonly ports: DelayedPorts },
  ) {
    this.#nodes = nodes;
    this.#keys = keys;
    this.#ports = ports;
  }

  /** Starts, loads and links the processes; a failure ends those that run. */
  static async start({ path, layerCount, runtimes, delayMs = 0 }: RingOptions): Promise<Ring> {
    const ports = new DelayedPorts(delayMs);
    const nodes = runtimes.map(startNode);
    try {
      const parts = partsOf(layerCount, nodes.length);
      const selves = await Promise.all(nodes.map(async (node, i) => {
        const { self } = await node.ask({ op: "load", path, node: i, ...layersOf(parts[i]) });
        if (self === undefined) throw new TypeError("Cannot link a node that is not reached");
        return self;
      }));
      for (const [i, node] of nodes.entries()) {
        const others = selves.slice(0, i);
        const peers = await Promise.all(others.map((other) => delayed(other, { ports, delayMs })));
        await node.ask({ op: "link", peers });
      }
      const keys = selves.map(({ key }) => key);
      // The head is no part of a place: the requester's own follows the last one.
      const stages = parts.map((part, i) => ({ ...part, head: false, key: keys[i] ?? "" }));
      await nodes[0]?.ask({ op: "route", stages });
      return new Ring(nodes, { keys, ports });
    } catch (thrown) {
      for (const node of nodes) node.end();
      ports.close();
      throw thrown;
    }
  }

  /** Asks the requester. */
  async ask(question: NodeAsk): Promise<NodeAnswer> {
    const [first] = this.#nodes;
    if (first === undefined) throw new TypeError("Cannot ask a ring without nodes");
    return await first.ask(question);
  }

  /** What all stages take for a token, one after the other, with no network between them. */
  async alone(positions: number, count: number): Promise<NodeAnswer> {
    let ms = 0;
    for (const node of this.#nodes) ms += (await node.ask({ op: "alone", positions, count })).ms;
    return { ms, units: count };
  }

  /**
   * Learns how many bytes each stage sends for a token, so that echoes have as many: from what a long
   * answer takes beside a short one, as a prompt's rows would count too.
   */
  async learnFrames(textOf: (count: number) => Text): Promise<void> {
    const [few, many] = [16, 48];
    // The prompt is held from here on, alike for both.
    await this.#sentFor(textOf(few));
    const short = await this.#sentFor(textOf(few));
    const long = await this.#sentFor(textOf(many));
    this.#bytesEach = long.map((bytes, i) => Math.round((bytes - (short[i] ?? 0)) / (many - few)));
    for (const [i, node] of this.#nodes.entries()) {
      const next = i === 0 ? undefined : this.#keys[i + 1];
      const frameBytes = this.#bytesEach[i] ?? 0;
      await node.ask({ op: "echo-to", frameBytes, ...(next === undefined ? {} : { next }) });
    }
  }

  /** Sends frames of the learned sizes round the stages. */
  async echo(count: number): Promise<NodeAnswer> {
    const [, first = ""] = this.#keys;
    const last = this.#keys.at(-1) ?? "";
    const frameBytes = this.#bytesEach[0] ?? 0;
    return await this.ask({ op: "echo", first, last, frameBytes, count });
  }

  /** Ends all processes. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) node.end();
    this.#ports.close();
    return Promise.resolve();
  }

  /** Bytes that each stage sends for an answer. */
  async #sentFor(text: Text): Promise<number[]> {
    const before = await this.#sent();
    await this.ask({ op: "decode", ...text });
    const after = await this.#sent();
    return after.map((bytes, i) => bytes - (before[i] ?? 0));
  }

  #sent(): Promise<number[]> {
    return Promise.all(this.#nodes.map(async (node) => (await node.ask({ op: "sent" })).units));
  }
}

/** Parts of `count` stages, of as many layers each as can be. */
function partsOf(layerCount: number, count: number): HeldLayers[] {
  return Array.from({ length: count }, (_, i) => ({
    from: Math.round(i * layerCount / count),
    to: Math.round((i + 1) * layerCount / count),
    embedding: i === 0,
    head: i === 0,
  }));
}

function layersOf(layers: HeldLayers | undefined): { readonly layers?: HeldLayers } {
  return layers === undefined ? {} : { layers };
}

/** A node as it is reached over a slow link of its own. */
async function delayed(
  { key, addresses }: NodeAddress,
  { ports, delayMs }: { readonly ports: DelayedPorts; readonly delayMs: number },
): Promise<NodeAddress> {
  if (delayMs === 0) return { key, addresses };
  const [address = ""] = addresses;
  return { key, addresses: [await ports.before(address)] };
}
