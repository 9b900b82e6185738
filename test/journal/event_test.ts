/** One line: what is signed, what is accepted, and a pinned example that must never change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHex } from "../../src/hot/mod.ts";
import { verifySignature } from "../../src/identity/mod.ts";
import { hashSigned, tryParseLine } from "../../src/journal/event.ts";
import { sealBatch } from "../../src/journal/_chain.ts";
import { canonicalJson, TreeEdge } from "../../src/journal/mod.ts";
import type { JournalEvent } from "../../src/journal/mod.ts";
import { identity } from "./_journals.ts";

const head = { seq: 0, hash: "0".repeat(64), tsMs: 0 };

function lineOf(body: string, ids: { chi?: string; sid?: string; rid?: string } = {}): string {
  const draft = { chi: "c", rid: "r", ...ids };
  const { bytes } = sealBatch([{ draft, body }], {
    ...{ head, identity, tsMs: 1_700_000_000_000 },
    tree: new TreeEdge(),
  });
  return new TextDecoder().decode(bytes).trimEnd();
}

function parse(line: string): ReturnType<typeof tryParseLine> {
  return tryParseLine(new TextEncoder().encode(line));
}

test("a line of the released format reads as it always did", () => {
  // Made by this code on a seed of 32 bytes of 1; Ed25519 is deterministic, so it never changes.
  const line = lineOf('{"a":[1,"é"]}', { sid: "s" });
  assert.equal(
    hashSigned(new TextEncoder().encode(line)),
    "ef28b04dedfba0f2fd7dfd6b19f47cb3940d649eeb20e9f8457dc66d4858f7fe",
  );
  assert.ok(
    line.startsWith(`{"author":"${identity.hid}","body":{"a":[1,"é"]},"chi":"c","prev_hash":"000`),
  );
  assert.match(line, /"rid":"r","seq":1,"sid":"s","sig":"[0-9a-f]{128}","ts_ms":1700000000000\}$/);
});

test("what is signed is the canonical event without its top-level sig, and nothing else is left out", () => {
  const line = lineOf('{"deep":{"sig":"inner"},"sig":"body"}');
  const parsed = parse(line);
  assert.ok(parsed);
  const { sig, ...rest } = parsed.event;
  const signed = new TextDecoder().decode(parsed.signed);
  assert.equal(signed, canonicalJson(rest));
  assert.match(signed, /"sig":"inner"/);
  const { publicKey } = identity;
  const signature = decodeHex(sig);
  assert.ok(verifySignature({ publicKey, purpose: "journal", bytes: parsed.signed, signature }));
  assert.ok(!verifySignature({ publicKey, purpose: "hello", bytes: parsed.signed, signature }));
});

test("a body that imitates the end of a line does not move what is signed", () => {
  const tail = `"sig":"${"a".repeat(128)}","ts_ms":5}`;
  const parsed = parse(lineOf(JSON.stringify({ x: tail, y: { sig: "a".repeat(128), ts_ms: 5 } })));
  assert.ok(parsed);
  const { sig: _sig, ...rest } = parsed.event;
  assert.equal(new TextDecoder().decode(parsed.signed), canonicalJson(rest));
});

test("every draft comes back as it went in", () => {
  const id = fc.string({ minLength: 1, maxLength: 20, unit: "binary" }).filter((text) =>
    text.isWellFormed()
  );
  const body = fc.jsonValue({ maxDepth: 4 }).filter((value) => {
    try {
      return canonicalJson(value) !== "";
    } catch {
      return false;
    }
  });
  fc.assert(
    fc.property(id, id, id, body, (chi, sid, rid, value) => {
      const parsed = parse(lineOf(canonicalJson(value), { chi, sid, rid }));
      assert.ok(parsed);
      const { event } = parsed;
      assert.deepEqual([event.chi, event.sid, event.rid], [chi, sid, rid]);
      assert.equal(canonicalJson(event.body), canonicalJson(value));
    }),
    { numRuns: 100 },
  );
});

test("tryParseLine() takes no other spelling and no other shape", () => {
  const line = lineOf("null");
  const event = JSON.parse(line) as JournalEvent;
  const changed = (change: Record<string, unknown>): string =>
    JSON.stringify({ ...event, ...change });
  const bad = [
    ...[
      "",
      "{}",
      "null",
      "[]",
      "{",
      `${line} `,
      ` ${line}`,
      `\ufeff${line}`,
      line.replace(",", ", "),
    ],
    line.replace('"body":null', '"body":1.0'),
    line.replace('"body":null', '"body":9007199254740993'),
    line.replace('"body":null', '"body":null,"body":null'),
    line.replace('"chi":"c"', '"chi":"\\u0063"'),
    canonicalJson({ ...event, extra: 1 }),
    canonicalJson({ ...event, sid: "" }),
    changed({ seq: 0 }),
    changed({ seq: 1.5 }),
    changed({ seq: "1" }),
    changed({ ts_ms: -1 }),
    changed({ author: "skep_0" }),
    changed({ prev_hash: "0" }),
    changed({ prev_hash: "G".repeat(64) }),
    changed({ sig: event.sig.toUpperCase() }),
    changed({ chi: "" }),
    changed({ rid: 5 }),
    changed({ body: undefined }),
    lineOf(`${"[".repeat(65)}${"]".repeat(65)}`),
  ];
  for (const text of bad) assert.equal(parse(text), undefined, text.slice(0, 80));
  assert.ok(parse(line));
  assert.ok(parse(lineOf(`${"[".repeat(64)}${"]".repeat(64)}`)));
  assert.equal(tryParseLine(new Uint8Array([0xff, 0xfe])), undefined);
});
