/**
 * How long does a digest of a line of 100 to 500 bytes take, many at a time? Expected: about 250 ns a
 * line; native SHA-256 pays its call for each.
 */
import { hash } from "node:crypto";
import { Blake3 } from "../../src/hot/mod.ts";
import { checksumOf } from "../_measure.ts";
import { keep } from "../harness.ts";
import type { Comparison, Row } from "../harness.ts";

/** The row of batches. */
export const row: Row = {
  name: "blake3-batch",
  what: "BLAKE3 batch of lines of 100-500 B, per line",
  gates: [{ peer: "crypto.hash sha256", node: 1.6, deno: 3 }],
  prepare(small): Promise<Comparison> {
    const count = small ? 20 : 1000;
    const table = new Uint32Array(2 * count);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const length = 100 + (i * 137) % 401;
      table.set([at, length], 2 * i);
      at += length;
    }
    const data = Uint8Array.from({ length: at }, (_, i) => (i * 11) ^ (i >> 7));
    const lines = Array.from({ length: count }, (_, i) => {
      const start = table[2 * i] ?? 0;
      return data.subarray(start, start + (table[2 * i + 1] ?? 0));
    });
    const blake3 = new Blake3();
    const out = new Uint8Array(32 * count);
    const batch = { data, table, count, out };
    const single = new Uint8Array(32 * count);
    return Promise.resolve({
      ours: {
        name: "skep",
        run: () => blake3.hashBatch(batch),
        checksum: () => checksumOf(out),
      },
      peers: [
        {
          name: "crypto.hash sha256",
          run: () => {
            for (const line of lines) keep(hash("sha256", line, "hex").length);
          },
          checksum: () => NaN,
        },
        {
          name: "skep, one at a time",
          run: () => {
            for (let i = 0; i < lines.length; i++) {
              blake3.hashInto(lines[i] as Uint8Array, single, 32 * i);
            }
          },
          checksum: () => checksumOf(single),
        },
      ],
      units: count,
    });
  },
};
