/**
 * One directory of the modelled disk: its entries as programs see them, as the platter holds them,
 * and every value that a name had since the last sync. A rename is two changes, one per name, that
 * survive a crash independently; each name alone is always old or new, never in between.
 */
import type { CachedFile } from "./_cached_file.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** What a directory entry refers to. */
export type CachedNode = CachedFile | CachedDirectory;

/** How each node comes out of a crash or a kill; the same node gives the same result. */
export type Survive = (node: CachedNode) => CachedNode;

/** Directory entries behind a cache. */
export class CachedDirectory {
  readonly kind = "directory";
  readonly mode: number;
  readonly ownerId: number;
  readonly sizeBytes = 0;
  modifiedMs = 0;
  readonly #live = new Map<string, CachedNode>();
  #durable = new Map<string, CachedNode>();
  readonly #history = new Map<string, (CachedNode | undefined)[]>();

  constructor(options: { readonly mode: number; readonly ownerId: number }) {
    this.mode = options.mode;
    this.ownerId = options.ownerId;
  }

  get(name: string): CachedNode | undefined {
    return this.#live.get(name);
  }

  /** Points `name` at `node`, or removes it. */
  set(name: string, node: CachedNode | undefined): void {
    if (node === undefined) this.#live.delete(name);
    else this.#live.set(name, node);
    const history = this.#history.get(name) ?? [];
    history.push(node);
    this.#history.set(name, history);
  }

  names(): string[] {
    return [...this.#live.keys()].sort();
  }

  sync(): void {
    this.#durable = new Map(this.#live);
    this.#history.clear();
  }

  /** Keeps, for every name, any of the values it had since the last sync. */
  crash(random: SeededRandom, survive: Survive): CachedDirectory {
    const entries = new Map(this.#durable);
    for (const [name, values] of this.#history) {
      const kept = random.pick([this.#durable.get(name), ...values]);
      if (kept === undefined) entries.delete(name);
      else entries.set(name, kept);
    }
    return this.#withEntries(entries, survive);
  }

  /** All entries as programs saw them last. */
  settled(survive: Survive): CachedDirectory {
    return this.#withEntries(this.#live, survive);
  }

  #withEntries(entries: ReadonlyMap<string, CachedNode>, survive: Survive): CachedDirectory {
    const directory = new CachedDirectory(this);
    directory.modifiedMs = this.modifiedMs;
    for (const [name, node] of entries) directory.set(name, survive(node));
    directory.sync();
    return directory;
  }
}
