/** Parameters by name and by position. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { defineCall } from "../../src/kernel/mod.ts";
import { aborted, service, world } from "./_world.ts";

const params = v.optional(
  v.strictObject({
    more: v.optional(v.string(), "m"),
    a: v.number(),
    b: v.optional(v.number(), 7),
  }),
);

test("every method takes its parameters by name or by position, those that are required first", async () => {
  const { kernel } = world([
    service("math", {
      stays: false,
      run: async (host) => {
        await host.serve({
          echo: defineCall({ summary: "Echo.", params, run: (given) => Promise.resolve(given) }),
          list: defineCall({
            summary: "Takes an array.",
            params: v.array(v.number()),
            run: (given) => Promise.resolve(given),
          }),
        });
        host.ready();
        await aborted(host.signal);
      },
    }),
  ]);
  await kernel.start();
  const call = (given: unknown, method = "echo"): Promise<unknown> =>
    kernel.call("math", method, { params: given });
  assert.deepEqual(await call({ a: 1 }), { a: 1, b: 7, more: "m" });
  assert.deepEqual(await call([1]), { a: 1, b: 7, more: "m" });
  assert.deepEqual(await call([1, "x", 3]), { a: 1, b: 3, more: "x" });
  assert.deepEqual(await call([1, 2, 3], "list"), [1, 2, 3]);
  await assert.rejects(call([1, "x", 3, 4]), { kind: "invalidParams", message: /at most 3/ });
  await assert.rejects(call([]), { kind: "invalidParams", message: /a: / });
  await assert.rejects(call(["1"]), { kind: "invalidParams", message: /a: / });
  await kernel.stop();
});
