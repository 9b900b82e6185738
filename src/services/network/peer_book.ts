/** What is known of peers beside the roster: names and addresses, of peers.json and from before. */
import { cardAddressesMax, putPeerRow } from "../../mesh/mod.ts";
import type { PeerRow, PeersFile } from "../../mesh/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import { hidOfKey } from "./keys.ts";
import type { MeshFiles } from "./mesh_files.ts";

/** Digits by which a key or an id may be named, at least. */
export const beginningMin = 8;

/** Names and addresses. */
export class PeerBook {
  readonly #files: MeshFiles;
  #file: PeersFile = { rows: [], problems: [], others: [] };
  #rows: ReadonlyMap<PeerKey, PeerRow> = new Map();
  #revision = 0;
  readonly #known = new Map<PeerKey, readonly string[]>();
  #isDirty = false;

  /** @param files where it is kept; `load` comes next */
  constructor(files: MeshFiles) {
    this.#files = files;
  }

  /** Reads peers.json and the addresses of before; rows of the caller hold beside them. */
  async load(rows: readonly PeerRow[] = []): Promise<void> {
    let file = await this.#files.readPeers();
    for (const row of rows) file = { ...file, rows: putPeerRow(file.rows, row) };
    this.#take(file);
    for (const { key, addresses } of await this.#files.readAddresses()) {
      this.#known.set(key, addresses);
    }
  }

  /** Counts the changes of peers.json that this node has made or read. */
  get revision(): number {
    return this.#revision;
  }

  /** The name that the user has given a peer. */
  aliasOf(key: PeerKey): string | undefined {
    return this.#rows.get(key)?.alias;
  }

  /** Where a peer may be found: what the user says first, then what it says, then where it was. */
  addressesOf(key: PeerKey, said: readonly string[] = []): readonly string[] {
    const hints = this.#rows.get(key)?.hints ?? [];
    return [...new Set([...hints.map(multiaddressOf), ...said, ...this.#known.get(key) ?? []])];
  }

  /** Keeps where a peer says that it is. */
  remember(key: PeerKey, addresses: readonly string[]): void {
    if (addresses.length === 0 || this.#known.get(key)?.join() === addresses.join()) return;
    this.#known.set(key, addresses.slice(0, cardAddressesMax));
    this.#isDirty = true;
  }

  /** Writes the addresses down, if they have changed. */
  async save(members: ReadonlySet<PeerKey>): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    for (const key of this.#known.keys()) if (!members.has(key)) this.#known.delete(key);
    await this.#files.writeAddresses(
      [...this.#known].map(([key, addresses]) => ({ key, addresses: [...addresses] })),
    );
  }

  /** Writes a row of peers.json; of what is not said the old holds. */
  async put(
    row: {
      readonly key: PeerKey;
      readonly alias?: string | undefined;
      readonly hints?: readonly string[];
    },
  ): Promise<void> {
    // The file may have been edited meanwhile.
    const file = await this.#files.readPeers();
    this.#take({ ...file, rows: putPeerRow(file.rows, row) });
    await this.#files.writePeers(this.#file);
  }

  /** Takes a peer's row out of peers.json. */
  async remove(key: PeerKey): Promise<void> {
    this.#known.delete(key);
    const file = await this.#files.readPeers();
    if (!file.rows.some((row) => row.key === key)) return;
    this.#take({ ...file, rows: file.rows.filter((row) => row.key !== key) });
    await this.#files.writePeers(this.#file);
  }

  /** The key that a text names; undefined when it names nobody, or several. */
  find(text: string, among: Iterable<PeerKey>): PeerKey | undefined {
    const found = this.matches(text, among);
    return found.length === 1 ? found[0] : undefined;
  }

  /** The keys that a text may name: the key or id itself, the beginning of either, or an alias. */
  matches(text: string, among: Iterable<PeerKey>): readonly PeerKey[] {
    const byAlias = this.#file.rows.find((row) => row.alias === text)?.key;
    if (byAlias !== undefined) return [byAlias];
    const plain = text.toLowerCase();
    if (!/^(skep_)?[0-9a-f]+$/.test(plain)) return [];
    const digits = plain.replace(/^skep_/, "");
    if (digits.length < beginningMin) return [];
    const isId = plain.startsWith("skep_");
    const found = [...among].filter((key) =>
      (!isId && key.startsWith(digits)) || hidOfKey(key).slice("skep_".length).startsWith(digits)
    );
    return found.length === 0 && !isId && digits.length === 64 ? [digits] : found;
  }

  #take(file: PeersFile): void {
    this.#file = file;
    this.#rows = new Map(file.rows.map((row) => [row.key, row]));
    this.#revision += 1;
  }
}

/** "host:port" as a multiaddress; what begins with a slash is one already. */
export function multiaddressOf(text: string): string {
  if (text.startsWith("/")) return text;
  const [, host = "", port = ""] = /^(\[[^\]]+\]|[^:[\]/]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "") return text;
  const bare = host.replace(/^\[|\]$/g, "");
  const kind = bare.includes(":") ? "ip6" : /^\d+(\.\d+){3}$/.test(bare) ? "ip4" : "dns";
  return `/${kind}/${bare}/tcp/${Number(port)}`;
}
