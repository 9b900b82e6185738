/**
 * The roster: who is in a mesh. One signed document of the mesh's issuer, whose public key is the
 * mesh's id; each addition and removal makes a new one whose version is one higher, and the newest
 * valid one holds, wherever it comes from.
 *
 * It names keys and how far each is trusted, nothing else: addresses and names are each node's own
 * business. Keys that were removed stay named for a while, so that their refusal can be told apart.
 */
import * as v from "valibot";
import type { PeerKey } from "../ports/mod.ts";
import { count, hex64 } from "./_forms.ts";
import { MembershipError } from "./membership_error.ts";
import { openSigned, sealSigned } from "./signed.ts";
import type { SignedKind, Signer } from "./signed.ts";

/** Members of a mesh, and removed keys that are remembered, at most. */
export const membersMax = 512;

/** Bytes of a signed roster, at most: twice what 512 members and 512 removed keys take. */
export const rosterBytesMax: number = 192 * 1024;

/** How far a member is trusted: "own" may read prompts, "member" may compute middle layers. */
export type Trust = "own" | "member";

const rosterSchema = v.pipe(
  v.strictObject({
    format: v.literal(1),
    mesh: hex64,
    version: v.pipe(count, v.minValue(1)),
    issuedAtMs: count,
    members: v.pipe(
      v.array(v.strictObject({ key: hex64, trust: v.picklist(["own", "member"]) })),
      v.minLength(1),
      v.maxLength(membersMax),
    ),
    removed: v.pipe(v.array(hex64), v.maxLength(membersMax)),
  }),
  v.check(({ members, removed }) => {
    const keys = [...members.map((member) => member.key), ...removed];
    return new Set(keys).size === keys.length;
  }, "a key is named twice"),
  v.check(
    ({ mesh, members }) => members.some((member) => member.key === mesh),
    "its issuer is no member",
  ),
);

/** What a roster says. */
export type Roster = v.InferOutput<typeof rosterSchema>;

const rosterKind: SignedKind<Roster> = {
  purpose: "roster",
  bytesMax: rosterBytesMax,
  schema: rosterSchema as v.GenericSchema<unknown, Roster>,
};

/** A roster and the bytes that its issuer signed. */
export interface SignedRoster {
  readonly roster: Roster;
  readonly bytes: Uint8Array;
}

/** A change of a roster. */
export type RosterChange =
  | { readonly kind: "put"; readonly key: PeerKey; readonly trust: Trust }
  | { readonly kind: "remove"; readonly key: PeerKey };

/** The first roster of a mesh, with its issuer alone. */
export function foundRoster(issuer: PeerKey, issuedAtMs: number): Roster {
  return {
    format: 1,
    mesh: issuer,
    version: 1,
    issuedAtMs,
    members: [{ key: issuer, trust: "own" }],
    removed: [],
  };
}

/**
 * The next roster.
 *
 * @throws {RangeError} when the mesh is full, or the issuer is to be removed or trusted less
 */
export function changeRoster(
  roster: Roster,
  change: RosterChange & { readonly issuedAtMs: number },
): Roster {
  const { key } = change;
  if (key === roster.mesh && (change.kind === "remove" || change.trust !== "own")) {
    throw new RangeError("Cannot change the issuer of a mesh as it is its first own member");
  }
  const others = roster.members.filter((member) => member.key !== key);
  const removed = roster.removed.filter((gone) => gone !== key);
  if (change.kind === "put" && others.length >= membersMax) {
    throw new RangeError(`Cannot add a member as a mesh has at most ${membersMax}`);
  }
  return {
    ...roster,
    version: roster.version + 1,
    issuedAtMs: change.issuedAtMs,
    members: change.kind === "put" ? [...others, { key, trust: change.trust }] : others,
    removed: change.kind === "put" ? removed : [...removed, key].slice(-membersMax),
  };
}

/** Signs a roster; `sign` must be its issuer's. */
export async function signRoster(roster: Roster, sign: Signer): Promise<SignedRoster> {
  return { roster, bytes: await sealSigned(rosterKind, { value: roster, sign }) };
}

/**
 * Verifies a roster of a mesh.
 *
 * @throws {MembershipError} "too-long", "signature", "malformed", "wrong-mesh"
 */
export function openRoster(bytes: Uint8Array, mesh: PeerKey): SignedRoster {
  const roster = openSigned(rosterKind, { bytes, key: mesh });
  if (roster.mesh === mesh) return { roster, bytes };
  throw new MembershipError({
    code: "wrong-mesh",
    message: "Cannot take a roster as it is of another mesh",
  });
}

/**
 * Which of two rosters holds: the newer one. With one version there must be one text.
 *
 * @throws {MembershipError} "roster-fork" when the issuer has signed two of one version
 */
export function newerRoster(known: SignedRoster, other: SignedRoster): SignedRoster {
  if (other.roster.version !== known.roster.version) {
    return other.roster.version > known.roster.version ? other : known;
  }
  const isSame = other.bytes.length === known.bytes.length &&
    other.bytes.every((byte, i) => byte === known.bytes[i]);
  if (isSame) return known;
  throw new MembershipError({
    code: "roster-fork",
    message:
      `Cannot take a roster as its issuer has signed another one with version ${known.roster.version}`,
  });
}
