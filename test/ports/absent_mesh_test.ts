/** Goal: where there is no mesh everything that needs one is refused by a sentence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { absentMesh, MeshError } from "../../src/ports/mod.ts";

test("absentMesh() refuses every link by a sentence, and has no peers", async () => {
  const mesh = absentMesh({ why: "this is a test" });
  const { signal } = new AbortController();
  const gate = { admits: () => true, allows: () => true };
  const asked = [
    mesh.listen({ tcp: false, iroh: false, meshId: mesh.self }, gate),
    mesh.dial(mesh.self, { addresses: [], signal }),
    mesh.open(mesh.self, "/skep/hello/1"),
    mesh.publish("t", new Uint8Array()),
    mesh.find(new Uint8Array(32), signal),
    mesh.provide(new Uint8Array(32), signal),
  ];
  for (const one of asked) {
    await assert.rejects(
      one,
      (thrown) => thrown instanceof MeshError && /as this is a test$/.test(thrown.message),
    );
  }
  assert.deepEqual(mesh.peers(), []);
  mesh.handle("/skep/stage/1", () => {})();
  const strict = absentMesh({ why: "this is a test", refuseHandlers: true });
  assert.throws(() => strict.handle("/skep/stage/1", () => {}), MeshError);
});

test("absentMesh()'s events and messages end when their signal aborts", async () => {
  const mesh = absentMesh({ why: "this is a test" });
  const ending = new AbortController();
  const events = mesh.events(ending.signal)[Symbol.asyncIterator]().next();
  ending.abort();
  assert.equal((await events).done, true);
  const late = mesh.subscribe("t", ending.signal)[Symbol.asyncIterator]();
  assert.equal((await late.next()).done, true);
});
