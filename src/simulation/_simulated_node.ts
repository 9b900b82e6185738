/** One node of a simulation over all its lives: booted by `run`, on a disk that outlives them. */
import { identityFromSeed } from "../identity/mod.ts";
import { encodeHex } from "../hot/mod.ts";
import { run } from "../node/mod.ts";
import type { RunningNode } from "../node/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import type { NetworkEvent, PeerList } from "../services/network/mod.ts";
import { MemoryNetwork, ModelledDisk, SeededRandom } from "../sim/mod.ts";
import type { MeshMedium, VirtualClock } from "../sim/mod.ts";
import { watcher } from "./_watcher.ts";

/** What all nodes of a world share. */
export interface NodeWorld {
  readonly clock: VirtualClock;
  readonly medium: MeshMedium;
  readonly random: SeededRandom;
  readonly onEvent: (node: SimulatedNode, event: NetworkEvent) => void;
  readonly onPeers: (node: SimulatedNode, list: PeerList) => void;
  /** A node has ended by itself. */
  readonly onFailed: (node: SimulatedNode, error: unknown) => void;
}

/** How a life ends: its process dies, its machine loses power, or it takes leave. */
export type Ending = "crash" | "cut" | "stop";

/** A node. */
export class SimulatedNode {
  readonly number: number;
  readonly key: PeerKey;
  readonly #seed: Uint8Array;
  readonly #world: NodeWorld;
  #disk = new ModelledDisk();
  #lives = 0;
  #node: RunningNode | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(number: number, world: NodeWorld) {
    this.number = number;
    this.#world = world;
    this.#seed = world.random.fill(new Uint8Array(32));
    this.key = encodeHex(identityFromSeed(this.#seed).publicKey);
  }

  /** Whether a life is under way and was not ended. */
  get isUp(): boolean {
    return this.#node !== undefined;
  }

  /** Resolves when the last life's program has come to its end. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Begins a life, after the one before it has ended. */
  async boot(): Promise<void> {
    await this.#ended;
    const { clock, medium, random, onEvent, onPeers, onFailed } = this.#world;
    const life = ++this.#lives;
    const isNow = (): boolean => this.#lives === life;
    const watching = watcher({
      onEvent: (event) => isNow() && onEvent(this, event),
      onPeers: (list) => isNow() && this.isUp && onPeers(this, list),
    });
    const node = await run({}, {
      home: `/nodes/${this.number}`,
      configFile: false,
      environment: () => undefined,
      clock,
      random: new SeededRandom(random.uint32()),
      disk: this.#disk,
      network: new MemoryNetwork(),
      mesh: medium.node(this.key),
      key: this.#seed,
      services: [watching],
      only: ["network", "journal", "watcher"],
    });
    this.#node = node;
    node.closed.catch((error) => isNow() && onFailed(this, error));
  }

  /** Calls a method of its network service. */
  async call<T>(method: string, params: unknown = {}): Promise<T> {
    if (this.#node === undefined) throw new RangeError(`Node ${this.number} is down`);
    return await this.#node.call("network", method, params) as T;
  }

  /** Ends the life. */
  end(how: Ending): void {
    const node = this.#node;
    if (node === undefined) return;
    this.#node = undefined;
    this.#lives += 1;
    this.#ended = this.#end(node, how).then(() => {}, () => {});
  }

  async #end(node: RunningNode, how: Ending): Promise<void> {
    if (how === "stop") return await node.stop();
    const { clock, medium, random } = this.#world;
    const left = how === "cut" ? this.#disk.crash(random) : this.#disk.kill();
    // What the dead program still writes goes nowhere.
    this.#disk = left;
    medium.crash(this.key, how === "cut" ? "machine" : "process");
    if (how === "cut") await clock.sleep(medium.detectMs + 1);
    await node.stop({ force: true });
  }
}
