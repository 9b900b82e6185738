import assert from "node:assert/strict";
import { test } from "node:test";
import { pureJsCrypto } from "@libp2p/noise";
import { leanCiphers } from "../../../src/mesh/libp2p/lean_noise.ts";

const { chaCha20Poly1305Encrypt: seal, chaCha20Poly1305Decrypt: open } = pureJsCrypto;
const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const nonce = Uint8Array.from({ length: 12 }, (_, i) => 3 * i);
const none = new Uint8Array(0);

/** Ciphers whose short messages fail: none of the lengths below is short. */
const lean = leanCiphers({ encrypt: unwanted, decrypt: unwanted });

function unwanted(): never {
  throw new TypeError("A short message was not expected");
}

for (const length of [1200, 1217, 3072, 65_519]) {
  const text = Uint8Array.from({ length }, (_, i) => i * 31);

  test(`leanCiphers() seals and opens ${length} bytes as libp2p does`, () => {
    const sealed = lean.encrypt(text, nonce, none, key).subarray();
    assert.deepEqual(sealed, seal(text, nonce, none, key).subarray());
    assert.deepEqual(Uint8Array.from(lean.decrypt(sealed, nonce, none, key).subarray()), text);
    const opened = open(sealed.slice(), nonce, none, key);
    assert.deepEqual(Uint8Array.from(opened.subarray()), text);
  });

  test(`leanCiphers() opens no ${length} bytes that somebody has changed`, () => {
    const sealed = lean.encrypt(text, nonce, none, key).subarray();
    for (const at of [0, length - 1, length, length + 15]) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => lean.decrypt(changed, nonce, none, key), `byte ${at}`);
    }
    const otherKey = key.slice().fill(1);
    assert.throws(() => lean.decrypt(sealed, nonce, none, otherKey));
  });
}

test("leanCiphers() leaves short messages to libp2p's own", () => {
  const asked: string[] = [];
  const own = leanCiphers({
    encrypt: (text) => (asked.push(`seal ${text.byteLength}`), text),
    decrypt: (text) => (asked.push(`open ${text.byteLength}`), text),
  });
  own.encrypt(new Uint8Array(1199), nonce, none, key);
  own.decrypt(new Uint8Array(16), nonce, none, key);
  assert.deepEqual(asked, ["seal 1199", "open 16"]);
});
