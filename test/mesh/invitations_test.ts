/** Goal: a ticket is good once, for one node, until it expires; and every refusal has its name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import {
  addInvitation,
  hasLateInvitation,
  invitationsMax,
  invitationsSchema,
  openInvitationCount,
  redeemInvitation,
} from "../../src/mesh/invitations.ts";
import type { Invitation } from "../../src/mesh/invitations.ts";
import { MembershipError } from "../../src/mesh/mod.ts";
import { keyOf } from "./_mutations.ts";

const secret = new Uint8Array(32).fill(1);
const [by, other] = [keyOf(2), keyOf(3)] as const;
const made = { secret, trust: "own" as const, expiresAtMs: 1_000, nowMs: 0 };

function codeOf(
  invitations: readonly Invitation[],
  asked: { readonly secret?: Uint8Array; readonly by?: string; readonly nowMs?: number },
): string {
  try {
    redeemInvitation(invitations, { secret, by, nowMs: 10, ...asked });
    return "taken";
  } catch (thrown) {
    assert(thrown instanceof MembershipError);
    return thrown.code;
  }
}

test("redeemInvitation() takes a ticket once, from whoever comes first", () => {
  const open = addInvitation([], made);
  assert.equal(openInvitationCount(open, 10), 1);
  const { invitations, trust, isAgain } = redeemInvitation(open, { secret, by, nowMs: 10 });
  assert.equal(trust, "own");
  assert.equal(isAgain, false);
  assert.equal(openInvitationCount(invitations, 10), 0);
  assert.equal(codeOf(invitations, { by: other }), "invitation-used");
  assert.equal(redeemInvitation(invitations, { secret, by, nowMs: 20 }).isAgain, true);
  assert.equal(codeOf(open, { secret: new Uint8Array(32) }), "invitation-unknown");
  assert.equal(codeOf(open, { nowMs: 1_000 }), "invitation-expired");
  assert.equal(codeOf(invitations, { nowMs: 1_000 }), "invitation-expired");
});

test("invitations hold no secret, are bounded, and are forgotten after a while", () => {
  let all = addInvitation([], made);
  assert.equal(JSON.stringify(all).includes("01010101"), false);
  assert.equal(v.is(invitationsSchema, all), true);
  assert.equal(hasLateInvitation(all, 2_000), true);
  assert.equal(hasLateInvitation(all, 1_000 + 600_000), false);
  for (let i = 0; i < 2 * invitationsMax; i++) {
    all = addInvitation(all, { ...made, secret: new Uint8Array(32).fill(i) });
  }
  assert.equal(all.length, invitationsMax);
  const later = 40 * 86_400_000;
  assert.equal(addInvitation(all, { ...made, nowMs: later, expiresAtMs: later + 1 }).length, 1);
});
