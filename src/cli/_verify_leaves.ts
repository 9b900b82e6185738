/**
 * Leaves that name the first wrong position: from a folder, or from the stage that is blamed, through
 * the node that asked for the answer, where it runs.
 */
import { join } from "node:path";
import { decodeHex } from "../hot/mod.ts";
import type {
  Finding,
  LeavesOf,
  OpenReceipt,
  Receipt,
  Span,
  StageStatement,
  TreeName,
} from "../receipts/mod.ts";
import type { RpcConnection } from "../wire/mod.ts";
import { absolutePath, pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { findNode, withDeadline } from "./_running_node.ts";
import { openService } from "./_service_sockets.ts";
import type { CliIo } from "./cli_io.ts";
import { sentenceOf } from "./exit_code.ts";

/** Leaves of one question: what a stage gives at once. */
const leavesPerCall = 4096;

/** Leaves, or why there are none. */
export type FetchedLeaves = { readonly leavesOf: LeavesOf } | { readonly why: string };

/** Leaves of a directory; a file that is not there was not kept. */
export async function leavesOfFolder(
  io: CliIo,
  { receipt, directory }: { readonly receipt: Receipt; readonly directory: string | undefined },
): Promise<LeavesOf> {
  if (directory === undefined) return () => undefined;
  const { DiskError, readWholeFile } = await import("../ports/mod.ts");
  const { leafBytes } = await import("../receipts/mod.ts");
  const files = new Map<string, Uint8Array>();
  for (const stage of receipt.stages.keys()) {
    for (const tree of ["input", "output", "logits"]) {
      const name = `${stage + 1}-${tree}.leaves`;
      const path = join(absolutePath(io, directory), name);
      try {
        files.set(name, await readWholeFile(io.disk, { path, bytesMax: leafBytes * 2 ** 24 }));
      } catch (thrown) {
        if (!(thrown instanceof DiskError && thrown.code === "not-found")) throw thrown;
      }
    }
  }
  return (stage, tree) => files.get(`${stage + 1}-${tree}.leaves`);
}

/** Which tree the leaves of would name a finding's position; undefined where none would. */
export function wantedTree(finding: Finding | undefined): TreeName | undefined {
  if (finding === undefined || !("stage" in finding) || "index" in finding) return undefined;
  if (finding.position !== undefined) return undefined;
  if (finding.kind === "disputed-input") return "input";
  return finding.kind === "wrong-logits" ? "logits" : "output";
}

/** Has the running node ask a stage for the leaves of one of its trees. Never rejects. */
export async function fetchLeaves(
  io: CliIo,
  { opened: { request: { session }, stages }, place, ...wanted }: {
    readonly opened: OpenReceipt;
    readonly place: PlaceOptions;
    /** Number of the stage, from 0. */
    readonly stage: number;
    readonly tree: TreeName;
  },
): Promise<FetchedLeaves> {
  const statement = stages[wanted.stage];
  const span = statement && spanOf(statement, wanted.tree);
  if (session === null || statement === undefined || span === undefined) {
    return { why: "no stage keeps any" };
  }
  try {
    const node = await findNode(io, pathsOf(io, place));
    if (node === undefined) return { why: "the node that asked for the answer does not run here" };
    const { info } = node;
    const connection = await openService(io, { sockets: info.sockets, name: "inference" });
    try {
      const about = { session, stage: statement.stage, tree: wanted.tree };
      const ask = (signal: AbortSignal): Promise<Uint8Array> =>
        allLeaves(connection, { about, span, signal });
      const leaves = await withDeadline(io, { info, ask });
      return {
        leavesOf: (stage, tree) =>
          stage === wanted.stage && tree === wanted.tree ? leaves : undefined,
      };
    } finally {
      connection.close();
    }
  } catch (thrown) {
    return { why: sentenceOf(thrown) };
  }
}

function spanOf(
  { positions, logits }: StageStatement,
  tree: TreeName,
): Span | undefined {
  return tree === "logits" ? logits : positions;
}

async function allLeaves(
  connection: RpcConnection,
  { about, span, signal }: {
    readonly about: { readonly session: string; readonly stage: string; readonly tree: TreeName };
    readonly span: Span;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  const { leafBytes } = await import("../receipts/mod.ts");
  const all = new Uint8Array(leafBytes * (span.to - span.from));
  for (let from = span.from; from < span.to; from += leavesPerCall) {
    const to = Math.min(span.to, from + leavesPerCall);
    const params = { ...about, from, to, end: span.to };
    const answer = await connection.call("receipts.leaves", params, signal) as {
      readonly leaves: string;
    };
    const leaves = decodeHex(answer.leaves);
    if (leaves.length !== leafBytes * (to - from)) {
      throw new RangeError(`Cannot use the leaves as ${leaves.length / leafBytes} came`);
    }
    all.set(leaves, leafBytes * (from - span.from));
  }
  return all;
}
