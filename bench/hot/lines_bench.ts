/**
 * How long does it take to split NDJSON of lines up to 64 bytes into offsets? Expected: about 5 ns a
 * line. Followed by JSON.parse the split hardly matters on Node: this is for lines that are routed,
 * hashed or forwarded.
 */
import { FrameScanner } from "../../src/hot/mod.ts";
import type { Comparison, Row } from "../harness.ts";

const LIMITS = { bytesMax: 4096 };
const LF = 10;

/** The row of lines. */
export const row: Row = {
  name: "ndjson-lines",
  what: "NDJSON split, lines up to 64 B, per line",
  gates: [{ peer: "fastest", node: 2.5, deno: 3 }],
  prepare(small): Promise<Comparison> {
    const count = small ? 20 : 2000;
    const text = Array.from({ length: count }, (_, i) => `${"x".repeat((i * 31) % 65)}\n`).join("");
    const data = new TextEncoder().encode(text);
    const scanner = new FrameScanner();
    const table = new Uint32Array(2 * count);
    const counts = [0, 0, 0];
    return Promise.resolve({
      ours: {
        name: "skep",
        run: () => void (counts[0] = scanner.scanLines(data, LIMITS)),
        checksum: () => counts[0] ?? 0,
      },
      peers: [{
        name: "JS loop over bytes",
        run: () => void (counts[1] = splitByLoop(data, table)),
        checksum: () => counts[1] ?? 0,
      }, {
        name: "JS indexOf",
        run: () => void (counts[2] = splitByIndexOf(data, table)),
        checksum: () => counts[2] ?? 0,
      }],
      units: count,
    });
  },
};

function splitByLoop(data: Uint8Array, table: Uint32Array): number {
  let start = 0;
  let n = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== LF) continue;
    if (i - start > LIMITS.bytesMax) throw new RangeError("Cannot split a line as it is too long");
    table[2 * n] = start;
    table[2 * n + 1] = i - start;
    n++;
    start = i + 1;
  }
  return n;
}

function splitByIndexOf(data: Uint8Array, table: Uint32Array): number {
  let start = 0;
  let n = 0;
  for (;;) {
    const feed = data.indexOf(LF, start);
    if (feed < 0) return n;
    if (feed - start > LIMITS.bytesMax) {
      throw new RangeError("Cannot split a line as it is too long");
    }
    table[2 * n] = start;
    table[2 * n + 1] = feed - start;
    n++;
    start = feed + 1;
  }
}
