/**
 * A mesh of real processes on loopback: a gateway that holds the first layers, the embedding and the
 * head, and stages that hold the others twice over.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import { presetShape } from "../../bench/models/presets.ts";
import { connectService } from "../../src/kernel/mod.ts";
import type { inferenceContract } from "../../src/services/inference/mod.ts";
import type { networkContract } from "../../src/services/network/mod.ts";
import { finish, program, start, untilReady } from "../e2e/_program.ts";
import type { Started } from "../e2e/_program.ts";
import { streamAnswer } from "./_ask_stream.ts";
import type { Ask, Streamed } from "./_ask_stream.ts";
import { Wiring } from "./_wiring.ts";

/** Layers of a node: the first, and the one after the last. */
export type LayerSpan = readonly [from: number, to: number];

/** What a mesh is made of. */
export interface MeshPlan {
  /** Of the gateway, then of the stages. */
  readonly spans: readonly LayerSpan[];
  /** Commands that run the sources, taken in turn. @default that of this runtime */
  readonly commands?: readonly (readonly string[])[];
  readonly size?: "15m" | "110m";
  /** @default TCP alone */
  readonly network?: Readonly<Record<string, string>>;
  /** Settings of single nodes. */
  readonly settings?: (index: number) => Readonly<Record<string, string>>;
  /** Whether the links can be cut. */
  readonly wired?: boolean;
}

/** One node. */
export interface MeshNode {
  readonly index: number;
  readonly home: string;
  readonly command: readonly string[];
  readonly span: LayerSpan;
  started: Started;
  baseUrl: string;
  key: string;
}

/** How long nodes may take to find each other. */
const untilLinkedMs = 60_000;

/** A running mesh. */
export class MeshProcesses {
  readonly nodes: MeshNode[] = [];
  readonly folder: string;
  /** What the links lead through; undefined where they can't be cut. */
  readonly wiring: Wiring | undefined;
  readonly model = "chaos";
  readonly #plan: MeshPlan;
  readonly #forgetSignals: (() => void)[] = [];

  /** Use `MeshProcesses.start`. */
  constructor(folder: string, plan: MeshPlan) {
    this.folder = folder;
    this.#plan = plan;
    this.wiring = plan.wired === true ? new Wiring() : undefined;
  }

  /** Writes the model, starts all nodes, and waits until all layers can be computed. */
  static async start(plan: MeshPlan): Promise<MeshProcesses> {
    const mesh = new MeshProcesses(await mkdtemp(join(tmpdir(), "skep-mesh-")), plan);
    mesh.#stopWhenAsked();
    try {
      const shape = presetShape(plan.size ?? "15m");
      writeRandomModel({ shape, type: "q8_0", seed: 5, path: mesh.modelPath, name: "chaos" });
      for (const index of plan.spans.keys()) await mesh.#add(index);
      await mesh.#wire();
      await mesh.untilLinked();
      return mesh;
    } catch (thrown) {
      await mesh.stop();
      throw thrown;
    }
  }

  get modelPath(): string {
    return join(this.folder, "chaos.gguf");
  }

  get gateway(): MeshNode {
    const [first] = this.nodes;
    assert(first !== undefined);
    return first;
  }

  /** A node of one's own by its key. */
  byKey(key: string): MeshNode | undefined {
    return this.nodes.find((node) => node.key === key);
  }

  /** Starts a node again that has ended. */
  async restart(node: MeshNode): Promise<void> {
    node.started = start(["up", ...this.#options(node)], this.#environment(node));
    node.baseUrl = (await untilReady(node.started, node.home)).addresses.api;
  }

  /** Waits until a node has verified links to others, and they say what they compute. */
  async untilLinked(
    about: {
      readonly from?: MeshNode;
      readonly to?: readonly MeshNode[];
      /** Who else is not waited for. @default all are */
      readonly isWell?: (node: MeshNode) => boolean;
    } = {},
  ): Promise<void> {
    const { from = this.gateway, to = this.nodes, isWell = (): boolean => true } = about;
    for (let waitedMs = 0; waitedMs < untilLinkedMs; waitedMs += 50) {
      // While it is killed it answers nothing.
      const linked = await this.linkedTo(from).catch(() => new Set<string>());
      if (!isWell(from)) return;
      const others = to.filter((node) => node !== from && isWell(node));
      if (others.every(({ key }) => linked.has(key))) return;
      await sleep(50);
    }
    throw new TypeError(`The mesh did not come together, as node ${from.index} sees it`);
  }

  /** Keys of those to which a node has verified links, and which compute something. */
  async linkedTo({ home }: MeshNode): Promise<ReadonlySet<string>> {
    using client = await connectService<typeof networkContract>({
      path: join(home, "run/network/rpc.sock"),
    });
    const { peers } = await client.call("peers.list", {});
    return new Set(
      peers.filter(({ state, capabilities }) =>
        state === "linked" && capabilities?.models.some(({ loaded }) => loaded !== undefined)
      ).map(({ key }) => key),
    );
  }

  /** A figure of a node's metrics, summed over its labels. */
  async figure(name: string, { baseUrl }: MeshNode = this.gateway): Promise<number> {
    const text = await (await fetch(`${baseUrl}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.split(/[ {]/)[0] === name);
    assert.notEqual(lines.length, 0, `${name} is a metric`);
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** The stages that a short answer is computed by, without the gateway. */
  async activeStages(from: MeshNode = this.gateway): Promise<MeshNode[]> {
    using client = await connectService<typeof inferenceContract>({
      path: join(from.home, "run/inference/rpc.sock"),
    });
    const items = client.stream("generate", {
      requestId: "probe",
      model: this.model,
      prompt: { kind: "text", text: "probe" },
      maxTokens: 1,
    });
    for await (const item of items) {
      if (item.type !== "end") continue;
      const route = item.route ?? [];
      return route.flatMap(({ peer }) => this.byKey(peer) ?? []).filter((node) => node !== from);
    }
    return [];
  }

  /** Streams an answer through a node's API. */
  stream(
    ask: Ask,
    options: {
      readonly from?: MeshNode;
      readonly onPiece?: ((count: number) => void) | undefined;
    } = {},
  ): Promise<Streamed> {
    const { from = this.gateway, onPiece } = options;
    return streamAnswer(from.baseUrl, { model: this.model, ask, onPiece });
  }

  /** Everything that the nodes printed. */
  printed(): string {
    return this.nodes.map(({ index, started }) => `--- ${index}\n${started.printed()}`).join("\n");
  }

  /** Ends all nodes and removes everything. */
  async stop(): Promise<void> {
    for (const forget of this.#forgetSignals) forget();
    for (const { started } of this.nodes) {
      try {
        process.kill(started.child.pid ?? 0, "SIGCONT");
        process.kill(started.child.pid ?? 0, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await Promise.all(this.nodes.map(({ started }) => started.exit));
    this.wiring?.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Nodes would outlive a run that is ended by hand, each with its share of the machine. */
  #stopWhenAsked(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const onSignal = (): void => void this.stop().finally(() => process.exit(130));
      process.once(signal, onSignal);
      this.#forgetSignals.push(() => process.off(signal, onSignal));
    }
  }

  async #add(index: number): Promise<void> {
    const { spans, commands = [program] } = this.#plan;
    const node: MeshNode = {
      index,
      home: join(this.folder, `node${index}`),
      command: commands[index % commands.length] ?? program,
      span: spans[index] ?? [0, 0],
      started: undefined as unknown as Started,
      baseUrl: "",
      key: "",
    };
    await mkdir(node.home, { recursive: true });
    await this.wiring?.add();
    const begin = index === 0 ? ["up"] : ["join", await this.#ticket()];
    node.started = start([...begin, ...this.#options(node)], this.#environment(node));
    this.nodes.push(node);
    node.baseUrl = (await untilReady(node.started, node.home)).addresses.api;
    using client = await connectService<typeof networkContract>({
      path: join(node.home, "run/network/rpc.sock"),
    });
    node.key = (await client.call("mesh.status")).key;
  }

  /** Tells everybody by which wires the others are found, and nothing else is open any more. */
  async #wire(): Promise<void> {
    const { wiring } = this;
    if (wiring === undefined) return;
    for (const node of this.nodes) {
      using client = await connectService<typeof networkContract>({
        path: join(node.home, "run/network/rpc.sock"),
      });
      for (let count = 0; count < this.nodes.length; await sleep(20)) {
        count = (await client.call("mesh.status")).memberCount;
      }
      for (const { index, key } of this.nodes) {
        if (index === node.index) continue;
        await client.call("peers.add", { key, addresses: [wiring.address(node.index, index)] });
      }
    }
    wiring.closeDoor();
    for (const from of this.nodes) await this.untilLinked({ from });
  }

  async #ticket(): Promise<string> {
    const { home } = this.gateway;
    const { code, text } = await finish(["invite", "--trust", "own", "--json"], { home });
    assert.equal(code, 0, text);
    // The runtime may have printed a warning of its own.
    const line = text.split("\n").find((one) => one.startsWith("{"));
    return JSON.parse(line ?? "{}").ticket;
  }

  #options({ index, span: [from, to] }: MeshNode): string[] {
    return ["--model", index === 0 ? this.modelPath : this.model, "--layers", `${from}-${to}`];
  }

  #environment({ index, home, command }: MeshNode): Parameters<typeof start>[1] {
    const network = this.#plan.network ?? { SKEP_NETWORK_IROH: "false" };
    return {
      home,
      command,
      environment: {
        SKEP_NETWORK_TCP_LISTEN: "127.0.0.1:0",
        SKEP_INFERENCE_THREADS: "1",
        SKEP_LOG_LEVEL: process.env["SKEP_LOG_LEVEL"] ?? "warn",
        ...network,
        ...this.wiring?.environment(index),
        ...this.#plan.settings?.(index),
      },
    };
  }
}
