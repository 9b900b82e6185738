import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryNeed } from "../../src/engine/mod.ts";
import { openFixture } from "./_fixtures.ts";

test("memoryNeed() tells bytes of a model that fits, and why one whose layer no memory holds does not", async () => {
  const { file } = await openFixture("stories260K-q8_0");
  const { bytes, obstacle } = memoryNeed(file);
  assert.ok(
    bytes !== undefined && bytes > 8_388_608 && bytes < 20_000_000 && obstacle === undefined,
  );
  const wide = memoryNeed(file, 1_000_000);
  assert.equal(wide.bytes, undefined);
  assert.match(
    wide.obstacle ?? "",
    /memories of 1000000 bytes, of whole layers each, do not hold/,
  );
});
