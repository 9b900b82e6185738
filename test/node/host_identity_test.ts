/** Goal: services sign with the node's key, but never a line of the journal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { identityFromSeed, verifySignature } from "../../src/identity/mod.ts";
import { hostIdentity } from "../../src/node/_host_identity.ts";

test("sign() signs for a purpose, and refuses the journal's by a rejection", async () => {
  const identity = identityFromSeed(new Uint8Array(32).fill(7));
  const host = hostIdentity(identity);
  const bytes = new TextEncoder().encode("hello");
  const signature = await host.sign("hello", bytes);
  const { publicKey } = identity;
  assert.equal(verifySignature({ publicKey, purpose: "hello", bytes, signature }), true);
  assert.equal(verifySignature({ publicKey, purpose: "roster", bytes, signature }), false);
  assert.equal(host.key.length, 64);
  await assert.rejects(host.sign("journal", bytes), SyntaxError);
  await assert.rejects(host.sign("journal-head", bytes), SyntaxError);
  await assert.rejects(host.sign("Not a purpose", bytes), SyntaxError);
});
