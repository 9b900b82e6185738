/**
 * Fetches parts for this node, one model at a time each: header first, which says where the rest
 * lies, then what was asked for.
 */
import { BLAKE3_GROUP_BYTES, decodeHex } from "../../hot/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { beginParts, fetchParts, groupsOf, PartsError } from "../../parts/mod.ts";
import type { PartFile } from "../../parts/mod.ts";
import { DiskError } from "../../ports/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { PeerList } from "../network/mod.ts";
import type { FetchItem } from "./contract.ts";
import { wantedGroups } from "./held_models.ts";
import type { ModelShelf } from "./held_models.ts";

/** What is asked for. */
export interface Wanted {
  readonly root: string;
  readonly layers: { readonly from: number; readonly to: number };
  readonly embedding: boolean;
  readonly head: boolean;
}

/** First guess at a header's length, and how much more is fetched when it was too little. */
const headerBytesGuess: number = 4 * 1024 * 1024;

/** How long finding holders may take. */
const findMsMax = 5_000;

/** How long a fetch that gets nothing waits for holders to come back, and how often it looks. */
const patienceMs = 20_000;
const retryMs = 500;

/** Fetches parts; one at a time of each model. */
export class Fetcher {
  readonly #host: Host;
  readonly #shelf: ModelShelf;
  readonly #busy = new Map<string, Promise<unknown>>();

  constructor(host: Host, shelf: ModelShelf) {
    this.#host = host;
    this.#shelf = shelf;
  }

  /**
   * Fetches, telling `tell` how far it has come.
   *
   * @throws {RpcError} "notFound" when nobody holds the model, "unavailable" when it can't be had whole or the
   * disk does not take it
   */
  async fetch(
    wanted: Wanted,
    options: { readonly signal: AbortSignal; readonly tell: (item: FetchItem) => void },
  ): Promise<void> {
    // Two that want the same model take turns: the second finds most of it here.
    const before = this.#busy.get(wanted.root);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#busy.set(wanted.root, promise);
    try {
      await before;
      options.signal.throwIfAborted();
      await this.#fetch(wanted, options);
    } catch (thrown) {
      throw thrown instanceof PartsError || thrown instanceof DiskError
        ? new RpcError({ kind: "unavailable", message: thrown.message, cause: thrown })
        : thrown;
    } finally {
      resolve();
      if (this.#busy.get(wanted.root) === promise) this.#busy.delete(wanted.root);
    }
  }

  async #fetch(wanted: Wanted, options: Parameters<Fetcher["fetch"]>[1]): Promise<void> {
    const { root } = wanted;
    if (this.#shelf.isWhole(root)) return;
    const { clock, log } = this.#host;
    // Links break and come back; what was fetched stays, so only patience is needed.
    let endMs = clock.monotonicMs() + patienceMs;
    for (let held = this.#heldGroups(root);;) {
      try {
        return await this.#attempt(wanted, options);
      } catch (thrown) {
        options.signal.throwIfAborted();
        if (!isPassing(thrown)) throw thrown;
        const now = this.#heldGroups(root);
        if (now > held) endMs = clock.monotonicMs() + patienceMs;
        if (clock.monotonicMs() >= endMs) throw thrown;
        held = now;
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        log.info("Parts are asked for again soon", { model: root.slice(0, 12), reason });
        await clock.sleep(retryMs, options.signal);
      }
    }
  }

  #heldGroups(root: string): number {
    return this.#shelf.parts(root)?.heldGroups ?? 0;
  }

  async #attempt(wanted: Wanted, options: Parameters<Fetcher["fetch"]>[1]): Promise<void> {
    const { root } = wanted;
    const holders = await this.#holders(wanted, options.signal);
    const { mesh, clock, log } = this.#host;
    const asking = {
      ...{ mesh, clock, holders, signal: options.signal },
      onBadPeer: (key: PeerKey, why: unknown): void => {
        const reason = why instanceof Error ? why.message : String(why);
        log.warn("A peer is not asked for parts any more", { peer: key.slice(0, 12), reason });
        options.tell({ type: "bad-peer", key, reason });
      },
      onProgress: (doneBytes: number, totalBytes: number): void =>
        options.tell({ type: "progress", doneBytes, totalBytes }),
    };
    const file = this.#shelf.parts(root) ?? await beginParts(this.#shelf.placeOf(root), asking);
    this.#shelf.add(file);
    await this.#fetchHeader(file, asking);
    const layout = await this.#shelf.layout(root);
    if (layout === undefined) throw noHeader(root);
    await fetchParts(file, wantedGroups(layout, wanted), asking);
  }

  /** Fetches from the front until the header is whole. */
  async #fetchHeader(file: PartFile, asking: Parameters<typeof fetchParts>[2]): Promise<void> {
    const { onProgress: _, ...quiet } = asking;
    const groups = groupsOf(file.sizeBytes);
    for (let bytes = headerBytesGuess;; bytes *= 4) {
      if (await this.#shelf.layout(file.root) !== undefined) return;
      const count = Math.min(groups, Math.ceil(bytes / BLAKE3_GROUP_BYTES));
      await fetchParts(file, [{ first: 0, count }], quiet);
      if (count === groups) return;
    }
  }

  /** Who says that it holds something of the model: those who hold what is wanted first. */
  async #holders({ root, layers }: Wanted, signal: AbortSignal): Promise<readonly PeerKey[]> {
    const list = await this.#host.call("network", "peers.list", {}, signal) as PeerList;
    const found = list.peers.flatMap(({ key, capabilities, state, roundTripMs = Infinity }) => {
      const share = capabilities?.models.find((model) => model.root === root);
      if (share === undefined || state !== "linked") return [];
      const { parts } = share;
      const holdsAll = parts.complete ||
        (parts.layers.from <= layers.from && layers.to <= parts.layers.to);
      return [{ key, holdsAll, roundTripMs }];
    });
    found.sort((a, b) => Number(b.holdsAll) - Number(a.holdsAll) || a.roundTripMs - b.roundTripMs);
    const keys = found.map(({ key }) => key);
    const hinted = (await this.#hinted(root, signal)).filter((key) => !keys.includes(key));
    const holders = [...keys, ...hinted];
    if (holders.length > 0) return holders;
    const message =
      `Cannot fetch model ${root.slice(0, 12)} as no node of the mesh that is there ` +
      "holds any of it";
    throw new RpcError({ kind: "notFound", message });
  }

  /** Whom the hash table names, as far as a link leads there; it may name nobody, or be out of reach. */
  async #hinted(root: string, signal: AbortSignal): Promise<readonly PeerKey[]> {
    const { mesh, clock } = this.#host;
    const limit = new AbortController();
    const timer = clock.after(findMsMax, () => limit.abort());
    try {
      const key = decodeHex(root);
      const named = await mesh.find(key, AbortSignal.any([signal, limit.signal]));
      const linked = new Set(mesh.peers().map((peer) => peer.key));
      return named.filter((name) => linked.has(name));
    } catch {
      return [];
    } finally {
      timer.cancel();
    }
  }
}

/** Whether it may go better later: nobody was there, or those who were went away. */
function isPassing(thrown: unknown): boolean {
  if (thrown instanceof RpcError) return thrown.kind === "notFound";
  return thrown instanceof PartsError && thrown.code === "unavailable";
}

function noHeader(root: string): PartsError {
  const message = `Cannot fetch model ${root.slice(0, 12)} as its header is none of a GGUF file`;
  return new PartsError({ code: "damaged", message });
}
