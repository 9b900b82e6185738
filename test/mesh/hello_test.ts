/** Goal: a hello is good for one receiver, one moment, one mesh and one version, and for nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MembershipError } from "../../src/mesh/mod.ts";
import { commonVersion, helloFrame, openHello, parseHelloFrame } from "../../src/mesh/hello.ts";
import type { Hello, HelloExpectation } from "../../src/mesh/hello.ts";
import { helloOf, identity, keyOf } from "./_mutations.ts";

const nowMs = 1_800_000_000_000;
const hello = helloOf({ from: 3, to: 2, nowMs });
const expected: HelloExpectation = {
  from: keyOf(3),
  to: keyOf(2),
  nonce: hello.nonce,
  mesh: keyOf(1),
  version: 1,
  nowMs,
};

async function outcome(
  change: Partial<Hello>,
  about: Partial<HelloExpectation> & { readonly signer?: number; readonly purpose?: string } = {},
): Promise<string> {
  const { signer = 3, purpose, ...rest } = about;
  const sign = (asked: string, bytes: Uint8Array): Uint8Array =>
    identity(signer).sign(purpose ?? asked, bytes);
  const frame = parseHelloFrame(await helloFrame({ ...hello, ...change }, sign));
  assert(frame.kind === "hello");
  try {
    openHello(frame.bytes, { ...expected, ...rest });
    return "taken";
  } catch (thrown) {
    assert(thrown instanceof MembershipError, String(thrown));
    return thrown.code;
  }
}

test("openHello() takes a hello that fits, and names what does not", async () => {
  assert.equal(await outcome({}), "taken");
  assert.equal(await outcome({}, { signer: 4 }), "signature");
  assert.equal(await outcome({}, { purpose: "roster" }), "signature");
  assert.equal(await outcome({ key: keyOf(4) }), "wrong-sender");
  assert.equal(await outcome({ to: keyOf(5) }), "wrong-receiver");
  assert.equal(await outcome({ nonce: "00".repeat(32) }), "replayed");
  assert.equal(await outcome({ mesh: keyOf(6) }), "wrong-mesh");
  assert.equal(await outcome({ version: 2 }), "version");
  assert.equal(await outcome({}, { nowMs: nowMs + 60_000 }), "taken");
  assert.equal(await outcome({}, { nowMs: nowMs + 60_001 }), "clock-skew");
  assert.equal(await outcome({ signedAtMs: nowMs + 3_600_000 }), "clock-skew");
});

test("commonVersion() lets adjacent releases talk, and refuses others politely", () => {
  assert.equal(commonVersion([1, 2], [2, 3]), 2);
  assert.equal(commonVersion([2, 3], [1, 2]), 2);
  assert.equal(commonVersion([1, 2], [1, 2]), 2);
  assert.throws(
    () => commonVersion([1], [2, 3]),
    /versions 1 of the mesh and the other 2 and 3: upgrade/,
  );
});
