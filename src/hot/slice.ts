/**
 * Proofs of slices: the pairs that lead from the root to the groups of a range, so that a range
 * verifies with the root alone. Format: docs/BLAKE3_OUTBOARD.md.
 */
import { ARENA_BYTES } from "./_blake3_map.ts";
import { childrenOf, groupsOf, PAIR_BYTES } from "./_tree_layout.ts";
import type { Parent } from "./_tree_layout.ts";
import { BLAKE3_GROUP_BYTES } from "./blake3.ts";
import type { Blake3 } from "./blake3.ts";
import { HotError } from "./hot_error.ts";
import { checkRoot, sameValue, wrongGroup, wrongPair } from "./outboard.ts";
import type { ContentId, ContentTree } from "./outboard.ts";

/** Whole groups of a content: `first` to `first + count - 1`. */
export interface GroupRange {
  readonly first: number;
  readonly count: number;
}

/** A slice with its proof. */
export interface Slice {
  /** The groups that `bytes` are. */
  readonly range: GroupRange;
  /** Bytes of the groups, at most 4 MiB; the content's last group may be short. */
  readonly bytes: Uint8Array;
  /** The pairs on the way, in pre-order. */
  readonly proof: Uint8Array;
}

/**
 * The proof of a range: those pairs of a content's outboard that have a group of it below them.
 *
 * @throws {RangeError} when the range is empty or beyond the content
 */
export function sliceProof(tree: ContentTree, range: GroupRange): Uint8Array<ArrayBuffer> {
  const parents = parentsAbove(groupsOf(tree.lengthBytes), range);
  const proof = new Uint8Array(parents.length * PAIR_BYTES);
  for (const [i, { index }] of parents.entries()) {
    const at = index * PAIR_BYTES;
    proof.set(tree.outboard.subarray(at, at + PAIR_BYTES), i * PAIR_BYTES);
  }
  return proof;
}

/**
 * Checks a slice against the content's digest and length.
 *
 * @throws {HotError} `wrong-length`, `wrong-outboard` (a pair of the proof) or `wrong-group`
 * @throws {RangeError} when the range is empty, beyond the content, or above 4 MiB
 */
export function verifySlice(blake3: Blake3, content: ContentId, slice: Slice): void {
  checkRoot(content.root);
  const groups = groupsOf(content.lengthBytes);
  const parents = parentsAbove(groups, slice.range);
  checkLengths(content, slice, parents.length);
  if (groups === 1) {
    if (!sameValue(blake3.hash(slice.bytes), 0, content.root, 0)) throw wrongGroup(0);
    return;
  }
  const { first, count } = slice.range;
  const values = new Uint8Array(32 * count);
  blake3.groupValuesInto(slice.bytes, first, values);
  const wanted = new Map<string, Uint8Array>([[key({ first: 0, count: groups }), content.root]]);
  const computed = new Uint8Array(32);
  for (const [i, parent] of parents.entries()) {
    const pair = slice.proof.subarray(i * PAIR_BYTES, (i + 1) * PAIR_BYTES);
    blake3.parentInto(pair, parent.count === groups, computed);
    const expected = wanted.get(key(parent));
    if (expected === undefined || !sameValue(computed, 0, expected, 0)) throw wrongPair(parent);
    const { left, right } = childrenOf(parent);
    wanted.set(key(left), pair.subarray(0, 32));
    wanted.set(key(right), pair.subarray(32));
  }
  for (let i = 0; i < count; i++) {
    const expected = wanted.get(key({ first: first + i, count: 1 }));
    if (expected === undefined || !sameValue(values, 32 * i, expected, 0)) {
      throw wrongGroup((first + i) * BLAKE3_GROUP_BYTES);
    }
  }
}

function key({ first, count }: GroupRange): string {
  return `${first}+${count}`;
}

/** Parents that have a group of the range below them, in pre-order. */
function parentsAbove(groups: number, range: GroupRange): readonly Parent[] {
  const { first, count } = range;
  const whole = Number.isInteger(first) && Number.isInteger(count);
  if (!whole || first < 0 || count < 1 || first + count > groups) {
    throw new RangeError(
      `Cannot prove a slice as it must be groups of 0 to ${groups - 1}: ` +
        `current value is ${count} from ${first}`,
    );
  }
  const found: Parent[] = [];
  function visit(parent: Parent): void {
    const apart = parent.first + parent.count <= first || parent.first >= first + count;
    if (parent.count === 1 || apart) return;
    found.push(parent);
    const { left, right } = childrenOf(parent);
    visit(left);
    visit(right);
  }
  visit({ first: 0, count: groups, index: 0 });
  return found;
}

function checkLengths(content: ContentId, slice: Slice, parents: number): void {
  const { range, bytes, proof } = slice;
  const start = range.first * BLAKE3_GROUP_BYTES;
  const end = Math.min(content.lengthBytes, start + range.count * BLAKE3_GROUP_BYTES);
  if (end - start > ARENA_BYTES) {
    throw new RangeError(
      `Cannot verify a slice as it must have at most ${ARENA_BYTES} bytes: ` +
        `current value is ${end - start}`,
    );
  }
  if (bytes.length === end - start && proof.length === parents * PAIR_BYTES) return;
  throw new HotError({
    code: "wrong-length",
    message: `Cannot verify a slice as it must have ${end - start} bytes and ` +
      `${parents * PAIR_BYTES} of proof: current values are ${bytes.length} and ${proof.length}`,
    offsetBytes: start,
  });
}
