/**
 * What this program starts of itself may do what the documents say: a node that may do less boots, and
 * fails at the first command that needs the rest.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as platform from "../../src/platform/mod.ts";

const isDeno = platform.runtimeName() === "deno";

/** `skip` of a test about `deno run`'s flags. */
const skip = !isDeno && "Node starts itself with the flags that it was started with";

for (const which of ["selfCommand", "serviceCommand"] as const) {
  test(`${which}() gives every documented permission, and writing`, { skip }, () => {
    const { args } = platform[which](["up", "--detach"]);
    assert.deepEqual([args[0], ...args.slice(-2)], ["run", "up", "--detach"]);
    assert.ok(args.includes("--allow-write"));
    for (const flag of platform.PERMISSION_FLAGS) {
      // The service manager's two names come behind those that all read.
      const isGiven = args.some((arg) => arg === flag || arg.startsWith(`${flag},`));
      assert.ok(isGiven, `${flag} is not among ${args.join(" ")}`);
    }
  });
}

test("selfCommand() hands on leave to load native code, from the packages alone", { skip }, () => {
  const { args } = platform.selfCommand([]);
  const [native, ...more] = args.filter((arg) => arg.startsWith("--allow-ffi"));
  // The tests may load anything; what they start may load what is installed.
  assert.match(native ?? "", /^--allow-ffi=\/.*\/node_modules$/);
  assert.deepEqual(more, []);
});
