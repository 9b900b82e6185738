import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { createBLAKE3 } from "hash-wasm";
import { Blake3 } from "../../src/hot/blake3.ts";
import { encodeHex } from "../../src/hot/hex.ts";
import { bytesFrom, KERNELS, runs } from "./_runs.ts";

interface Vectors {
  readonly key: string;
  readonly context_string: string;
  readonly cases: readonly Readonly<Record<string, string> & { input_len: number }>[];
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../vectors/blake3/test_vectors.json", import.meta.url), "utf8"),
);
const key = new TextEncoder().encode(vectors.key);

for (const kernel of KERNELS) {
  const modes = {
    hash: new Blake3({ kernel }),
    keyed_hash: new Blake3({ kernel, key }),
    derive_key: new Blake3({ kernel, context: vectors.context_string }),
  };

  test(`Blake3 (${kernel}) gives the 35 official vectors in every mode, extended too`, () => {
    assert.equal(vectors.cases.length, 35);
    for (const each of vectors.cases) {
      const input = Uint8Array.from({ length: each.input_len }, (_, i) => i % 251);
      for (const [mode, blake3] of Object.entries(modes)) {
        assert.equal(blake3.kind, kernel);
        const expected = each[mode] ?? "";
        const extended = new Uint8Array(131);
        blake3.extendInto(input, extended);
        assert.equal(encodeHex(extended), expected, `${mode} of ${each.input_len} bytes`);
        assert.equal(blake3.hashHex(input), expected.slice(0, 64));
      }
    }
  });

  test(`Blake3.extendInto() (${kernel}) reads far into the stream and at any offset`, () => {
    // Positions checked against another implementation: end of 2^31, 2^32 blocks, and 2^53 bytes.
    const input = new TextEncoder().encode("The quick brown fox jumps over the lazy dog");
    const places: readonly (readonly [number, string])[] = [
      [0, "2f1514181aadccd913ab"],
      [2 ** 31 - 10, "a224c58b681656471bb49c5773c9f545cbd338e3"],
      [2 ** 32 - 10, "85ae3f8181acb602df2a104ffc4b1faf9e5156d3"],
      [64 * 2 ** 31 - 10, "473705d164998022de631a525db16245e363eb78"],
      [64 * 2 ** 32 - 10, "ce1b8f63b57d26fd525debe3bdd15ac2a0aeb975"],
      [2 ** 53 - 11, "db5aa1a73e9386ab0c"],
    ];
    for (const [offset, digits] of places) {
      const shift = offset === 2 ** 53 - 11 ? 1 : 0;
      const out = new Uint8Array(digits.length / 2);
      modes.hash.extendInto(input, out, offset + shift);
      assert.equal(encodeHex(out), digits);
    }
    assert.throws(() => modes.hash.extendInto(input, new Uint8Array(2), 2 ** 53 - 1), RangeError);
    assert.throws(() => modes.hash.extendInto(input, new Uint8Array(2), -1), RangeError);
    assert.throws(() => modes.hash.extendInto(input, new Uint8Array(2), 0.5), RangeError);
  });

  test(`Blake3.hashBatch() (${kernel}) equals one digest at a time, whatever the lengths`, () => {
    const blake3 = new Blake3({ kernel });
    const length = fc.oneof(
      fc.constantFrom(0, 1, 63, 64, 65, 1023, 1024, 1025, 4096),
      fc.nat({ max: 600 }),
    );
    fc.assert(
      fc.property(fc.array(length, { maxLength: 40 }), fc.integer(), (lengths, seed) => {
        const data = bytesFrom(seed, lengths.reduce((sum, each) => sum + each, 7));
        const table = new Uint32Array(2 * lengths.length + 3);
        let at = 7;
        for (const [i, each] of lengths.entries()) {
          table.set([at, each], 2 * i);
          at += each;
        }
        const out = new Uint8Array(32 * lengths.length + 5).fill(9);
        blake3.hashBatch({ data, table, count: lengths.length, out });
        for (let i = 0; i < lengths.length; i++) {
          const start = table[2 * i] ?? 0;
          const input = data.subarray(start, start + (table[2 * i + 1] ?? 0));
          assert.equal(encodeHex(out, 32 * i, 32), modes.hash.hashHex(input));
        }
        assert.deepEqual([...out.subarray(-5)], [9, 9, 9, 9, 9]);
      }),
      runs(kernel === "wasm" ? 60 : 15),
    );
  });

  test(`Blake3.hashBatch() (${kernel}) takes more inputs, and wider apart, than fit at once`, () => {
    const blake3 = new Blake3({ kernel });
    const data = bytesFrom(3, 3 << 20);
    const count = 4100;
    const table = Uint32Array.from({ length: 2 * count }, (_, i) => i % 2 === 0 ? i : 3);
    table.set([5, 1_500_000, 2_900_000, 100], 40);
    const out = new Uint8Array(32 * count);
    blake3.hashBatch({ data, table, count, out });
    for (const i of [0, 19, 20, 21, 22, 4095, 4096, 4099]) {
      const at = table[2 * i] ?? 0;
      const input = data.subarray(at, at + (table[2 * i + 1] ?? 0));
      assert.equal(encodeHex(out, 32 * i, 32), modes.hash.hashHex(input), `input ${i}`);
    }
  });
}

test("the copied vectors are what another implementation gives, in the modes that it has", async () => {
  const bits = 131 * 8;
  const modes = { hash: await createBLAKE3(bits), keyed_hash: await createBLAKE3(bits, key) };
  for (const each of vectors.cases) {
    const input = Uint8Array.from({ length: each.input_len }, (_, i) => i % 251);
    for (const [mode, peer] of Object.entries(modes)) {
      const digits = peer.init().update(input).digest("hex");
      assert.equal(digits, each[mode], `${mode} of ${each.input_len} bytes`);
    }
  }
});

test("Blake3 agrees with its twin and with hash-wasm on random inputs and keys", async () => {
  const plain = new Blake3({ kernel: "plain" });
  const wasm = new Blake3();
  const peer = await createBLAKE3();
  const digest = new Uint8Array(32);
  const length = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 70_000 }));
  fc.assert(
    fc.property(length, fc.integer(), (bytes, seed) => {
      const input = bytesFrom(seed, bytes);
      wasm.hashInto(input, digest);
      const expected = peer.init().update(input).digest("hex");
      assert.equal(encodeHex(digest), expected);
      if (bytes < 20_000) assert.equal(plain.hashHex(input), expected);
    }),
    runs(60),
  );
  const key = bytesFrom(5, 32);
  const keyed = await createBLAKE3(256, key);
  const input = bytesFrom(6, 200_000);
  assert.equal(new Blake3({ key }).hashHex(input), keyed.init().update(input).digest("hex"));
});

test("Blake3 hashes bytes of its arena in place, and into any place of the output", () => {
  const blake3 = new Blake3();
  const input = bytesFrom(8, 100_000);
  const expected = blake3.hashHex(input);
  blake3.arena.set(input, 4096);
  assert.equal(blake3.hashHex(blake3.arena.subarray(4096, 4096 + input.length)), expected);
  const out = new Uint8Array(40);
  blake3.hashInto(input, out, 8);
  assert.equal(encodeHex(out, 8, 32), expected);
  assert.equal(encodeHex(out, 0, 8), "0000000000000000");
  const own = input.slice(0, 64);
  const before = blake3.hashHex(own);
  blake3.hashInto(own, own, 16);
  assert.equal(encodeHex(own, 16, 32), before);
});

test("Blake3 refuses keys, modes, outputs and tables that are out of range", () => {
  assert.throws(() => new Blake3({ key: new Uint8Array(31) }), RangeError);
  assert.throws(() => new Blake3({ key: new Uint8Array(32), context: "both" }), TypeError);
  const blake3 = new Blake3();
  const data = new Uint8Array(10);
  assert.throws(() => blake3.hashInto(data, new Uint8Array(31)), /'out' must have 32 bytes/);
  assert.throws(() => blake3.hashInto(data, new Uint8Array(64), 33), RangeError);
  assert.throws(() => blake3.hashInto(data, new Uint8Array(64), -1), RangeError);
  const out = new Uint8Array(64).fill(7);
  const table = Uint32Array.of(0, 10, 1, 10);
  assert.throws(() => blake3.hashBatch({ data, table, count: 2, out }), /input 1 must end within/);
  assert.throws(() => blake3.hashBatch({ data, table, count: 3, out }), /two words per input/);
  assert.throws(() => blake3.hashBatch({ data, table, count: -1, out }), RangeError);
  const short = new Uint8Array(31);
  assert.throws(() => blake3.hashBatch({ data, table, count: 1, out: short }), RangeError);
  assert.ok(out.every((byte) => byte === 7), "nothing was written");
});
