import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "../../../src/services/api/merge.ts";

async function* counting(count: number, turns: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    yield i;
  }
}

test("merge() gives every item of every stream, each stream's in order", async () => {
  const streams = [counting(5, 1), counting(0, 1), counting(9, 3), counting(2, 40)];
  const merged = await Array.fromAsync(merge(streams));
  const counts = [5, 0, 9, 2];
  counts.forEach((count, index) => {
    const items = merged.filter((one) => one.index === index).map(({ item }) => item);
    assert.deepEqual(items, Array.from({ length: count }, (_, i) => i));
  });
  assert.equal(merged.length, 16);
});

test("merge() lets no stream wait for another, and asks for no more than was taken", async () => {
  let asked = 0;
  async function* endless(): AsyncGenerator<number> {
    for (;;) yield asked++;
  }
  const merged = merge([endless(), endless()]);
  const seen = new Set<number>();
  for (let i = 0; i < 4; i++) {
    const { value } = await merged.next();
    assert.ok(value !== undefined);
    seen.add(value.index);
  }
  assert.equal(seen.size, 2);
  assert.ok(asked <= 5, `${asked} items were asked for`);
  await merged.return(undefined);
});

test("merge() fails as the first stream that fails", async () => {
  // deno-lint-ignore require-yield
  async function* failing(): AsyncGenerator<number> {
    await Promise.resolve();
    throw new TypeError("broken");
  }
  await assert.rejects(Array.fromAsync(merge([counting(3, 9), failing()])), /broken/);
});
