/** Goal: the kept head is the node's own, survives a crash at any step, and tells of a cut. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { identityFromSeed } from "../../src/identity/mod.ts";
import type { Identity } from "../../src/identity/mod.ts";
import { HeadKeeper, parseKeptHead, readKeptHead } from "../../src/journal/mod.ts";
import type { SignedLogHead } from "../../src/journal/mod.ts";
import { signHead } from "../../src/journal/log_head.ts";
import { readWholeFile, realClock, realDisk } from "../../src/ports/mod.ts";

const disk = realDisk();

async function withKeeper(
  use: (
    parts: {
      readonly identity: Identity;
      readonly path: string;
      keeper(): HeadKeeper;
      advance(ms: number): void;
    },
  ) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-head-"));
  const path = join(directory, "head.json");
  const identity = identityFromSeed(new Uint8Array(32).fill(7));
  let nowMs = 0;
  const clock = { ...realClock(), monotonicMs: () => nowMs };
  try {
    await use({
      ...{ identity, path },
      keeper: () => new HeadKeeper({ disk, clock, identity, path }),
      advance: (ms) => void (nowMs += ms),
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function headOf(identity: Identity, size: number, digit = "a"): SignedLogHead {
  return signHead(identity, { size, root: digit.repeat(64), tsMs: size });
}

test("HeadKeeper keeps what is signed, at most every 30 s, and the last one always", () =>
  withKeeper(async ({ identity, path, keeper, advance }) => {
    const one = keeper();
    assert.equal(await one.begin(headOf(identity, 0)), undefined);
    assert.equal(await readKeptHead({ disk, path }), undefined, "nothing to keep yet");
    await one.keep(headOf(identity, 3));
    await one.keep(headOf(identity, 4));
    assert.equal((await readKeptHead({ disk, path }))?.head.size, 3);
    advance(30_000);
    await one.keep(headOf(identity, 5));
    await one.keep(headOf(identity, 6), true);
    const kept = await readKeptHead({ disk, path });
    assert.deepEqual(kept, { author: identity.hid, head: headOf(identity, 6), lost: [] });
  }));

test("HeadKeeper.begin() gives the head that a shorter or another journal does not contain, once", () =>
  withKeeper(async ({ identity, path, keeper }) => {
    await keeper().begin(headOf(identity, 6));
    assert.equal(await keeper().begin(headOf(identity, 6)), undefined);
    assert.equal(await keeper().begin(headOf(identity, 9)), undefined, "it has grown");
    assert.equal((await keeper().begin(headOf(identity, 8)))?.size, 9);
    assert.equal(await keeper().begin(headOf(identity, 8)), undefined);
    assert.equal((await keeper().begin(headOf(identity, 8, "b")))?.size, 8);
    const kept = await readKeptHead({ disk, path });
    assert.deepEqual(kept?.lost, [headOf(identity, 9), headOf(identity, 8)]);
    assert.deepEqual(kept?.head, headOf(identity, 8, "b"));
    // What is found first stays, however often it happens.
    for (let size = 7; size >= 0; size--) await keeper().begin(headOf(identity, size));
    assert.deepEqual((await readKeptHead({ disk, path }))?.lost.map(({ size }) => size), [
      9,
      8,
      8,
      7,
    ]);
  }));

test("parseKeptHead() takes nothing that the key in it has not signed", () =>
  withKeeper(async ({ identity, path, keeper }) => {
    await keeper().begin(headOf(identity, 6));
    const text = new TextDecoder().decode(await readWholeFile(disk, { path, bytesMax: 65_536 }));
    assert.equal(parseKeptHead(text)?.head.size, 6);
    const value = JSON.parse(text);
    const wrong = [
      { ...value, head: { ...value.head, size: 5 } },
      { ...value, head: { ...value.head, size: "6" } },
      { ...value, publicKey: "00".repeat(32) },
      { ...value, head: null },
      [],
      null,
    ];
    for (const one of wrong) assert.equal(parseKeptHead(JSON.stringify(one)), undefined);
    for (const cut of ["", "{", text.slice(0, -5)]) assert.equal(parseKeptHead(cut), undefined);
    const others = parseKeptHead(JSON.stringify({ ...value, lost: [7, value.head] }));
    assert.deepEqual(others?.lost, [value.head]);
    // Another node's is none of ours.
    const other = identityFromSeed(new Uint8Array(32).fill(8));
    const clock = realClock();
    const theirs = new HeadKeeper({ disk, clock, identity: other, path });
    assert.equal(await theirs.begin(headOf(other, 1)), undefined);
    assert.equal((await readKeptHead({ disk, path }))?.author, other.hid);
  }));
