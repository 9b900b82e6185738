/** Makes proofs about the journal: from the latest leaves in memory, or else from the day files. */
import type { DayFileSource } from "./_day_files.ts";
import type { TreeKeeper } from "./_tree_keeper.ts";
import { readTree } from "./_tree_reader.ts";
import type { LeafRange } from "./merkle.ts";
import { consistencyRanges, inclusionRanges, ProofMaker } from "./tree_proofs.ts";

/** What a proof is about. */
export interface ProofRequest {
  /** Leaves of the tree; not more than there are. */
  readonly size: number;
  /** Size of the tree that it is to begin with, or index of the leaf that is to be in it. */
  readonly boundary: number;
  readonly kind: "consistency" | "inclusion";
}

/** Where proofs are made from. */
export interface ProofSource extends DayFileSource {
  readonly keeper: TreeKeeper;
}

/**
 * A proof, in the order of RFC 6962; undefined when retention has removed what it takes.
 *
 * @throws {RangeError} for a tree that is not there
 * @throws {JournalError} "corrupt"; {DiskError}
 */
export async function prove(
  source: ProofSource,
  request: ProofRequest,
): Promise<Uint8Array[] | undefined> {
  const { size, boundary, kind } = request;
  checkRequest(request, source.keeper.edge.size);
  const ranges: readonly LeafRange[] = kind === "consistency"
    ? consistencyRanges(boundary, size)
    : inclusionRanges(boundary, size);
  if (ranges.length === 0) return [];
  const quick = source.keeper.tryProve({ ranges, boundary, size });
  if (quick !== undefined) return quick;
  const reading = await readTree(source, boundary);
  if (reading === undefined) return undefined;
  const maker = new ProofMaker({ ranges, boundary, edge: reading.edge });
  let at = reading.edge.size;
  for await (const leaf of reading.leaves) {
    if (at++ >= size) break;
    maker.push(leaf);
  }
  return maker.proof();
}

function checkRequest({ size, boundary, kind }: ProofRequest, known: number): void {
  const last = kind === "consistency" ? size : size - 1;
  const isThere = Number.isSafeInteger(size) && size <= known;
  if (isThere && Number.isSafeInteger(boundary) && boundary >= 0 && boundary <= last) return;
  throw new RangeError(
    `Cannot prove anything of the journal's tree as it has ${known} leaves: current value is ${boundary} of ${size}`,
  );
}
