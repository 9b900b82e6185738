import assert from "node:assert/strict";
import { test } from "node:test";
import { realRandom } from "../../src/ports/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";

const sources = { realRandom: realRandom(), SeededRandom: new SeededRandom(1) };

for (const [name, random] of Object.entries(sources)) {
  test(`${name}: fill() returns the same array, filled, of any length`, () => {
    const bytes = new Uint8Array(100_000);
    assert.equal(random.fill(bytes), bytes);
    const seen = new Set(bytes);
    assert.equal(seen.size, 256);
    assert.notDeepEqual(bytes, random.fill(new Uint8Array(100_000)));
    assert.equal(random.fill(new Uint8Array(0)).length, 0);
  });

  test(`${name}: fill() stays inside a view`, () => {
    const whole = new Uint8Array(64);
    random.fill(whole.subarray(16, 48));
    assert.deepEqual(whole.subarray(0, 16), new Uint8Array(16));
    assert.deepEqual(whole.subarray(48), new Uint8Array(16));
  });
}
