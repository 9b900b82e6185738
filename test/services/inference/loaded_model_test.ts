/** What is refused before a model is loaded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { presetShape } from "../../../bench/models/presets.ts";
import { inferenceConfig } from "../../../src/services/inference/config.ts";
import { checkContext } from "../../../src/services/inference/loaded_model.ts";

/** 22 layers x 4 heads x 2 x 64 elements x 32 positions x 4 B; half of it as f16. */
const pageBytes = 22 * 4 * 2 * 64 * 32 * 4;
const shape = presetShape("1b");

function check(config: Record<string, unknown>): void {
  checkContext(v.parse(inferenceConfig, config), shape);
}

test("A context that inference.kvBytesMax does not hold is refused, with the bytes and what fits", () => {
  const context = shape.contextMax;
  const needed = context / 32 * pageBytes;
  check({ context, kvBytesMax: needed });
  check({ context, kvBytesMax: needed / 2, kvType: "f16" });
  check({ kvBytesMax: pageBytes });
  const kvBytesMax = needed - 1;
  const told = new RegExp(
    `"inference.context" of ${context} .*"inference.kvBytesMax" of ${needed}: .*${kvBytesMax}, which holds a context of ${
      context - 32
    }$`,
  );
  assert.throws(() => check({ context, kvBytesMax }), { name: "RangeError", message: told });
  assert.throws(() => check({ kvBytesMax: pageBytes - 1 }), /"inference.kvBytesMax" must be at/);
  assert.throws(() => check({ context: context + 1 }), /"inference.context" must be at most 2048/);
});
