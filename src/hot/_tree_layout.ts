/**
 * Where the pairs of an outboard lie: the parents of the tree of groups in pre-order, 64 B each. See
 * docs/BLAKE3_OUTBOARD.md.
 */
import { BLAKE3_GROUP_BYTES } from "./blake3.ts";

/** Longest content whose tree is built or checked: an outboard of 256 MiB less 64 B. */
export const OUTBOARD_CONTENT_BYTES_MAX: number = 2 ** 36;
/** Bytes of a parent in an outboard. */
export const PAIR_BYTES = 64;

/** A parent: its groups are `first` to `first + count - 1`, and its pair is the `index`-th. */
export interface Parent {
  readonly first: number;
  readonly count: number;
  readonly index: number;
}

/**
 * Groups of a content of `lengthBytes`: at least one.
 *
 * @throws {RangeError} when the length is not a whole number from 0 to OUTBOARD_CONTENT_BYTES_MAX
 */
export function groupsOf(lengthBytes: number): number {
  if (
    !Number.isInteger(lengthBytes) || lengthBytes < 0 || lengthBytes > OUTBOARD_CONTENT_BYTES_MAX
  ) {
    throw new RangeError(
      `Cannot lay out a tree as its content must have 0 to ${OUTBOARD_CONTENT_BYTES_MAX} bytes: ` +
        `current value is ${lengthBytes}`,
    );
  }
  return Math.max(1, Math.ceil(lengthBytes / BLAKE3_GROUP_BYTES));
}

/** Groups on a parent's left side: the largest power of two below `count`. */
export function leftGroups(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

/** The parents below `parent` on its left and right; a side of one group has none. */
export function childrenOf(parent: Parent): { readonly left: Parent; readonly right: Parent } {
  const { first, count, index } = parent;
  const left = leftGroups(count);
  return {
    left: { first, count: left, index: index + 1 },
    // The left side of n groups has n - 1 parents.
    right: { first: first + left, count: count - left, index: index + left },
  };
}
