/**
 * Which bytes of a model file each part of the model needs: what a node fetches that runs some
 * layers only. Parts are cut by tensor name; docs/MANIFEST.md has the table.
 */
import { BLAKE3_GROUP_BYTES } from "../hot/mod.ts";
import type { GroupRange } from "../hot/mod.ts";
import type { GgufFile, TensorInfo } from "./gguf_types.ts";

/** Bytes of a file. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/**
 * A part of a model:
 * - `header`: metadata and tensor list, which every node needs;
 * - `embedding`: the token embedding;
 * - `layer`: one transformer block;
 * - `head`: final norm and output matrix, which is the embedding's where the file has no other;
 * - `other`: tensors that belong to none of them.
 */
export type ShardPart = "header" | "embedding" | "layer" | "head" | "other";

/** A part and the bytes that it needs. */
export interface Shard {
  readonly part: ShardPart;
  /** Number of the layer, for a layer. */
  readonly layer?: number | undefined;
  /** Ascending, not touching each other. */
  readonly ranges: readonly ByteRange[];
}

const EMBEDDING = "token_embd.weight";
const HEAD = ["output.weight", "output_norm.weight"];

/** The shards of a file: header, embedding, layers ascending, head, other; none is empty. */
export function shardsOf(file: GgufFile): readonly Shard[] {
  const tensors = [...file.tensors.values()];
  const layers = new Map<number, TensorInfo[]>();
  const embedding: TensorInfo[] = [];
  const head: TensorInfo[] = [];
  const other: TensorInfo[] = [];
  for (const tensor of tensors) {
    const layer = layerOf(tensor.name);
    if (layer !== undefined) layers.set(layer, [...layers.get(layer) ?? [], tensor]);
    else if (tensor.name === EMBEDDING) embedding.push(tensor);
    else if (HEAD.includes(tensor.name)) head.push(tensor);
    else other.push(tensor);
  }
  if (!file.tensors.has("output.weight")) head.push(...embedding);
  const ascending = [...layers].sort(([a], [b]) => a - b);
  const headerBytes = Math.min(file.sizeBytes, ...tensors.map(({ offset }) => offset));
  const shards: readonly Shard[] = [
    { part: "header", ranges: [{ offsetBytes: 0, lengthBytes: headerBytes }] },
    { part: "embedding", ranges: rangesOf(file, embedding) },
    ...ascending.map(([layer, own]): Shard => ({
      part: "layer",
      layer,
      ranges: rangesOf(file, own),
    })),
    { part: "head", ranges: rangesOf(file, head) },
    { part: "other", ranges: rangesOf(file, other) },
  ];
  return shards.filter(({ ranges }) => ranges.length > 0);
}

/**
 * The groups of 16 KiB that cover a shard, merged: what is asked of a peer, and what
 * `verifySlice` checks, in slices of at most 64 groups.
 */
export function shardGroups(shard: Shard): readonly GroupRange[] {
  const found: GroupRange[] = [];
  for (const { offsetBytes, lengthBytes } of shard.ranges) {
    const first = Math.floor(offsetBytes / BLAKE3_GROUP_BYTES);
    const end = Math.ceil((offsetBytes + lengthBytes) / BLAKE3_GROUP_BYTES);
    const before = found.at(-1);
    if (before !== undefined && first <= before.first + before.count) {
      found[found.length - 1] = { first: before.first, count: end - before.first };
    } else found.push({ first, count: end - first });
  }
  return found;
}

/** How a shard is told to people: "header", "layer 3". */
export function shardName(shard: Shard): string {
  return shard.layer === undefined ? shard.part : `${shard.part} ${shard.layer}`;
}

/** Six digits at most, so that no name makes a number that is not exact. */
function layerOf(name: string): number | undefined {
  const [, digits] = /^blk\.(0|[1-9]\d{0,5})\./.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The tensors' ranges, joined where only padding lies between them. */
function rangesOf(file: GgufFile, tensors: readonly TensorInfo[]): readonly ByteRange[] {
  const ranges: ByteRange[] = [];
  for (const { offset, sizeBytes } of tensors.toSorted((a, b) => a.offset - b.offset)) {
    const before = ranges.at(-1);
    const end = before === undefined ? -Infinity : before.offsetBytes + before.lengthBytes;
    if (before !== undefined && offset - end < file.alignmentBytes) {
      const lengthBytes = offset + sizeBytes - before.offsetBytes;
      ranges[ranges.length - 1] = { ...before, lengthBytes };
    } else ranges.push({ offsetBytes: offset, lengthBytes: sizeBytes });
  }
  return ranges;
}
