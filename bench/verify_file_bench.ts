/**
 * How close does `skep model verify` come to the hash kernel's own speed, for 1 GiB in the page cache?
 *
 * Expected: a ratio of 0.8 or more where a second core is free to read; without one, reading takes its
 * turn with hashing, and 0.75 is all there is. The resident memory is printed too: it must not grow
 * with the file. Rounds of both are interleaved, and the median of their ratios counts. The checksum
 * is of the file's root.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Blake3, encodeHex, OutboardBuilder, outboardBytes } from "../src/hot/mod.ts";
import { verifyModel } from "../src/model/mod.ts";
import type { ModelManifest } from "../src/model/mod.ts";
import { realDisk } from "../src/ports/mod.ts";
import type { Disk } from "../src/ports/mod.ts";
import { ModelledDisk } from "../src/sim/mod.ts";
import { checksumOf, small } from "./_measure.ts";
import { machineLine, medianOf, RUNTIME } from "./harness.ts";

/** As src/model reads: two pieces of 30 groups, behind a page of pairs. */
const PIECE_BYTES = 480 * 1024;
const SLOTS = 2;
const PAGE_BYTES = 65_536;

const PIECES = small ? 16 : Math.ceil(2 ** 30 / PIECE_BYTES);
const SIZE_BYTES = PIECES * PIECE_BYTES;
const ROUNDS = small ? 1 : 9;
const GATE = 0.8;

const blake3 = new Blake3();

/** Writes the file and its outboard, and gives the manifest that names them. */
async function writeModel(disk: Disk, directory: string): Promise<ModelManifest> {
  const builder = new OutboardBuilder(blake3, SIZE_BYTES);
  const piece = blake3.arena.subarray(0, PIECE_BYTES);
  const file = await disk.open(join(directory, "model.bin"), "create");
  for (let index = 0; index < PIECES; index++) {
    for (let at = 0; at < PIECE_BYTES; at += 4096) piece.fill(index ^ (at >> 12), at, at + 4096);
    builder.add(piece);
    await file.write(piece);
  }
  await file.close();
  const tree = builder.finish();
  const outboard = await disk.open(join(directory, "model.outboard"), "create");
  await outboard.write(tree.outboard);
  await outboard.close();
  const digest = blake3.hashHex(tree.outboard);
  const sizeBytes = outboardBytes(SIZE_BYTES);
  return {
    format: "skep-model/1",
    name: "bench",
    file: { path: "model.bin", sizeBytes: SIZE_BYTES, modifiedMs: 0 },
    root: encodeHex(tree.root),
    outboard: { path: "model.outboard", sizeBytes, digest },
    numericClasses: [],
    obstacles: [],
    shards: [],
  };
}

/** The kernel over pieces that are in its memory already: what no reader can beat. */
function hashInPlace(): void {
  const values = new Uint8Array(64 * 32);
  for (let piece = 0; piece < PIECES; piece++) {
    const at = PAGE_BYTES + (piece % SLOTS) * PIECE_BYTES;
    blake3.groupValuesInto(blake3.arena.subarray(at, at + PIECE_BYTES), piece * 30, values);
  }
}

async function bytesPerSecond(run: () => Promise<void> | void): Promise<number> {
  const began = performance.now();
  await run();
  return SIZE_BYTES * 1000 / (performance.now() - began);
}

async function run(disk: Disk, directory: string): Promise<void> {
  const manifest = await writeModel(disk, directory);
  const verify = async (): Promise<void> => {
    const { state } = await verifyModel({ disk, directory, manifest });
    if (state !== "intact") throw new RangeError(`Cannot trust a file that is ${state}`);
  };
  const kernelRates = [await bytesPerSecond(hashInPlace)];
  const verifyRates: number[] = [];
  const ratios: number[] = [];
  const residentMib: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const verifyRate = await bytesPerSecond(verify);
    const after = await bytesPerSecond(hashInPlace);
    // The machine's speed wanders: each round is held against the kernel just before and after it.
    ratios.push(2 * verifyRate / ((kernelRates.at(-1) ?? after) + after));
    kernelRates.push(after);
    verifyRates.push(verifyRate);
    residentMib.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
  }
  const [kernel, verified] = [medianOf(kernelRates), medianOf(verifyRates)];
  const ratio = medianOf(ratios);
  console.log(`${machineLine()}
kernel alone ${Math.round(kernel / 1e6)} MB/s, verify ${Math.round(verified / 1e6)} MB/s, ratio ${
    ratio.toFixed(2)
  } (gate ${GATE}), resident MiB by round ${residentMib.join(" ")}`);
  console.log(JSON.stringify({
    name: `verify a file of ${Math.round(SIZE_BYTES / 2 ** 20)} MiB`,
    rate: Number(verified.toPrecision(4)),
    unit: "byte/s",
    kernelRate: Number(kernel.toPrecision(4)),
    ratio: Number(ratio.toFixed(3)),
    gate: GATE,
    pass: ratio >= GATE,
    residentMib,
    checksum: checksumOf(new TextEncoder().encode(manifest.root)),
    runtime: RUNTIME,
  }));
}

if (small) {
  const disk = new ModelledDisk();
  await disk.makeDirectory("/models");
  await run(disk, "/models");
} else {
  const directory = mkdtempSync(join(tmpdir(), "skep-verify-"));
  try {
    await run(realDisk(), directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
