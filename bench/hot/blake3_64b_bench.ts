/**
 * How long does a digest of 64 bytes take, into an array that is there? Expected: under 200 ns, most
 * of it one compression; what others lose here is allocation.
 */
import { Blake3 } from "../../src/hot/mod.ts";
import { checksumOf } from "../_measure.ts";
import type { Comparison, Row } from "../harness.ts";
import { blake3Peers, sha256Contender } from "./blake3_peers.ts";

/** The row of 64 bytes. */
export const row: Row = {
  name: "blake3-64b",
  what: "BLAKE3, 64 B, `hashInto`",
  gates: [{ peer: "fastest", node: 1.8, deno: 1.8 }],
  async prepare(): Promise<Comparison> {
    const input = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
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
