/** The other implementations of BLAKE3 as contenders, and the native SHA-256. */
import { hash } from "node:crypto";
import { checksumOf } from "../_measure.ts";
import { keep } from "../harness.ts";
import type { Contender } from "../harness.ts";
import { importPeer, requirePeer } from "../peers/load.ts";

interface Blake3Jit {
  hashInto(input: Uint8Array, out: Uint8Array): void;
  warmupSimd(): unknown;
}

interface HashWasm {
  createBLAKE3(): Promise<{
    init(): { update(input: Uint8Array): { digest(form: "binary"): Uint8Array } };
  }>;
}

interface BlakeHash {
  blake3(input: Uint8Array): Uint8Array<ArrayBuffer>;
}

/** Contenders that hash `input`, as far as installed. */
export async function blake3Peers(input: Uint8Array): Promise<readonly Contender[]> {
  const contenders: Contender[] = [];
  const jit = await importPeer<Blake3Jit>("blake3-jit/dist/index.js");
  if (jit !== undefined) {
    jit.warmupSimd();
    const out = new Uint8Array(32);
    contenders.push({
      name: "blake3-jit",
      run: () => jit.hashInto(input, out),
      checksum: () => checksumOf(out),
    });
  }
  const hashWasm = await requirePeer<HashWasm>("hash-wasm")?.createBLAKE3();
  if (hashWasm !== undefined) {
    let out = new Uint8Array(0);
    contenders.push({
      name: "hash-wasm",
      run: () => void (out = hashWasm.init().update(input).digest("binary") as typeof out),
      checksum: () => checksumOf(out),
    });
  }
  const native = requirePeer<BlakeHash>("@napi-rs/blake-hash");
  if (native !== undefined) {
    let out = new Uint8Array(0);
    contenders.push({
      name: "@napi-rs/blake-hash",
      run: () => void (out = native.blake3(input)),
      checksum: () => checksumOf(out),
    });
  }
  return contenders;
}

/** Native SHA-256 in its fastest form; another hash, so it has no comparable checksum. */
export function sha256Contender(input: Uint8Array): Contender {
  return {
    name: "crypto.hash sha256",
    run: () => keep(hash("sha256", input, "hex").length),
    checksum: () => NaN,
  };
}
