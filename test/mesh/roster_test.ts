/** Goal: only the issuer changes who is in, the newest holds, and two of one version are a fork. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MembershipError } from "../../src/mesh/mod.ts";
import {
  changeRoster,
  foundRoster,
  newerRoster,
  openRoster,
  signRoster,
} from "../../src/mesh/roster.ts";
import type { Roster, RosterChange, SignedRoster } from "../../src/mesh/roster.ts";
import { identity, keyOf, runs } from "./_mutations.ts";

const mesh = keyOf(1);

function signed(roster: Roster, signer = 1): Promise<SignedRoster> {
  return signRoster(roster, (purpose, bytes) => identity(signer).sign(purpose, bytes));
}

const changes = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("put" as const),
      key: fc.integer({ min: 2, max: 9 }).map(keyOf),
      trust: fc.constantFrom("own" as const, "member" as const),
    }),
    fc.record({
      kind: fc.constant("remove" as const),
      key: fc.integer({ min: 2, max: 9 }).map(keyOf),
    }),
  ),
  { maxLength: 20 },
);

test("changeRoster() makes what the changes say, one version after the other", () => {
  fc.assert(
    fc.property(changes, (made: readonly RosterChange[]) => {
      let roster = foundRoster(mesh, 0);
      const wanted = new Map([[mesh, "own"]]);
      for (const change of made) {
        roster = changeRoster(roster, { ...change, issuedAtMs: 1 });
        if (change.kind === "put") wanted.set(change.key, change.trust);
        else wanted.delete(change.key);
      }
      assert.equal(roster.version, 1 + made.length);
      assert.deepEqual(new Map(roster.members.map(({ key, trust }) => [key, trust])), wanted);
      assert.equal(roster.removed.some((key) => wanted.has(key)), false);
    }),
    runs(200),
  );
});

test("openRoster() takes the issuer's signature alone, and of its own mesh", async () => {
  const good = await signed(foundRoster(mesh, 0));
  assert.deepEqual(openRoster(good.bytes, mesh).roster, good.roster);
  const forged = await signed(foundRoster(mesh, 0), 2);
  const other = await signed({ ...foundRoster(keyOf(2), 0) });
  for (const [bytes, code] of [[forged.bytes, "signature"], [other.bytes, "wrong-mesh"]] as const) {
    assert.throws(
      () => openRoster(bytes, mesh),
      (thrown) => thrown instanceof MembershipError && thrown.code === code,
    );
  }
  const twice = { ...good.roster, members: [...good.roster.members, ...good.roster.members] };
  const { bytes } = await signed(twice);
  assert.throws(() => openRoster(bytes, mesh), /a key is named twice/);
  assert.throws(() => changeRoster(good.roster, { kind: "remove", key: mesh, issuedAtMs: 1 }));
});

test("newerRoster() goes forward only, and tells a fork", async () => {
  const first = await signed(foundRoster(mesh, 0));
  const one = await signed(
    changeRoster(first.roster, { kind: "put", key: keyOf(2), trust: "own", issuedAtMs: 1 }),
  );
  const other = await signed(
    changeRoster(first.roster, { kind: "put", key: keyOf(3), trust: "own", issuedAtMs: 1 }),
  );
  assert.equal(newerRoster(first, one), one);
  assert.equal(newerRoster(one, first), one);
  assert.equal(newerRoster(one, openRoster(one.bytes, mesh)), one);
  assert.throws(
    () => newerRoster(one, other),
    (thrown) => thrown instanceof MembershipError && thrown.code === "roster-fork",
  );
});
