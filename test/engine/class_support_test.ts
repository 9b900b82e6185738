import assert from "node:assert/strict";
import { test } from "node:test";
import { classSupport, loadExecutor } from "../../src/engine/mod.ts";
import { fixtureNames, openFixture } from "./_fixtures.ts";

test("classSupport() names the classes of every fixture, and what loading would refuse", async () => {
  for (const name of fixtureNames) {
    const { file } = await openFixture(name);
    assert.deepEqual(
      classSupport(file),
      { numericClasses: ["skep-q8a/1", "skep-q8a-kv16/1"], obstacles: [] },
      name,
    );
  }
  const fixture = await openFixture("stories260K-q8_0");
  for (const name of ["blk.0.attn_norm.weight", "blk.4.ffn_norm.weight", "output_norm.weight"]) {
    const tensors = new Map(fixture.file.tensors);
    const info = tensors.get(name);
    assert.ok(info !== undefined);
    tensors.set(name, { ...info, type: "Q6_K" });
    const file = { ...fixture.file, tensors };
    const { numericClasses, obstacles } = classSupport(file);
    assert.deepEqual(numericClasses, []);
    assert.match(obstacles.join(), new RegExp(`${name}.*Q6_K`));
    await assert.rejects(loadExecutor({ ...fixture, file }));
  }
  const metadata = new Map(fixture.file.metadata).set("general.architecture", "gpt2");
  assert.match(classSupport({ ...fixture.file, metadata }).obstacles.join(), /gpt2/);
});
