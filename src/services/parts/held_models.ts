/**
 * The models of which something is on this node's disk: whole files that have a manifest, and folders
 * of parts that were fetched.
 */
import { join } from "node:path";
import { BLAKE3_GROUP_BYTES } from "../../hot/mod.ts";
import type { GroupRange } from "../../hot/mod.ts";
import {
  fileSource,
  isUnchanged,
  listManifests,
  manifestFile,
  openGguf,
  readModelShape,
  shardGroups,
  shardsOf,
} from "../../model/mod.ts";
import type { ByteSource, ModelManifest, Shard } from "../../model/mod.ts";
import { PartFile, readAll } from "../../parts/mod.ts";
import type { HeldModel, HeldModels } from "../../parts/mod.ts";
import { readWholeFile } from "../../ports/mod.ts";
import type { Disk } from "../../ports/mod.ts";
import type { HeldParts } from "./contract.ts";

/** Folders of parts that are looked at. */
const foldersMax = 1024;
const outboardBytesMax = 2 ** 28;

/** A model's layout, read from its header. */
export interface Layout {
  readonly shards: readonly Shard[];
  readonly layerCount: number;
}

/** What is held, by root; files stay open until `close`. */
export class ModelShelf implements HeldModels {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #wholes = new Map<string, { readonly manifest: ModelManifest; readonly path: string }>();
  readonly #parts = new Map<string, PartFile>();
  readonly #layouts = new Map<string, Layout>();
  readonly #open = new Map<string, Promise<WholeModel>>();

  /** @param place `directory`: the models directory, absolute */
  constructor({ disk, directory }: { readonly disk: Disk; readonly directory: string }) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** Looks at what is there. Returns a sentence for each thing that can't be used. */
  async scan(): Promise<readonly string[]> {
    const place = { disk: this.#disk, directory: this.#directory };
    const troubles: string[] = [];
    this.#wholes.clear();
    for (const entry of await listManifests(place)) {
      if ("error" in entry) troubles.push(entry.error.message);
      else if (await isUnchanged(place, entry.manifest)) {
        const { manifest } = entry;
        this.#wholes.set(manifest.root, {
          manifest,
          path: manifestFile(this.#directory, manifest),
        });
      }
    }
    for (const root of await this.#folders()) {
      if (this.#parts.has(root)) continue;
      try {
        const file = await PartFile.open(this.placeOf(root));
        if (file !== undefined) this.#parts.set(root, file);
      } catch (thrown) {
        troubles.push(thrown instanceof Error ? thrown.message : String(thrown));
      }
    }
    return troubles;
  }

  /** Where the parts of a model are kept. */
  placeOf(root: string): { disk: Disk; directory: string; root: string } {
    return { disk: this.#disk, directory: join(this.#directory, "parts", root), root };
  }

  /** A folder of parts that is open. */
  parts(root: string): PartFile | undefined {
    return this.#parts.get(root);
  }

  /** Takes a folder of parts in. */
  add(file: PartFile): void {
    this.#parts.set(file.root, file);
  }

  /** Whether the whole file is here. */
  isWhole(root: string): boolean {
    return this.#wholes.has(root);
  }

  /** The root of a whole file that has a manifest. */
  rootOf(path: string): string | undefined {
    return [...this.#wholes].find(([, whole]) => whole.path === path)?.[0];
  }

  async find(root: string): Promise<HeldModel | undefined> {
    const whole = this.#wholes.get(root);
    if (whole !== undefined) return await this.#whole(root, whole);
    const file = this.#parts.get(root);
    if (file === undefined) return undefined;
    return {
      name: file.name,
      sizeBytes: file.sizeBytes,
      outboard: () => Promise.resolve(file.outboard),
      read: (range) => file.read(range),
    };
  }

  /** All that is held whole, of all models whose header is here. */
  async list(): Promise<HeldParts[]> {
    const all: HeldParts[] = [];
    for (const root of new Set([...this.#wholes.keys(), ...this.#parts.keys()])) {
      const held = await this.describe(root);
      if (held !== undefined) all.push(held);
    }
    return all;
  }

  /** What is held of one model; undefined while not even its header is. */
  async describe(root: string): Promise<HeldParts | undefined> {
    const whole = this.#wholes.get(root);
    const file = this.#parts.get(root);
    const layout = await this.layout(root);
    if (layout === undefined) return undefined;
    const { layerCount } = layout;
    if (whole !== undefined) {
      const { name, file: { sizeBytes } } = whole.manifest;
      const parts = { layers: { from: 0, to: layerCount }, embedding: true, head: true };
      return { root, name, sizeBytes, layerCount, ...parts, complete: true, path: whole.path };
    }
    if (file === undefined) return undefined;
    const { name, sizeBytes } = file;
    const path = join(this.placeOf(root).directory, "content");
    return { root, name, sizeBytes, layerCount, ...partsHeld(file, layout), path };
  }

  /** Where a model's parts lie; undefined while its header is not here. */
  async layout(root: string): Promise<Layout | undefined> {
    const known = this.#layouts.get(root);
    if (known !== undefined) return known;
    const source = await this.#source(root);
    if (source === undefined) return undefined;
    try {
      const file = await openGguf(source);
      const layout = { shards: shardsOf(file), layerCount: readModelShape(file).layerCount };
      const [header] = layout.shards;
      const isHere = this.isWhole(root) || header === undefined ||
        this.#parts.get(root)?.holds(shardGroups(header)) === true;
      if (!isHere) return undefined;
      this.#layouts.set(root, layout);
      return layout;
    } catch {
      // Zeros where the header is yet to come.
      return undefined;
    } finally {
      await source.close();
    }
  }

  /** Closes all files. */
  async close(): Promise<void> {
    const wholes = await Promise.allSettled(this.#open.values());
    for (const one of wholes) if (one.status === "fulfilled") await one.value.close();
    for (const file of this.#parts.values()) await file.close();
    this.#open.clear();
    this.#parts.clear();
  }

  async #source(root: string): Promise<ByteSource | undefined> {
    const whole = this.#wholes.get(root);
    if (whole !== undefined) return await fileSource(this.#disk, whole.path);
    return this.#parts.get(root)?.source();
  }

  #whole(
    root: string,
    whole: { readonly manifest: ModelManifest; readonly path: string },
  ): Promise<WholeModel> {
    const known = this.#open.get(root);
    if (known !== undefined) return known;
    const opening = openWhole(this.#disk, { ...whole, directory: this.#directory });
    this.#open.set(root, opening);
    opening.catch(() => this.#open.delete(root));
    return opening;
  }

  async #folders(): Promise<readonly string[]> {
    const directory = join(this.#directory, "parts");
    if (await this.#disk.stat(directory) === undefined) return [];
    const names = await this.#disk.list(directory);
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).slice(0, foldersMax);
  }
}

/** A whole file that is served from. */
interface WholeModel extends HeldModel {
  close(): Promise<void>;
}

async function openWhole(
  disk: Disk,
  about: { readonly manifest: ModelManifest; readonly path: string; readonly directory: string },
): Promise<WholeModel> {
  const { manifest, path, directory } = about;
  const { sizeBytes } = manifest.file;
  const tree = join(directory, manifest.outboard.path);
  const file = await disk.open(path, "read");
  let outboard: Promise<Uint8Array> | undefined;
  return {
    name: manifest.name,
    sizeBytes,
    outboard: () => outboard ??= readWholeFile(disk, { path: tree, bytesMax: outboardBytesMax }),
    read: ({ first, count }: GroupRange) => {
      const from = first * BLAKE3_GROUP_BYTES;
      return readAll(file, { from, to: Math.min(sizeBytes, from + count * BLAKE3_GROUP_BYTES) });
    },
    close: () => file.close(),
  };
}

/** Which shards are held whole: the longest run of layers, embedding, head. */
function partsHeld(
  file: PartFile,
  { shards, layerCount }: Layout,
): Pick<HeldParts, "layers" | "embedding" | "head" | "complete"> {
  const held = shards.filter((shard) => file.holds(shardGroups(shard)));
  const numbers = new Set(held.map(({ layer }) => layer));
  let best = { from: 0, to: 0 };
  for (let from = 0; from < layerCount; from++) {
    let to = from;
    while (to < layerCount && numbers.has(to)) to++;
    if (to - from > best.to - best.from) best = { from, to };
    from = Math.max(from, to);
  }
  return {
    layers: best,
    embedding: held.some(({ part }) => part === "embedding"),
    head: held.some(({ part }) => part === "head"),
    complete: held.length === shards.length,
  };
}

/** The groups of what is asked for: the header always, and what lies outside all parts. */
export function wantedGroups(
  { shards }: Layout,
  wanted: {
    readonly layers: { readonly from: number; readonly to: number };
    readonly embedding: boolean;
    readonly head: boolean;
  },
): readonly GroupRange[] {
  const { layers, embedding, head } = wanted;
  return shards.filter(({ part, layer = -1 }) =>
    part === "header" || part === "other" || (part === "embedding" && embedding) ||
    (part === "head" && head) || (part === "layer" && layer >= layers.from && layer < layers.to)
  ).flatMap(shardGroups);
}
