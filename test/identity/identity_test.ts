/** Identity: ids, purposes, and that the seed shows nowhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { decodeHex, encodeHex } from "../../src/hot/mod.ts";
import {
  createVerifier,
  hidOf,
  identityFromSeed,
  isHid,
  mintIdentity,
  shortHidOf,
  verifySignature,
} from "../../src/identity/mod.ts";
import { tryPublicKey, verifyRaw } from "../../src/identity/_ed25519.ts";
import { SeededRandom } from "../../src/sim/mod.ts";

const seed = new SeededRandom(11).fill(new Uint8Array(32));
const identity = identityFromSeed(seed);
const message = new TextEncoder().encode("a line of the log");

test("identityFromSeed() is repeatable, and its Hid is the hash of its key", () => {
  assert.equal(identityFromSeed(seed).hid, identity.hid);
  assert.equal(identity.hid, hidOf(identity.publicKey));
  assert.match(identity.hid, /^skep_[0-9a-f]{64}$/);
  assert.equal(identity.shortHid, identity.hid.slice(0, 17));
  assert.equal(shortHidOf(identity.hid), identity.shortHid);
  assert.ok(isHid(identity.hid));
  for (
    const bad of ["", "skep_", identity.shortHid, identity.hid.toUpperCase(), `${identity.hid}\n`]
  ) {
    assert.equal(isHid(bad), false, bad);
  }
});

test("hidOf() of RFC 8032's first key is its SHA-256", () => {
  const publicKey = decodeHex(
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  );
  // printf d75a...511a | xxd -r -p | sha256sum
  assert.equal(
    hidOf(publicKey),
    "skep_21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9",
  );
  assert.throws(() => hidOf(new Uint8Array(31)), RangeError);
});

test("mintIdentity() makes different identities from different randomness", () => {
  assert.notEqual(mintIdentity(new SeededRandom(1)).hid, mintIdentity(new SeededRandom(2)).hid);
  assert.throws(() => identityFromSeed(new Uint8Array(31)), RangeError);
});

test("a signature holds for its purpose, bytes and key only", () => {
  const { publicKey } = identity;
  const signature = identity.sign("journal", message);
  const signed = { publicKey, purpose: "journal", bytes: message, signature };
  assert.equal(verifySignature(signed), true);
  assert.equal(verifySignature({ ...signed, purpose: "hello" }), false);
  assert.equal(verifySignature({ ...signed, bytes: message.subarray(1) }), false);
  const other = mintIdentity(new SeededRandom(3));
  assert.equal(verifySignature({ ...signed, publicKey: other.publicKey }), false);
  const check = createVerifier(publicKey);
  assert.equal(check(signed), true);
  assert.equal(check({ ...signed, purpose: "Journal" }), false);
});

test("what is signed is skep/<purpose>/v1, a zero byte, then the bytes", () => {
  const framed = new TextEncoder().encode("skep/journal/v1\0a line of the log");
  const key = tryPublicKey(identity.publicKey);
  assert.ok(key);
  const signature = identity.sign("journal", message);
  assert.equal(verifyRaw(key, { message: framed, signature }), true);
  assert.equal(verifyRaw(key, { message, signature }), false);
});

test("sign() refuses a malformed purpose", () => {
  for (const bad of ["", "Journal", "1st", "a/b", "a b", "a\0", "a\n", "é"]) {
    assert.throws(() => identity.sign(bad, message), SyntaxError, JSON.stringify(bad));
  }
});

test("publicKey is a copy that no caller can spoil", () => {
  identity.publicKey.fill(0);
  assert.equal(hidOf(identity.publicKey), identity.hid);
});

test("verifySignature() never throws, whatever it is given", () => {
  const anything = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(
      anything,
      fc.string(),
      anything,
      anything,
      (publicKey, purpose, bytes, signature) => {
        assert.equal(verifySignature({ publicKey, purpose, bytes, signature }), false);
      },
    ),
    { numRuns: 200 },
  );
  for (const fill of [0, 1, 0xff]) {
    const publicKey = new Uint8Array(32).fill(fill);
    const signature = new Uint8Array(64).fill(fill === 0 ? 0xff : fill);
    assert.equal(verifySignature({ publicKey, purpose: "a", bytes: message, signature }), false);
  }
});

test("no way of showing an identity shows its seed", () => {
  const hex = encodeHex(seed);
  const list = Array.from(seed).slice(0, 6).join(", ");
  const shown = [
    JSON.stringify(identity),
    JSON.stringify({ ...identity }),
    `${identity}`,
    inspect(identity, { depth: 10, showHidden: true }),
    inspect({ nested: identity }, { depth: 10, showHidden: true }),
    JSON.stringify(Object.getOwnPropertyNames(identity)),
  ];
  for (const text of shown) {
    assert.ok(
      !text.includes(hex) && !text.includes(list) &&
        !text.includes(btoa(String.fromCharCode(...seed))),
      text,
    );
  }
  assert.equal(JSON.parse(JSON.stringify(identity)).hid, identity.hid);
});
