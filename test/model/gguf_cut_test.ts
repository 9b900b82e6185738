import assert from "node:assert/strict";
import { test } from "node:test";
import { cutGguf } from "../../bench/models/cut_gguf.ts";
import { bytesSource, openGguf, readModelShape } from "../../src/model/mod.ts";
import { fixtureBytes } from "../engine/_fixtures.ts";

test("cutGguf() keeps the asked layers' bytes, and everything that is in no layer", async () => {
  const bytes = fixtureBytes("stories260K-q8_0");
  const whole = await openGguf(bytesSource(bytes, "whole"));
  const cut = await cutGguf(bytes, { from: 2, to: 4 });
  const file = await openGguf(bytesSource(cut, "cut"));
  assert.deepEqual(readModelShape(file), {
    ...readModelShape(whole),
    layerCount: 2,
    family: readModelShape(file).family,
  });
  for (const [name, info] of file.tensors) {
    const from = whole.tensors.get(name.replace(/^blk\.(\d+)/, (_, n) => `blk.${Number(n) + 2}`));
    assert.ok(from !== undefined && from.type === info.type, name);
    assert.deepEqual(
      cut.subarray(info.offset, info.offset + info.sizeBytes),
      bytes.subarray(from.offset, from.offset + from.sizeBytes),
      name,
    );
  }
  assert.equal(file.tensors.size, whole.tensors.size - 3 * 9);
  assert.deepEqual([...file.metadata.keys()], [...whole.metadata.keys()]);
});
