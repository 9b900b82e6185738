/**
 * How long does it take to find frames of 64 bytes and validate their UTF-8? Expected: below 20 ns a
 * frame in one pass; `isUtf8` is fast, its call is not.
 */
import { isUtf8 } from "node:buffer";
import { FrameScanner } from "../../src/hot/mod.ts";
import type { Comparison, Row } from "../harness.ts";
import { frameStretch, plainScan } from "./frame_inputs.ts";

const LIMITS = { bytesMax: 4096, utf8: true };

/** The row of validated frames. */
export const row: Row = {
  name: "utf8-frames",
  what: "length frames + UTF-8 validation, 64 B, per frame",
  gates: [{ peer: "JS scan + isUtf8", node: 3, deno: 3 }],
  prepare(small): Promise<Comparison> {
    const { data, count } = frameStretch(small ? 20 : 1000, () => 64);
    const scanner = new FrameScanner();
    const table = new Uint32Array(2 * count);
    let ours = 0;
    let theirs = 0;
    return Promise.resolve({
      ours: {
        name: "skep",
        run: () => void (ours = scanner.scanFrames(data, LIMITS)),
        checksum: () => ours,
      },
      peers: [{
        name: "JS scan + isUtf8",
        run: () => {
          const found = plainScan(data, table, LIMITS.bytesMax);
          theirs = 0;
          for (let i = 0; i < found; i++) {
            const at = table[2 * i] as number;
            if (isUtf8(data.subarray(at, at + (table[2 * i + 1] as number)))) theirs++;
          }
        },
        checksum: () => theirs,
      }],
      units: count,
    });
  },
};
