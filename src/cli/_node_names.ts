/**
 * How nodes are named to people: by the short form of their id ("skep_" and 12 hex digits), behind the
 * alias that the user has given them, if there is one. Keys, whose hash an id is, are for scripts.
 */
import { join } from "node:path";
import { decodeHex } from "../hot/mod.ts";
import { hidOf, shortHidOf } from "../identity/mod.ts";
import { DiskError, readWholeFile } from "../ports/mod.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import type { CliIo } from "./cli_io.ts";

/** A node, by what is known of it. */
export interface NamedNode {
  /** 64 hex digits. */
  readonly key: string;
  readonly alias?: string | undefined;
}

/** The aliases that this machine's user has given, by key. */
export type Aliases = ReadonlyMap<string, string>;

/** The id of the node that has a key. */
export function hidOfHex(key: string): string {
  return hidOf(decodeHex(key));
}

/** Its short form. */
export function shortIdOf(key: string): string {
  return shortHidOf(hidOfHex(key));
}

/** "attic (skep_0f3a9c41d2e7)", or the id alone. */
export function nodeLabel({ key, alias }: NamedNode): string {
  return alias === undefined ? shortIdOf(key) : `${alias} (${shortIdOf(key)})`;
}

/** The aliases of peers.json, whether a node runs or not; one that can't be read has none. */
export async function readAliases(io: CliIo, place: PlaceOptions): Promise<Aliases> {
  const { parsePeersFile, peersFileBytesMax } = await import("../mesh/mod.ts");
  const path = join(pathsOf(io, place).directories.config, "peers.json");
  try {
    const bytes = await readWholeFile(io.disk, { path, bytesMax: peersFileBytesMax });
    const { rows } = parsePeersFile(new TextDecoder().decode(bytes));
    return new Map(rows.flatMap(({ key, alias }) => alias === undefined ? [] : [[key, alias]]));
  } catch (thrown) {
    // The node itself tells of a damaged one when it starts; names are no reason to fail.
    if (thrown instanceof DiskError) return new Map();
    throw thrown;
  }
}
