/**
 * How long does it take to find plain length frames of up to 256 bytes? Expected: a few ns each as
 * offsets, some tens as views. Hand-written JavaScript ties with offsets: for plain prefixes alone
 * WebAssembly is no advantage, and that row says so.
 */
import { FrameScanner } from "../../src/hot/mod.ts";
import { keep } from "../harness.ts";
import type { Comparison, Contender, Row } from "../harness.ts";
import { importPeer } from "../peers/load.ts";
import { frameStretch, plainScan } from "./frame_inputs.ts";

interface LengthDecoder {
  (list: { getUint32(at: number): number }): number;
  bytes: number;
}

interface LengthPrefixed {
  decode(
    source: Iterable<Uint8Array>,
    options: { readonly lengthDecoder: LengthDecoder; readonly maxDataLength: number },
  ): Iterable<{ readonly byteLength: number }>;
}

const LIMITS = { bytesMax: 4096 };

/** Offsets in a table. */
export const row: Row = {
  name: "length-frames-offsets",
  what: "plain length frames up to 256 B, offsets, per frame",
  gates: [{ peer: "it-length-prefixed", node: 12, deno: 12 }],
  prepare: (small) => comparison(small, false),
};

/** A view of each frame. */
export const viewsRow: Row = {
  name: "length-frames-views",
  what: "plain length frames up to 256 B, views, per frame",
  gates: [{ peer: "it-length-prefixed", node: 4, deno: 4 }],
  prepare: (small) => comparison(small, true),
};

async function comparison(small: boolean, views: boolean): Promise<Comparison> {
  const { data, count } = frameStretch(small ? 20 : 1000, (i) => (i * 89) % 257);
  const scanner = new FrameScanner();
  const { records } = scanner;
  let sum = 0;
  function run(): void {
    const found = scanner.scanFrames(data, LIMITS);
    sum = found;
    if (!views) return;
    sum = 0;
    for (let i = 0; i < found; i++) {
      const at = records[2 * i] as number;
      sum += data.subarray(at, at + (records[2 * i + 1] as number)).length;
    }
  }
  const peers = [plainContender(data, views), await prefixedContender(data, views)];
  return {
    ours: { name: "skep", run, checksum: () => sum },
    peers: peers.filter((peer) => peer !== undefined),
    units: count,
  };
}

function plainContender(data: Uint8Array, views: boolean): Contender {
  const table = new Uint32Array(8192);
  let sum = 0;
  return {
    name: "plain JavaScript",
    run: () => {
      const found = plainScan(data, table, LIMITS.bytesMax);
      sum = found;
      if (!views) return;
      sum = 0;
      for (let i = 0; i < found; i++) {
        const at = table[2 * i] as number;
        sum += data.subarray(at, at + (table[2 * i + 1] as number)).length;
      }
    },
    checksum: () => sum,
  };
}

async function prefixedContender(data: Uint8Array, views: boolean): Promise<Contender | undefined> {
  const peer = await importPeer<LengthPrefixed>("it-length-prefixed/dist/src/index.js");
  if (peer === undefined) return undefined;
  const decoder: LengthDecoder = Object.assign(
    (list: { getUint32(at: number): number }) => list.getUint32(0),
    { bytes: 4 },
  );
  const options = { lengthDecoder: decoder, maxDataLength: 4096 };
  let sum = 0;
  return {
    name: "it-length-prefixed",
    run: () => {
      sum = 0;
      for (const frame of peer.decode([data], options)) sum += views ? frame.byteLength : 1;
      keep(sum);
    },
    checksum: () => sum,
  };
}
