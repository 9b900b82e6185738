/** Goal: each tensor's bytes are in the shard of its part, once, and groups cover them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource, openGguf, shardGroups, shardName, shardsOf } from "../../src/model/mod.ts";
import { openWritten, tensor, tinyLlama } from "./_files.ts";
import { fixture } from "./_vectors.ts";

test("shardsOf() puts each tensor into the shards that need it", async () => {
  for (const name of ["stories260K-q8_0", "stories260K-f16"]) {
    const file = await openGguf(bytesSource(fixture(`models/stories260K/${name}.gguf`), name));
    const shards = shardsOf(file);
    const tied = !file.tensors.has("output.weight");
    for (const { name, offset, sizeBytes } of file.tensors.values()) {
      const layer = /^blk\.(\d+)\./.exec(name)?.[1];
      const wanted = layer !== undefined
        ? [`layer ${layer}`]
        : name === "token_embd.weight"
        ? tied ? ["embedding", "head"] : ["embedding"]
        : ["head"];
      const found = shards.filter(({ ranges }) =>
        ranges.some((range) =>
          range.offsetBytes <= offset &&
          offset + sizeBytes <= range.offsetBytes + range.lengthBytes
        )
      );
      assert.deepEqual(found.map(shardName), wanted, name);
    }
    assert.equal(shards[0]?.part, "header");
    assert.deepEqual(
      shards.filter(({ part }) => part === "layer").map(({ layer }) => layer),
      [0, 1, 2, 3, 4],
    );
  }
});

test("shardsOf() knows a tied head, layers above nine, and tensors of no part", async () => {
  const { metadata, tensors } = tinyLlama();
  const rest = tensors.filter(({ name }) => name !== "output.weight");
  const more = [tensor("blk.10.attn_norm.weight", [8]), tensor("v.patch.weight", [8])];
  const file = await openWritten({ metadata, tensors: [...rest, ...more] });
  const shards = shardsOf(file);
  assert.deepEqual(shards.map(shardName), [
    "header",
    "embedding",
    "layer 0",
    "layer 1",
    "layer 10",
    "head",
    "other",
  ]);
  const [embedding, head] = [shards[1], shards[5]];
  assert.deepEqual(head?.ranges[0], embedding?.ranges[0]);
  assert.equal(head?.ranges.length, 2);
});

test("shardGroups() covers ranges by whole groups and merges neighbours", () => {
  const groups = shardGroups({
    part: "layer",
    layer: 0,
    ranges: [
      { offsetBytes: 10, lengthBytes: 16_374 },
      { offsetBytes: 16_390, lengthBytes: 10 },
      { offsetBytes: 32_768, lengthBytes: 16_385 },
      { offsetBytes: 49_160, lengthBytes: 1 },
      { offsetBytes: 200_000, lengthBytes: 40_000 },
    ],
  });
  assert.deepEqual(groups, [{ first: 0, count: 4 }, { first: 12, count: 3 }]);
});
