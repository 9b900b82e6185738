/**
 * What the node keeps of its mesh, in files: the roster, open invitations, the port it was found at
 * and the addresses of peers under state/mesh; peers.json, which is the user's, beside skep.toml.
 *
 * Each is replaced durably, by one writer at a time. A file that is damaged is told of and left as it
 * is; it is overwritten only by what would have been written anyway.
 */
import * as v from "valibot";
import { encodeHex } from "../../hot/mod.ts";
import {
  formatPeersFile,
  invitationsSchema,
  logHeadsSchema,
  membersMax,
  parsePeersFile,
  peersFileBytesMax,
  rosterBytesMax,
} from "../../mesh/mod.ts";
import type { Invitation, PeerLog, PeersFile } from "../../mesh/mod.ts";
import {
  DiskError,
  makeDirectoryDurably,
  readWholeFile,
  writeFileDurably,
} from "../../ports/mod.ts";
import type { Disk, PeerKey } from "../../ports/mod.ts";
import type { Directories, Log } from "../../kernel/mod.ts";

/** Bytes of the JSON files, at most. */
const jsonBytesMax = 2 * 1024 * 1024;

const keyBytes = 32;

/** Under state/mesh: what is known of the journals of others. */
export const logHeadsFile = "log-heads.json";

const portSchema = v.strictObject({
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
});

const addressesSchema = v.pipe(
  v.array(v.strictObject({
    key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    addresses: v.pipe(v.array(v.pipe(v.string(), v.maxLength(256))), v.maxLength(16)),
  })),
  v.maxLength(membersMax),
);

/** Where a peer was found last. */
export type KnownAddresses = v.InferOutput<typeof addressesSchema>[number];

/** Whether a node with this folder has a mesh, as far as its files say; it need not run. */
export async function hasMesh(disk: Disk, stateDirectory: string): Promise<boolean> {
  return await disk.stat(`${stateDirectory}/mesh/roster`) !== undefined;
}

/** The files of one node. */
export class MeshFiles {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #folder: string;
  readonly #peersFile: string;
  #writing: Promise<void> = Promise.resolve();

  /** @param parts the node's disk and folders */
  constructor(
    parts: { readonly disk: Disk; readonly directories: Directories; readonly log: Log },
  ) {
    this.#disk = parts.disk;
    this.#log = parts.log;
    this.#folder = `${parts.directories.state}/mesh`;
    this.#peersFile = `${parts.directories.config}/peers.json`;
  }

  /** The roster's bytes and its mesh, unverified; undefined when the node is in no mesh. */
  async readRoster(): Promise<{ readonly mesh: PeerKey; readonly bytes: Uint8Array } | undefined> {
    const bytes = await this.#read(this.#path("roster"), rosterBytesMax + keyBytes);
    if (bytes === undefined) return undefined;
    return { mesh: encodeHex(bytes.subarray(0, keyBytes)), bytes: bytes.subarray(keyBytes) };
  }

  /** Keeps a roster: the mesh's key, then the signed bytes. @throws {DiskError} */
  async writeRoster(mesh: Uint8Array, bytes: Uint8Array): Promise<void> {
    const all = new Uint8Array(keyBytes + bytes.length);
    all.set(mesh);
    all.set(bytes, keyBytes);
    await this.#write(this.#path("roster"), all);
  }

  /** Forgets the mesh: its roster, invitations and addresses. @throws {DiskError} */
  async forgetMesh(): Promise<void> {
    // The roster last: as long as it is there the node is in the mesh.
    for (const name of ["invitations.json", "addresses.json", logHeadsFile, "roster"]) {
      await this.#remove(this.#path(name));
    }
  }

  readInvitations(): Promise<readonly Invitation[]> {
    return this.#readJson(this.#path("invitations.json"), invitationsSchema, []);
  }

  async writeInvitations(invitations: readonly Invitation[]): Promise<void> {
    await this.#writeJson(this.#path("invitations.json"), invitations);
  }

  /** The TCP port that was free at first; undefined before. */
  async readPort(): Promise<number | undefined> {
    const { port } = await this.#readJson<{ port?: number }>(
      this.#path("port.json"),
      portSchema,
      {},
    );
    return port;
  }

  async writePort(port: number): Promise<void> {
    await this.#writeJson(this.#path("port.json"), { port });
  }

  readAddresses(): Promise<readonly KnownAddresses[]> {
    return this.#readJson(this.#path("addresses.json"), addressesSchema, []);
  }

  async writeAddresses(known: readonly KnownAddresses[]): Promise<void> {
    await this.#writeJson(this.#path("addresses.json"), known.slice(0, membersMax));
  }

  readLogHeads(): Promise<readonly PeerLog[]> {
    return this.#readJson(this.#path(logHeadsFile), logHeadsSchema, []);
  }

  async writeLogHeads(logs: readonly PeerLog[]): Promise<void> {
    await this.#writeJson(this.#path(logHeadsFile), logs.slice(0, membersMax));
  }

  /** peers.json; a damaged one has no rows, and rows that are none are told of and left out. */
  async readPeers(): Promise<PeersFile> {
    const bytes = await this.#read(this.#peersFile, peersFileBytesMax);
    if (bytes === undefined) return { rows: [], problems: [], others: [] };
    const file = parsePeersFile(new TextDecoder().decode(bytes));
    for (const problem of file.problems) {
      this.#log.warn("A part of peers.json was left out", { file: this.#peersFile, problem });
    }
    return file;
  }

  async writePeers(file: Pick<PeersFile, "rows" | "others">): Promise<void> {
    await this.#write(this.#peersFile, new TextEncoder().encode(formatPeersFile(file)));
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  async #readJson<T>(
    path: string,
    schema: v.GenericSchema<unknown, T>,
    otherwise: T,
  ): Promise<T> {
    const bytes = await this.#read(path, jsonBytesMax);
    if (bytes === undefined) return otherwise;
    try {
      const checked = v.safeParse(schema, JSON.parse(new TextDecoder().decode(bytes)));
      if (checked.success) return checked.output;
    } catch {
      // Said below, as for a wrong form.
    }
    this.#log.warn("A file of the mesh is damaged and was left out", { file: path });
    return otherwise;
  }

  async #read(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    try {
      return await readWholeFile(this.#disk, { path, bytesMax });
    } catch (thrown) {
      if (thrown instanceof DiskError && thrown.code === "not-found") return undefined;
      if (!(thrown instanceof RangeError)) throw thrown;
      this.#log.warn("A file of the mesh is too long and was left out", { file: path });
      return undefined;
    }
  }

  #writeJson(path: string, value: unknown): Promise<void> {
    return this.#write(path, new TextEncoder().encode(JSON.stringify(value)));
  }

  #write(path: string, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const folder = path.slice(0, path.lastIndexOf("/"));
      await makeDirectoryDurably(this.#disk, { path: folder });
      await writeFileDurably(this.#disk, { path, bytes, permissions: 0o600 });
    });
  }

  #remove(path: string): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#disk.remove(path);
      } catch (thrown) {
        if (!(thrown instanceof DiskError && thrown.code === "not-found")) throw thrown;
      }
    });
  }

  /** One after the other; a failure is its caller's alone. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => {});
    return done;
  }
}
