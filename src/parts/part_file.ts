/**
 * A model of which this node holds some groups: a sparse file, its outboard, and which groups are
 * there. Everything that is written has been checked against the model's root before.
 *
 * A crash leaves: while it is made, a folder without `about.json`, which counts as nothing; later,
 * groups that were written but not noted, which are fetched again. A noted group was synced before.
 */
import { join } from "node:path";
import * as v from "valibot";
import {
  Blake3,
  BLAKE3_GROUP_BYTES,
  decodeHex,
  outboardBytes,
  VerifiedOutboard,
} from "../hot/mod.ts";
import type { GroupRange } from "../hot/mod.ts";
import type { ByteSource } from "../model/mod.ts";
import { DiskError, makeDirectoryDurably, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import type { Disk, DiskFile } from "../ports/mod.ts";
import { PartsError } from "./errors.ts";
import { GroupSet } from "./group_set.ts";
import { groupsOf } from "./part_frames.ts";

/** What a folder of parts says of itself. */
const aboutSchema = v.strictObject({
  format: v.literal("skep-parts/1"),
  name: v.pipe(v.string(), v.maxLength(128)),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(2 ** 36)),
});

const aboutBytesMax = 4096;
const outboardBytesMax = 2 ** 28;

/** Where a folder of parts is. */
export interface PartPlace {
  readonly disk: Disk;
  /** The folder of this model, absolute. */
  readonly directory: string;
  /** BLAKE3 of the whole file, 64 hexadecimal digits. */
  readonly root: string;
}

/** A model's parts on disk. */
export class PartFile {
  readonly root: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly outboard: Uint8Array;
  readonly #place: PartPlace;
  readonly #file: DiskFile;
  readonly #held: GroupSet;
  readonly #tree: VerifiedOutboard;
  #written: number[] = [];
  #saving: Promise<void> | undefined;

  /** Use `PartFile.open` or `PartFile.create`, which check what they give. */
  constructor(
    place: PartPlace,
    parts: {
      readonly about: v.InferOutput<typeof aboutSchema>;
      readonly outboard: Uint8Array;
      readonly held: GroupSet;
      readonly file: DiskFile;
    },
  ) {
    const { about, outboard, held, file } = parts;
    this.#place = place;
    this.root = place.root;
    this.name = about.name;
    this.sizeBytes = about.sizeBytes;
    this.outboard = outboard;
    this.#file = file;
    this.#held = held;
    this.#tree = verified(place.root, { outboard, sizeBytes: about.sizeBytes });
  }

  /**
   * Makes the folder; nothing is held yet.
   *
   * @throws {PartsError} "damaged" when the outboard does not lead to the root
   * @throws {DiskError}
   */
  static async create(
    place: PartPlace,
    about: {
      readonly name: string;
      readonly sizeBytes: number;
      readonly outboard: Uint8Array;
    },
  ): Promise<PartFile> {
    const { disk, directory, root } = place;
    const { name, sizeBytes, outboard } = about;
    verified(root, { outboard, sizeBytes });
    await makeDirectoryDurably(disk, { path: directory });
    await writeFileDurably(disk, { path: join(directory, "outboard"), bytes: outboard });
    const content = await disk.open(join(directory, "content"), "truncate");
    try {
      await content.truncate(sizeBytes);
      await content.sync();
    } finally {
      await content.close();
    }
    await save(place, "held", new GroupSet(groupsOf(sizeBytes)).bytes());
    const text = JSON.stringify({ format: "skep-parts/1", name, sizeBytes });
    await save(place, "about.json", new TextEncoder().encode(`${text}\n`));
    const opened = await PartFile.open(place);
    if (opened !== undefined) return opened;
    throw damaged(place, "what was just written is gone");
  }

  /**
   * Opens a folder; undefined when there is none, or one that was never finished.
   *
   * @throws {PartsError} "damaged" when what is there does not fit together
   * @throws {DiskError}
   */
  static async open(place: PartPlace): Promise<PartFile | undefined> {
    const { disk, directory } = place;
    const text = await readIfThere(place, { file: "about.json", bytesMax: aboutBytesMax });
    if (text === undefined) return undefined;
    const about = v.safeParse(aboutSchema, jsonOf(text));
    if (!about.success) throw damaged(place, "about.json is not what it should be");
    const { sizeBytes } = about.output;
    const outboard = await readIfThere(place, { file: "outboard", bytesMax: outboardBytesMax });
    const bits = await readIfThere(place, { file: "held", bytesMax: outboardBytesMax });
    if (outboard === undefined || bits === undefined) throw damaged(place, "a file is missing");
    const file = await disk.open(join(directory, "content"), "update");
    try {
      if (await file.sizeBytes() !== sizeBytes) throw damaged(place, "its content is cut");
      const held = new GroupSet(groupsOf(sizeBytes), bits);
      return new PartFile(place, { about: about.output, outboard, held, file });
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  /** Groups that are held. */
  get heldGroups(): number {
    return this.#held.count;
  }

  /** Whether all groups of these ranges are held. */
  holds(ranges: readonly GroupRange[]): boolean {
    return ranges.every((range) => this.#held.hasAll(range));
  }

  /** The groups of `ranges` that are not held, in runs of at most `runMax`. */
  missing(ranges: readonly GroupRange[], runMax: number): GroupRange[] {
    return this.#held.missing(ranges, runMax);
  }

  /**
   * Writes groups that have just come.
   *
   * @throws {HotError} "wrong-group" when they are not the model's; nothing is written then
   * @throws {DiskError}
   */
  async write(range: GroupRange, bytes: Uint8Array): Promise<void> {
    const offsetBytes = range.first * BLAKE3_GROUP_BYTES;
    this.#tree.verify(bytes, offsetBytes);
    await this.#file.write(bytes, offsetBytes);
    for (let i = 0; i < range.count; i++) this.#written.push(range.first + i);
  }

  /** Notes what was written, after it is safe; calls share their work. @throws {DiskError} */
  async save(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
    if (this.#written.length === 0) return;
    this.#saving = this.#save();
    try {
      await this.#saving;
    } finally {
      this.#saving = undefined;
    }
  }

  /**
   * Bytes of held groups.
   *
   * @throws {PartsError} "not-held" @throws {DiskError}
   */
  async read(range: GroupRange): Promise<Uint8Array> {
    if (!this.#held.hasAll(range)) {
      const message = `Cannot read groups ${range.first} to ${range.first + range.count - 1} of ` +
        `model ${this.root.slice(0, 12)} as they are not held here`;
      throw new PartsError({ code: "not-held", message });
    }
    const from = range.first * BLAKE3_GROUP_BYTES;
    const to = Math.min(this.sizeBytes, from + range.count * BLAKE3_GROUP_BYTES);
    return await readAll(this.#file, { from, to });
  }

  /**
   * The file as a byte source: what is not held reads as zeros, so only held parts may be read. It
   * stays open when it is closed; `close` here ends it.
   */
  source(): ByteSource {
    return {
      sizeBytes: this.sizeBytes,
      name: `${this.name} (${this.root.slice(0, 12)})`,
      read: (into, position) => this.#file.read(into, position),
      close: () => Promise.resolve(),
    };
  }

  /** Notes what was written and closes the file. */
  async close(): Promise<void> {
    try {
      await this.save();
    } finally {
      await this.#file.close();
    }
  }

  async #save(): Promise<void> {
    const written = this.#written;
    this.#written = [];
    try {
      await this.#file.sync();
      for (const group of written) this.#held.add(group);
      await save(this.#place, "held", this.#held.bytes());
    } catch (thrown) {
      this.#written.push(...written);
      throw thrown;
    }
  }
}

/** Reads a stretch of a file. @throws {PartsError} "damaged" when it ends early */
export async function readAll(
  file: Pick<DiskFile, "read">,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  for (let filled = 0; filled < bytes.length;) {
    const count = await file.read(bytes.subarray(filled), from + filled);
    if (count === 0) {
      const message = `Cannot read a model's file as it ends at byte ${from + filled}`;
      throw new PartsError({ code: "damaged", message });
    }
    filled += count;
  }
  return bytes;
}

/** The tree of a content. @throws {PartsError} "damaged" when the outboard does not lead to the root */
export function verified(
  root: string,
  { outboard, sizeBytes }: { readonly outboard: Uint8Array; readonly sizeBytes: number },
): VerifiedOutboard {
  try {
    if (outboard.length !== outboardBytes(sizeBytes)) throw new RangeError("length");
    const tree = { root: decodeHex(root), lengthBytes: sizeBytes, outboard };
    return new VerifiedOutboard(new Blake3(), tree);
  } catch (cause) {
    const message = `Cannot use the tree of model ${
      root.slice(0, 12)
    } as it does not lead to the model's root`;
    throw new PartsError({ code: "damaged", message, cause });
  }
}

async function save(place: PartPlace, file: string, bytes: Uint8Array): Promise<void> {
  await writeFileDurably(place.disk, { path: join(place.directory, file), bytes });
}

async function readIfThere(
  { disk, directory }: PartPlace,
  { file, bytesMax }: { readonly file: string; readonly bytesMax: number },
): Promise<Uint8Array | undefined> {
  try {
    return await readWholeFile(disk, { path: join(directory, file), bytesMax });
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "not-found") return undefined;
    throw thrown;
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function damaged({ directory }: PartPlace, why: string): PartsError {
  const message = `Cannot use the parts in '${directory}' as ${why}; remove the folder`;
  return new PartsError({ code: "damaged", message });
}
