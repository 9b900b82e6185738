/**
 * Loading: sources of every temper, and how it ends early.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, loadExecutor } from "../../src/engine/mod.ts";
import { hasCode } from "./_executor_contract.ts";
import { digestsOf, readGolden } from "./_digests.ts";
import { openFixture } from "./_fixtures.ts";

const name = "stories260K-q8_0";

test("a source that refuses shared memory is read through memory of its own", async () => {
  const fixture = await openFixture(name);
  const { source } = fixture;
  let refusals = 0;
  const proud = {
    ...source,
    read: (into: Uint8Array, position: number): Promise<number> => {
      if (into.buffer instanceof ArrayBuffer) return source.read(into, position);
      refusals++;
      return Promise.reject(new TypeError("Cannot read into shared memory"));
    },
  };
  const executor = await loadExecutor({ ...fixture, source: proud, threads: 2 });
  assert.equal(refusals, 1);
  const expected = readGolden().fixtures[name];
  assert.deepEqual(await digestsOf(executor, expected?.tokens ?? []), expected);
  executor.close();
});

test("a source is read in the file's order and at most in pieces of 4 MiB", async () => {
  const fixture = await openFixture("stories260K-f32");
  const { source, file } = fixture;
  const reads: [number, number][] = [];
  const noting = {
    ...source,
    read: (into: Uint8Array, position: number): Promise<number> => {
      reads.push([position, into.length]);
      return source.read(into, position);
    },
  };
  const executor = await loadExecutor({ ...fixture, source: noting });
  executor.close();
  const matrices = [...file.tensors.values()].filter(({ shape }) => shape.length > 1).length;
  const starts = reads.slice(0, matrices).map(([position]) => position);
  assert.deepEqual(starts, starts.toSorted((a, b) => a - b));
  assert.ok(reads.every(([, bytes]) => bytes <= 2 ** 22));
  const total = reads.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert.equal(total, [...file.tensors.values()].reduce((sum, each) => sum + each.sizeBytes, 0));
});

test("a read that fails ends the loading with its error, and the threads", async () => {
  const fixture = await openFixture(name);
  let reads = 0;
  const failing = {
    ...fixture.source,
    read: (into: Uint8Array, position: number): Promise<number> =>
      ++reads > 3
        ? Promise.reject(new EngineError({ code: "short-read", message: "Cannot read any more" }))
        : fixture.source.read(into, position),
  };
  await assert.rejects(
    loadExecutor({ ...fixture, source: failing, threads: 2 }),
    hasCode("short-read", /any more/),
  );
});

test("weights that threads pack, and those that the host packs until they are started, give the same digests", async () => {
  const expected = readGolden().fixtures[name];
  for (const readMs of [0, 50]) {
    const fixture = await openFixture(name);
    const slow = {
      ...fixture.source,
      read: async (into: Uint8Array, position: number): Promise<number> => {
        if (readMs > 0) await sleep(readMs);
        return await fixture.source.read(into, position);
      },
    };
    const executor = await loadExecutor({ ...fixture, source: slow, threads: 3 });
    assert.deepEqual(await digestsOf(executor, expected?.tokens ?? []), expected);
    executor.close();
  }
});
