/**
 * How fast is BLAKE3 of a large input? Expected: over 1.5 GB/s on a 3 GHz core; native code with
 * AVX-512 is several times faster, and is printed too.
 */
import { Blake3 } from "../../src/hot/mod.ts";
import { checksumOf } from "../_measure.ts";
import type { Comparison, Row } from "../harness.ts";
import { blake3Peers, sha256Contender } from "./blake3_peers.ts";

/** The row of 1 MiB. */
export const row: Row = {
  name: "blake3-1mib",
  what: "BLAKE3, 1 MiB",
  gates: [
    { peer: "blake3-jit", node: 1.25, deno: 1.25 },
    { peer: "hash-wasm", node: 2.2, deno: 2.2 },
  ],
  async prepare(small): Promise<Comparison> {
    const input = Uint8Array.from({ length: small ? 5000 : 1 << 20 }, (_, i) => (i * 7) ^ (i >> 8));
    const blake3 = new Blake3();
    const out = new Uint8Array(32);
    return {
      ours: {
        name: "skep",
        run: () => blake3.hashInto(input, out),
        checksum: () => checksumOf(out),
      },
      peers: [...await blake3Peers(input), sha256Contender(input)],
      units: 1,
    };
  },
};
