/**
 * How much of what there is goes to pages, and what is said when it is too little.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { planPages } from "../../src/engine/_page_room.ts";
import type { PageRoomOptions } from "../../src/engine/_page_room.ts";
import { presetShape } from "../../bench/models/presets.ts";
import { hasCode } from "./_executor_contract.ts";

const shape = presetShape("1b");
/** 22 layers x 4 heads x 2 x 64 elements x 32 positions x 4 B. */
const pageBytes = 22 * 4 * 2 * 64 * 32 * 4;

function options(changes: Partial<PageRoomOptions> = {}): PageRoomOptions {
  return {
    name: "model",
    shape,
    layers: { from: 0, to: 22 },
    contextAsked: undefined,
    contextMax: 2048,
    kvBytesMax: undefined,
    keyValueType: "f32",
    partBytesMax: 2 ** 32,
    availableBytes: undefined,
    fixedBytes: 1_200_000_000,
    layersBytes: 1_100_000_000,
    ...changes,
  };
}

test("planPages() gives four contexts, what fits of them, or what was asked for", () => {
  const four = { pageBytes, layerPageBytes: pageBytes / 22, pageCountMax: 256, contextMax: 2048 };
  assert.deepEqual(planPages(options()), four);
  const half = planPages(options({ keyValueType: "f16" }));
  assert.deepEqual([half.pageBytes, half.pageCountMax], [pageBytes / 2, 256]);
  const less = planPages(options({ availableBytes: 1_200_000_000 + 100 * pageBytes }));
  assert.deepEqual([less.pageCountMax, less.contextMax], [100, 2048]);
  assert.equal(planPages(options({ kvBytesMax: 7 * pageBytes + 1 })).pageCountMax, 7);
  assert.throws(() => planPages(options({ kvBytesMax: pageBytes - 1 })), RangeError);
  assert.throws(() => planPages(options({ kvBytesMax: NaN })), RangeError);
});

test("planPages() shortens a context that nobody asked for, and refuses one that was", () => {
  const availableBytes = 1_200_000_000 + 70 * pageBytes;
  const long = { contextMax: 131_072, availableBytes };
  const { contextMax, pageCountMax } = planPages(options(long));
  assert.deepEqual([contextMax, pageCountMax], [70 * 32, 70]);
  assert.throws(
    () => planPages(options({ ...long, contextAsked: 131_072 })),
    hasCode("no-memory", /131072 positions .*; a context of 2240 positions would fit/),
  );
  assert.throws(
    () => planPages(options({ contextMax: 131_072, availableBytes: 1_200_000_000 + pageBytes })),
    hasCode("no-memory", /a context of 32 positions would fit/),
    "too short a context to be given unasked",
  );
});

test("planPages() says how many layers would fit where no page does", () => {
  const refusal =
    /the machine has 650000000 bytes: .* 1200000000, .*; 10 of its 22 layers would fit/;
  assert.throws(
    () => planPages(options({ availableBytes: 650_000_000 })),
    hasCode("no-memory", refusal),
  );
  assert.throws(
    () => planPages(options({ partBytesMax: 1_000 })),
    hasCode("no-memory", /one WebAssembly memory holds 1000 bytes: .*; 0 of its 22 layers/),
  );
});

test("planPages() names no context beyond the model's, and what kvBytesMax may be", () => {
  const availableBytes = 1_200_000_000 + 100 * pageBytes;
  assert.throws(
    () => planPages(options({ availableBytes, kvBytesMax: Number.MAX_SAFE_INTEGER })),
    hasCode("no-memory", new RegExp(`; "kvBytesMax" of up to ${100 * pageBytes} would fit$`)),
  );
});
