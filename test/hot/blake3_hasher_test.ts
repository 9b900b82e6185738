import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Blake3 } from "../../src/hot/blake3.ts";
import { Blake3Hasher } from "../../src/hot/blake3_hasher.ts";
import { encodeHex } from "../../src/hot/hex.ts";
import { bytesFrom, KERNELS, runs } from "./_runs.ts";

for (const kernel of KERNELS) {
  test(`Blake3Hasher (${kernel}) gives the same digest for every cut, beside other hashers`, () => {
    const blake3 = new Blake3({ kernel });
    const alone = new Blake3();
    const cuts = fc.array(fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 150_000 })), {
      maxLength: kernel === "wasm" ? 8 : 3,
    });
    fc.assert(
      fc.property(fc.array(cuts, { minLength: 1, maxLength: 3 }), fc.integer(), (plan, seed) => {
        const inputs = plan.map((pieces, i) =>
          bytesFrom(seed + i, pieces.reduce((sum, each) => sum + each, 0))
        );
        const hashers = plan.map(() => new Blake3Hasher(blake3));
        const at = plan.map(() => 0);
        for (let turn = 0; turn < 8; turn++) {
          for (const [i, pieces] of plan.entries()) {
            const piece = pieces[turn];
            if (piece === undefined) continue;
            const from = at[i] ?? 0;
            hashers[i]?.update((inputs[i] ?? new Uint8Array()).subarray(from, from + piece));
            at[i] = from + piece;
            blake3.hashHex(bytesFrom(1, turn % 2 === 0 ? 40 : 400));
          }
        }
        for (const [i, hasher] of hashers.entries()) {
          const input = inputs[i] ?? new Uint8Array();
          assert.equal(hasher.lengthBytes, input.length);
          assert.equal(hasher.finishHex(), alone.hashHex(input));
        }
      }),
      runs(kernel === "wasm" ? 40 : 4),
    );
  });
}

test("Blake3Hasher keeps the digest of full windows whatever is hashed in between", () => {
  const blake3 = new Blake3();
  for (const length of [65_535, 65_536, 65_537, 131_072, 196_609, 1_000_000]) {
    const input = bytesFrom(length, length);
    const hasher = new Blake3Hasher(blake3);
    for (let at = 0; at < length; at += 16_384) {
      hasher.update(input.subarray(at, at + 16_384));
      if (at % 65_536 === 0) blake3.hashHex(input.subarray(0, 70_000));
    }
    const extended = new Uint8Array(100);
    blake3.extendInto(input, extended);
    const out = new Uint8Array(100);
    hasher.finishExtendedInto(out);
    assert.equal(encodeHex(out), encodeHex(extended));
  }
});

test("Blake3Hasher hashes one byte at a time, and pieces read into the arena", () => {
  const blake3 = new Blake3();
  const input = bytesFrom(2, 5000);
  const expected = blake3.hashHex(input);
  const bytewise = new Blake3Hasher(blake3);
  for (let i = 0; i < input.length; i++) bytewise.update(input.subarray(i, i + 1));
  assert.equal(bytewise.finishHex(), expected);
  const placed = new Blake3Hasher(blake3);
  blake3.arena.set(input);
  assert.equal(placed.update(blake3.arena.subarray(0, input.length)).finishHex(), expected);
});

test("Blake3Hasher refuses to go on after its end, and short outputs before it", () => {
  const hasher = new Blake3Hasher(new Blake3()).update(new Uint8Array(3));
  assert.throws(() => hasher.finishInto(new Uint8Array(10)), RangeError);
  const out = new Uint8Array(33);
  hasher.finishInto(out, 1);
  assert.equal(encodeHex(out, 1, 32), new Blake3().hashHex(new Uint8Array(3)));
  assert.throws(() => hasher.update(new Uint8Array(1)), /has finished/);
  assert.throws(() => hasher.finishHex(), TypeError);
});
