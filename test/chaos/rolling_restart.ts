/**
 * Restarts all nodes of a mesh, one after the other, under load: no request may fail, and no answer may
 * differ from the undisturbed one.
 *
 *     node test/chaos/rolling_restart.ts 3 [SEED]
 *
 * A round restarts each node once: SIGTERM, its end, its start, and it is waited for until all others
 * see it. Meanwhile clients ask two gateways in turn; they try again where a connection is refused, and
 * nowhere else. Both gateways and every stage exist twice.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom } from "../../src/sim/mod.ts";
import { countOf } from "../_count.ts";
import { signal } from "../e2e/_program.ts";
import type { Ask, Streamed } from "./_ask_stream.ts";
import { MeshProcesses } from "./_mesh_processes.ts";
import type { LayerSpan, MeshNode } from "./_mesh_processes.ts";
import { freePort } from "./_wires.ts";

/** What happened. */
export interface RestartReport {
  readonly restarts: number;
  readonly requests: number;
  /** Connections that were refused, and tried again. */
  readonly refused: number;
  /** The longest gap between two pieces of one answer, ms. */
  readonly longestGapMs: number;
  /** How long each node took from the signal to its end, ms. */
  readonly drainMs: readonly number[];
}

const spans: readonly LayerSpan[] = [[0, 2], [0, 2], [2, 4], [2, 4], [4, 6], [4, 6]];
const clients = 3;
const refusedPauseMs = 50;

/** Restarts all nodes so many times. @throws {AssertionError} when a request fails, or differs */
export async function rollingRestart(
  { rounds, seed, onRestart }: {
    readonly rounds: number;
    readonly seed: number;
    readonly onRestart?: (node: MeshNode, drainMs: number) => void;
  },
): Promise<RestartReport> {
  const ports = [await freePort(), await freePort()];
  const mesh = await MeshProcesses.start({
    spans,
    settings: (index) => ({
      SKEP_API_LISTEN: `127.0.0.1:${ports[index] ?? 0}`,
      // Answers may take longer than usual on a machine that computes on six nodes.
      SKEP_API_DRAIN_MS: "60000",
      SKEP_INFERENCE_DRAIN_MS: "60000",
      SKEP_NODE_DRAIN_MS_MAX: "90000",
    }),
  });
  try {
    const load = new Load(mesh, seed);
    await load.prepare();
    const running = Promise.all(Array.from({ length: clients }, (_, i) => load.run(i)));
    // A failure is told at the end, or at once where it ends the load.
    running.catch(() => {});
    const drainMs: number[] = [];
    for (let round = 0; round < rounds && !load.hasFailed; round++) {
      for (const node of mesh.nodes) {
        if (load.hasFailed) break;
        const tookMs = await restart(mesh, node);
        drainMs.push(tookMs);
        onRestart?.(node, tookMs);
      }
    }
    load.stop();
    await running;
    const { requests, refused, longestGapMs } = load;
    return { restarts: drainMs.length, requests, refused, longestGapMs, drainMs };
  } catch (thrown) {
    console.error(mesh.printed());
    throw thrown;
  } finally {
    await mesh.stop();
  }
}

async function restart(mesh: MeshProcesses, node: MeshNode): Promise<number> {
  const beganMs = performance.now();
  signal(node.started, "SIGTERM");
  const code = await node.started.exit;
  const tookMs = performance.now() - beganMs;
  assert.equal(code, 0, `node ${node.index} ends by itself\n${node.started.printed()}`);
  await mesh.restart(node);
  await mesh.untilLinked({ from: node });
  for (const from of mesh.nodes) await mesh.untilLinked({ from, to: [node] });
  return tookMs;
}

/** Requests without end, over two gateways. */
class Load {
  requests = 0;
  refused = 0;
  longestGapMs = 0;
  hasFailed = false;
  readonly #mesh: MeshProcesses;
  readonly #random: SeededRandom;
  readonly #asks: { readonly ask: Ask; readonly expected: Streamed }[] = [];
  #isOver = false;

  constructor(mesh: MeshProcesses, seed: number) {
    this.#mesh = mesh;
    this.#random = new SeededRandom(seed);
  }

  /** Asks everything once, undisturbed. */
  async prepare(): Promise<void> {
    const random = this.#random;
    for (let i = 0; i < 6; i++) {
      const ask = {
        prompt: Array.from({ length: 20 + random.below(200) }, () => `w${random.below(1000)}`)
          .join(" "),
        seed: random.below(2 ** 31),
        temperature: random.below(2),
        maxTokens: 40,
      };
      this.#asks.push({ ask, expected: await this.#mesh.stream(ask) });
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  /** One client. */
  async run(client: number): Promise<void> {
    for (let turn = client; !this.#isOver; turn++) {
      const { ask, expected } = this.#asks[turn % this.#asks.length] ?? {};
      assert(ask !== undefined && expected !== undefined);
      try {
        const { text, finish, atMs } = await this.#ask(ask, turn);
        assert.equal(text, expected.text);
        assert.equal(finish, expected.finish);
        this.requests++;
        const gaps = atMs.slice(1).map((ms, i) => ms - (atMs[i] ?? ms));
        this.longestGapMs = Math.max(this.longestGapMs, ...gaps);
      } catch (thrown) {
        this.hasFailed = true;
        this.#isOver = true;
        throw thrown;
      }
    }
  }

  /** One of the gateways, and the other where nobody listens. */
  async #ask(ask: Ask, turn: number): Promise<Streamed> {
    const gateways = this.#mesh.nodes.slice(0, 2);
    for (let attempt = turn;; attempt++) {
      const from = gateways[attempt % 2];
      assert(from !== undefined);
      try {
        return await this.#mesh.stream(ask, { from });
      } catch (thrown) {
        if (!isRefused(thrown)) throw thrown;
        this.refused++;
        await sleep(refusedPauseMs);
      }
    }
  }
}

/** Nobody listened, or not any more when it was this connection's turn: no request was sent. */
function isRefused(thrown: unknown): boolean {
  return thrown instanceof Error && "syscall" in thrown && thrown.syscall === "connect";
}

if (import.meta.main) {
  const [count = "1", seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
  const plan = { rounds: countOf(count, "the count"), seed: countOf(seed, "the seed") };
  console.log(`seed ${seed}`);
  const beganMs = performance.now();
  const report = await rollingRestart({
    ...plan,
    onRestart: ({ index }, ms) => console.log(`node ${index}: ended after ${ms.toFixed(0)} ms`),
  });
  const { restarts, requests, refused, longestGapMs, drainMs } = report;
  console.log(
    `${restarts} restarts, ${requests} requests over two gateways: none failed, all as undisturbed; ` +
      `${refused} refused connects tried again; longest pause ${longestGapMs.toFixed(0)} ms, ` +
      `longest drain ${Math.max(...drainMs).toFixed(0)} ms`,
  );
  console.log(`took ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
}
