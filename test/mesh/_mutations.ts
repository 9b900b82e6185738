/** Inputs for parsers: good ones, changed a little, and bytes at random; and what parsers may throw. */
import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import { canonicalBytes } from "../../src/journal/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import { encodeHex } from "../../src/hot/mod.ts";
import {
  greetingFrame,
  helloFrame,
  openHello,
  parseHelloFrame,
  verdictFrame,
} from "../../src/mesh/hello.ts";
import type { Hello } from "../../src/mesh/hello.ts";
import type { Card } from "../../src/mesh/card.ts";
import {
  joinRefusedFrame,
  joinRequestFrame,
  parseJoinAnswer,
  parseJoinRequest,
} from "../../src/mesh/join.ts";
import { MembershipError, noCapabilities } from "../../src/mesh/mod.ts";
import { parsePeersFile } from "../../src/mesh/peers_file.ts";
import {
  encodeRegistryFrame,
  parseCard,
  parseRegistryFrame,
} from "../../src/mesh/registry_frames.ts";
import { changeRoster, foundRoster, openRoster, signRoster } from "../../src/mesh/roster.ts";
import { encodeTicket, parseTicket } from "../../src/mesh/ticket.ts";

/** Runs of a property; SKEP_TEST_RUNS multiplies them. */
export function runs(count: number): { readonly numRuns: number } {
  return { numRuns: count * Number(process.env["SKEP_TEST_RUNS"] ?? 1) };
}

/** The identity with a number. */
export function identity(number: number): ReturnType<typeof identityFromSeed> {
  return identityFromSeed(new Uint8Array(32).fill(number));
}

/** Its key. */
export function keyOf(number: number): string {
  return encodeHex(identity(number).publicKey);
}

/** A change of an input. */
export type Mutation =
  | { readonly kind: "flip"; readonly at: number; readonly mask: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "drop"; readonly at: number; readonly count: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "repeat"; readonly at: number; readonly count: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });

/** Changes of an input, by parts of its length. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("flip" as const),
      at: place,
      mask: fc.integer({ min: 1, max: 255 }),
    }),
    fc.record({ kind: fc.constant("cut" as const), at: place }),
    fc.record({
      kind: fc.constant("drop" as const),
      at: place,
      count: fc.integer({ min: 1, max: 8 }),
    }),
    fc.record({
      kind: fc.constant("insert" as const),
      at: place,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    }),
    fc.record({
      kind: fc.constant("repeat" as const),
      at: place,
      count: fc.integer({ min: 1, max: 40 }),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

/** An input with its changes. */
export function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let now = bytes;
  for (const change of changes) {
    const at = Math.min(now.length, Math.floor(change.at * now.length));
    const [before, after] = [now.subarray(0, at), now.subarray(at)];
    if (change.kind === "cut") now = before.slice();
    else if (change.kind === "drop") now = join(before, after.subarray(change.count));
    else if (change.kind === "insert") now = join(before, change.bytes, after);
    else if (change.kind === "repeat") now = join(before, after.subarray(0, change.count), after);
    else {
      now = now.slice();
      if (at < now.length) now[at] = (now[at] ?? 0) ^ change.mask;
    }
  }
  return now;
}

/** A parser under test and good inputs for it. */
export interface Fuzzed {
  readonly name: string;
  readonly inputs: readonly Uint8Array[];
  /** Throws, or not. */
  readonly parse: (bytes: Uint8Array) => void;
}

/** All parsers of what peers, people and files say. */
export async function allParsers(): Promise<readonly Fuzzed[]> {
  const sign = (purpose: string, bytes: Uint8Array): Uint8Array => identity(1).sign(purpose, bytes);
  const mesh = keyOf(1);
  const nowMs = 1_800_000_000_000;
  const roster = changeRoster(foundRoster(mesh, nowMs), {
    kind: "put",
    key: keyOf(2),
    trust: "member",
    issuedAtMs: nowMs,
  });
  const signed = await signRoster(roster, sign);
  const hello = helloOf({ from: 1, to: 2, nowMs });
  const helloBytes = await helloFrame(hello, sign);
  const card = cardOf(hello);
  const views = [{ key: keyOf(2), state: "suspect" as const, incarnation: nowMs, sequence: 9 }];
  const expected = { from: mesh, to: keyOf(2), nonce: hello.nonce, mesh, version: 1, nowMs };
  const ticket = encodeTicket({
    issuer: mesh,
    secret: new Uint8Array(32).fill(5),
    addresses: ["/ip4/192.0.2.1/tcp/4001", "/ip6/::1/udp/9/iroh"],
  });
  const text = new TextDecoder();
  return [
    { name: "roster", inputs: [signed.bytes], parse: (b) => void openRoster(b, mesh) },
    {
      name: "hello frame",
      inputs: [
        helloBytes,
        greetingFrame({ versions: [1, 2], nonce: "ab".repeat(32) }),
        verdictFrame({ ok: true }),
        verdictFrame({ ok: false, code: "version", sentence: "No" }),
      ],
      parse: (b) => void parseHelloFrame(b),
    },
    { name: "hello", inputs: [helloBytes.subarray(1)], parse: (b) => void openHello(b, expected) },
    {
      name: "registry frame",
      inputs: [
        encodeRegistryFrame({ kind: "ping", sequence: 7, views }),
        encodeRegistryFrame({ kind: "ack", sequence: 7, target: mesh, views }),
        encodeRegistryFrame({ kind: "request", sequence: 7, target: mesh, views: [] }),
        encodeRegistryFrame({ kind: "views", isAll: true, views: [...views, ...views] }),
        encodeRegistryFrame({ kind: "cards", cards: [card] }),
        encodeRegistryFrame({ kind: "roster", bytes: signed.bytes }),
        encodeRegistryFrame({ kind: "bye" }),
      ],
      parse: (b) => void parseRegistryFrame(b),
    },
    { name: "card", inputs: [canonicalBytes(card)], parse: (b) => void parseCard(b) },
    {
      name: "join request",
      inputs: [joinRequestFrame(new Uint8Array(32).fill(9))],
      parse: (b) => void parseJoinRequest(b),
    },
    {
      name: "join answer",
      inputs: [
        Uint8Array.of(1, ...signed.bytes),
        joinRefusedFrame(new MembershipError({ code: "invitation-used", message: "It was used" })),
      ],
      parse: (b): void => {
        try {
          parseJoinAnswer(b);
        } catch (thrown) {
          // That is what the second input says.
          const isSaid = thrown instanceof MembershipError && thrown.code === "invitation-used";
          if (!isSaid) throw thrown;
        }
      },
    },
    {
      name: "ticket",
      inputs: [new TextEncoder().encode(ticket)],
      parse: (b) => void parseTicket(text.decode(b)),
    },
    {
      name: "peers.json",
      inputs: [
        new TextEncoder().encode(JSON.stringify({
          peers: [{ key: mesh, alias: "attic", hints: ["192.0.2.1:4001"] }],
        })),
      ],
      parse: (b) => void parsePeersFile(text.decode(b)),
    },
  ];
}

/** Parses; only a refusal by name may be thrown. @returns whether it was taken */
export function survives(parser: Fuzzed, bytes: Uint8Array): boolean {
  try {
    parser.parse(bytes);
    return true;
  } catch (thrown) {
    assert(
      thrown instanceof MembershipError,
      `${parser.name}: ${String(thrown)} for ${encodeHex(bytes).slice(0, 400)}`,
    );
    return false;
  }
}

/** A hello between two numbered identities. */
export function helloOf(
  about: { readonly from: number; readonly to: number; readonly nowMs: number },
): Hello {
  return {
    version: 1,
    key: keyOf(about.from),
    to: keyOf(about.to),
    nonce: "cd".repeat(32),
    mesh: keyOf(1),
    instance: "ef".repeat(16),
    incarnation: about.nowMs,
    sequence: 3,
    signedAtMs: about.nowMs,
    rosterVersion: 2,
    addresses: ["/ip4/192.0.2.1/tcp/4001"],
    capabilities: { ...noCapabilities, freeSlots: 4 },
  };
}

function cardOf(hello: Hello): Card {
  const { key, instance, incarnation, sequence, addresses, capabilities } = hello;
  return { key, instance, incarnation, sequence, addresses, capabilities };
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
