/** What `skep log heads` prints: the file that the node keeps of the journals of others. */
import { parse } from "valibot";
import { logHeadsSchema } from "../mesh/mod.ts";
import type { PeerLog } from "../mesh/mod.ts";
import { DiskError, readWholeFile } from "../ports/mod.ts";
import { hidOfKey, logHeadsFile } from "../services/network/mod.ts";
import { nodeLabel, readAliases } from "./_node_names.ts";
import type { Aliases } from "./_node_names.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { columns, painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** Bytes of the file, at most. */
const fileBytesMax = 2 * 1024 * 1024;

/** Prints the heads. @throws {CliError} exit code 1 when the file is damaged */
export async function logHeads(
  io: CliIo,
  options: PlaceOptions & { readonly json: boolean },
): Promise<number> {
  const path = `${pathsOf(io, options).directories.state}/mesh/${logHeadsFile}`;
  const peers = await readHeads(io, path);
  const aliases = await readAliases(io, options);
  const rows = peers.map((peer) => {
    const alias = aliases.get(peer.key);
    return { ...peer, hid: hidOfKey(peer.key), ...(alias === undefined ? {} : { alias }) };
  });
  if (options.json) io.stdout.write(`${JSON.stringify({ peers: rows })}\n`);
  else if (peers.length === 0) io.stderr.write("No head of another node's journal is known.\n");
  else io.stdout.write(describe(io, { peers, aliases }));
  return peers.some(({ evidence }) => evidence.length > 0) ? exitCodes.failure : exitCodes.ok;
}

async function readHeads(io: CliIo, path: string): Promise<readonly PeerLog[]> {
  try {
    const bytes = await readWholeFile(io.disk, { path, bytesMax: fileBytesMax });
    return parse(logHeadsSchema, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "not-found") return [];
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CliError({
      exitCode: exitCodes.failure,
      message: `Cannot show heads as ${path} can't be read: ${why}`,
    });
  }
}

function describe(
  io: CliIo,
  { peers, aliases }: { readonly peers: readonly PeerLog[]; readonly aliases: Aliases },
): string {
  const paint = painterFor(io, io.stdout);
  const rows: [string, string][] = [];
  for (const { key, head, state, provenFrom, evidence } of peers) {
    const color = state === "ok" ? "green" : state === "unproved" ? "yellow" : "red";
    const at = new Date(Math.min(head.tsMs, 8.64e15)).toISOString();
    const since = provenFrom === head.size ? "" : `, proven since ${provenFrom}`;
    rows.push([
      nodeLabel({ key, alias: aliases.get(key) }),
      `${paint(color, state)}, ${head.size} events at ${at}${since}`,
    ]);
    for (const { kind, why } of evidence) rows.push(["", safeText(`${kind}: ${why}`)]);
  }
  return columns(rows);
}
