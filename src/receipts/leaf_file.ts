/**
 * What a stage keeps of a session on disk: its leaves, and whom and what they are of.
 *
 *     0   u32   n, bytes of JSON
 *     4   n     the header, JSON
 *     ..  32    for each leaf of the tree over what it was given, of that over what it gave, of the logits
 *     ..  32    SHA-256 over all that comes before
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { count, hex16, hex32 } from "./_forms.ts";
import { leafBytes } from "./leaf_tree.ts";
import { SessionRecord } from "./session_record.ts";

const digestBytes = 32;
const headerBytesMax = 4096;

const run = v.strictObject({ first: count, count });

const headerSchema = v.strictObject({
  v: v.literal(1),
  session: hex16,
  requester: hex32,
  payer: hex32,
  root: hex32,
  class: v.pipe(v.string(), v.maxLength(128)),
  place: v.strictObject({
    peer: hex32,
    from: count,
    to: count,
    embedding: v.boolean(),
    head: v.boolean(),
  }),
  request: hex32,
  serial: count,
  isEmbedding: v.boolean(),
  input: run,
  output: run,
  logits: run,
});

/** The bytes that are kept of a record that was signed for up to position `to`. */
export function encodeLeafFile(record: SessionRecord, to: number): Uint8Array {
  const { open, place, request, serial, isEmbedding = place.embedding } = record;
  const runs = [record.input, record.output, record.logits].map((one) => {
    const kept = Math.max(0, Math.min(to, one.end) - one.first);
    return { first: one.first, count: kept, leaves: one.tree.leaves(kept) };
  });
  const [input, output, logits] = runs.map(({ first, count }) => ({ first, count }));
  const { session, requester, payer, root, numericClass } = open;
  const { peer, from, to: end, embedding, head } = place;
  const header = new TextEncoder().encode(JSON.stringify({
    ...{ v: 1, session, requester, payer, root, class: numericClass },
    place: { peer, from, to: end, embedding, head },
    ...{ request, serial, isEmbedding, input, output, logits },
  }));
  const leavesBytes = runs.reduce((sum, { leaves }) => sum + leaves.length, 0);
  const bytes = new Uint8Array(4 + header.length + leavesBytes + digestBytes);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  let at = 4 + header.length;
  for (const { leaves } of runs) {
    bytes.set(leaves, at);
    at += leaves.length;
  }
  bytes.set(createHash("sha256").update(bytes.subarray(0, at)).digest(), at);
  return bytes;
}

/** The record of a file; undefined where the file is cut, changed or of another version. */
export function decodeLeafFile(bytes: Uint8Array): SessionRecord | undefined {
  const end = bytes.length - digestBytes;
  if (end < 4) return undefined;
  const digest = createHash("sha256").update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) return undefined;
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (headerBytes > headerBytesMax || 4 + headerBytes > end) return undefined;
  const header = headerOf(bytes.subarray(4, 4 + headerBytes));
  if (header === undefined) return undefined;
  const { place, input, output, logits } = header;
  const leavesBytes = leafBytes * (input.count + output.count + logits.count);
  if (4 + headerBytes + leavesBytes !== end) return undefined;
  const { session, requester, payer, root, class: numericClass } = header;
  const open = { session, requester, payer, root, numericClass, stages: [place] };
  const record = new SessionRecord({ open, place, held: input.first });
  let at = 4 + headerBytes;
  for (
    const [target, { first, count }] of [
      [record.input, input],
      [record.output, output],
      [record.logits, logits],
    ] as const
  ) {
    target.put(first, bytes.subarray(at, at + leafBytes * count));
    at += leafBytes * count;
  }
  record.isEmbedding = header.isEmbedding;
  record.request = header.request;
  record.serial = header.serial;
  return record;
}

function headerOf(bytes: Uint8Array): v.InferOutput<typeof headerSchema> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const parsed = v.safeParse(headerSchema, value);
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
