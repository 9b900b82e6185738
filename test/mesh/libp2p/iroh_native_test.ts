import assert from "node:assert/strict";
import { test } from "node:test";
import { loadIroh } from "../../../src/mesh/libp2p/iroh_native.ts";

const parts = { Endpoint: {}, EndpointAddr: {}, EndpointId: {}, RelayMode: {} };

function missingOf(loaded: ReturnType<typeof loadIroh>): string {
  return "missing" in loaded ? loaded.missing : "";
}

test("loadIroh() takes the package of the platform, and the next where one does not load", () => {
  const asked: string[] = [];
  const loaded = loadIroh((name) => {
    asked.push(name);
    if (name.endsWith("gnu")) throw new Error("Cannot find module");
    return parts;
  }, "linux-x64");
  assert.deepEqual(asked, ["@number0/iroh-linux-x64-gnu", "@number0/iroh-linux-x64-musl"]);
  assert.deepEqual(loaded, { iroh: parts });
});

test("loadIroh() says in one sentence why it can't be had, and does not throw", () => {
  function failing(error: Error): () => never {
    return () => {
      throw error;
    };
  }
  assert.match(
    missingOf(loadIroh(() => parts, "plan9-mips")),
    /as there is none for "plan9-mips"$/,
  );
  const absent = failing(new Error("Cannot find module '@number0/iroh-linux-x64-gnu'"));
  assert.match(
    missingOf(loadIroh(absent, "linux-x64")),
    /"@number0\/iroh-linux-x64-gnu" is not installed$/,
  );
  const denied = new Error('Requires ffi access to "x", run again with the --allow-ffi flag');
  assert.match(
    missingOf(loadIroh(failing(denied), "linux-x64")),
    /as Deno was not given --allow-ffi$/,
  );
  const broken = failing(new Error("libc.so.6: version `GLIBC_2.99' "));
  assert.match(missingOf(loadIroh(broken, "darwin-arm64")), /iroh-darwin-arm64" does not load$/);
  assert.match(missingOf(loadIroh(() => ({}), "darwin-arm64")), /is not what it should be$/);
});
