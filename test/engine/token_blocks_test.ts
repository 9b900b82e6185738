/**
 * Goal: activations and tokens have the digests of two other implementations, whatever the length of
 * a row, how many there are, and where they lie. The kernels are called as the executor calls them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blake3 as hashWasm } from "hash-wasm";
import { hashTokenBlocks, loadExecutor, tokenChainSeed } from "../../src/engine/mod.ts";
import { instantiateKernels, kernelMemory } from "../../src/engine/_module.ts";
import type { Build } from "../../src/engine/_module.ts";
import { Blake3, decodeHex, encodeHex } from "../../src/hot/mod.ts";
import { openFixture } from "./_fixtures.ts";
import { fixtureRuns } from "./_runs.ts";

const WORKSPACE = 4096;
const OUT = 65_536;
const ROWS = 131_072;

/** Digests rows in memory that is dirty before and after them. */
function digestRows(build: Build, rows: number, bytes: number, gap: number): {
  readonly digests: Uint8Array;
  readonly rows: readonly Uint8Array[];
} {
  const stride = bytes + gap;
  const pages = Math.ceil((ROWS + rows * stride) / 65_536) + 1;
  const memory = kernelMemory(pages);
  const all = new Uint8Array(memory.buffer);
  for (let i = ROWS; i < all.length; i++) all[i] = (i * 131) ^ (i >> 7);
  instantiateKernels(memory, build).digestRows(ROWS, stride, rows, bytes, WORKSPACE, OUT);
  return {
    digests: all.slice(OUT, OUT + rows * 32),
    rows: Array.from(
      { length: rows },
      (_, i) => all.slice(ROWS + i * stride, ROWS + i * stride + bytes),
    ),
  };
}

async function checkRows(build: Build, rows: number, bytes: number, gap: number): Promise<void> {
  const result = digestRows(build, rows, bytes, gap);
  const twin = new Blake3({ kernel: "plain" });
  for (const [i, row] of result.rows.entries()) {
    const digest = encodeHex(result.digests, i * 32, 32);
    assert.equal(digest, await hashWasm(row), `row ${i} of ${rows} of ${bytes} bytes`);
    if (bytes < 5000) assert.equal(digest, twin.hashHex(row));
  }
}

test("digestRows() equals other implementations at every boundary of the tree", async () => {
  const widths = [1, 15, 16, 17, 64, 255, 256, 257, 272, 288, 511, 512, 513, 768, 1024, 1040];
  const wide = [2048, 2064, 4095, 4096, 5120, 8192, 16_384, 16_385, 16_400, 32_768, 65_536];
  for (const width of [...widths, ...wide]) {
    for (const rows of width < 1100 ? [1, 3, 4, 5, 8, 64] : [1, 5]) {
      await checkRows("best", rows, width * 4, 0);
    }
  }
});

test("digestRows() does not depend on what lies around the rows, nor on the build", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom<Build>("best", "plain"),
      (rows, width, gap, build) => checkRows(build, rows, width * 4, gap * 4),
    ),
    { numRuns: fixtureRuns(20) },
  );
});

/** The chain by its definition. */
async function chainOf(
  tokens: readonly number[],
  blockTokens: number,
  seed: Uint8Array,
): Promise<string> {
  let link = encodeHex(seed);
  let links = "";
  for (let at = 0; at + blockTokens <= tokens.length; at += blockTokens) {
    const view = new DataView(new ArrayBuffer(blockTokens * 4));
    tokens.slice(at, at + blockTokens).forEach((token, i) => view.setUint32(i * 4, token, true));
    const block = await hashWasm(new Uint8Array(view.buffer));
    link = await hashWasm(decodeHex(link + block));
    links += link;
  }
  return links;
}

test("token blocks have the links of their definition, with and without an executor", async () => {
  const executor = await loadExecutor(await openFixture("stories260K-q8_0"));
  const seed = tokenChainSeed({ numericClass: executor.numericClass, root: "ab".repeat(32) });
  const root = `${"ab".repeat(32)}`;
  const text = `skep-token-blocks/1\nskep-q8a/1\n${root}\n`;
  assert.equal(encodeHex(seed), await hashWasm(text));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(2 ** 31), { maxLength: 300 }),
      fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(16, 32, 255, 256)),
      async (tokens, blockTokens) => {
        const options = { blockTokens, seed };
        const links = hashTokenBlocks(Uint32Array.from(tokens), options);
        assert.equal(encodeHex(links), await chainOf(tokens, blockTokens, seed));
        assert.deepEqual(executor.digests?.tokenBlocks(Uint32Array.from(tokens), options), links);
      },
    ),
    { numRuns: fixtureRuns(30) },
  );
  executor.close();
  assert.throws(() => executor.digests?.tokenBlocks(Uint32Array.of(1), { blockTokens: 1, seed }));
});

test("tokenBlocks() names the longest common beginning, and refuses odd options", async () => {
  const executor = await loadExecutor(await openFixture("stories260K-q4_0"));
  const seed = new Uint8Array(32).fill(3);
  const a = Uint32Array.from({ length: 100 }, (_, i) => i);
  const b = a.slice();
  b[70] = 0;
  const links = [a, b].map((tokens) =>
    executor.digests?.tokenBlocks(tokens, { blockTokens: 32, seed }) ?? new Uint8Array(0)
  );
  const [one = seed, other = seed] = links;
  assert.equal(one.length, 96);
  assert.deepEqual(one.subarray(0, 64), other.subarray(0, 64));
  assert.notDeepEqual(one.subarray(64), other.subarray(64));
  for (const blockTokens of [0, 257, 1.5, NaN]) {
    for (const make of [executor.digests?.tokenBlocks, hashTokenBlocks]) {
      assert.throws(() => make?.(a, { blockTokens, seed }), /"blockTokens".*1 to 256/);
    }
  }
  const short = { blockTokens: 32, seed: seed.subarray(1) };
  assert.throws(() => hashTokenBlocks(a, short), /"seed".*32 bytes.*31/);
  executor.close();
});
