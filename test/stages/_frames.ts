/** Frames of every kind, made by fast-check and from a seed. */
import fc from "fast-check";
import { identityFromSeed } from "../../src/identity/mod.ts";
import { encodeControl } from "../../src/stages/control_frames.ts";
import { encodeForward } from "../../src/stages/forward_frame.ts";
import { encodeResult } from "../../src/stages/result_frame.ts";
import { encodeOpen, keyOf } from "../../src/stages/stage_open.ts";

/** A requester. */
export const requester = identityFromSeed(new Uint8Array(32).fill(7));

/** Two ids and a root. */
export const ids = {
  request: "0123456789abcdef0123456789abcdef",
  session: "00112233445566778899aabbccddeeff",
  other: "ffeeddccbbaa99887766554433221100",
  root: "0a".repeat(32),
} as const;

/** A forward of two sessions, 3 rows of 4 values. */
export const forwardHead = {
  request: ids.request,
  root: ids.root,
  numericClass: "skep-q8a/1",
  firstLayer: 3,
  endLayer: 6,
  untilLayer: 9,
  deadlineMs: 1500,
  creditBytes: 4096,
  content: "logits",
  entries: [
    {
      session: ids.session,
      sequence: 1,
      firstPosition: 40,
      positionCount: 2,
      wanted: "all",
      rollback: true,
    },
    {
      session: ids.other,
      sequence: 9,
      firstPosition: 0,
      positionCount: 1,
      wanted: "none",
      rollback: false,
    },
  ],
} as const;

/** A statement of two stages. */
export const openStatement = {
  v: 1,
  session: ids.session,
  version: 2,
  nextSequence: 5,
  requester: keyOf(requester),
  payer: keyOf(requester),
  root: ids.root,
  numericClass: "skep-q8a/1",
  positionsMax: 128,
  stages: [
    { peer: "1b".repeat(32), from: 0, to: 3, embedding: true, head: false },
    { peer: "2c".repeat(32), from: 3, to: 6, embedding: false, head: true },
  ],
} as const;

const openFrame = await encodeOpen({
  open: { ...openStatement, stages: [...openStatement.stages] },
  links: new Uint8Array(64).fill(3),
}, requester);

/** One good frame of each kind. */
export function goodFrames(): Uint8Array[] {
  const links = new Uint8Array(64).fill(3);
  const head = { request: ids.request, root: ids.root, numericClass: "skep-q8a/1" };
  return [
    encodeForward(forwardHead, Float32Array.from({ length: 12 }, (_, i) => i / 3)),
    encodeForward(forwardHead, Uint32Array.of(4, 5, 6)),
    ...encodeResult(
      { ...head, firstLayer: 3, endLayer: 6, content: "logits", width: 5, rows: 2, computeMs: 3 },
      new Float32Array(10).fill(2),
    ),
    openFrame,
    encodeControl({
      kind: "opened",
      session: ids.session,
      version: 2,
      held: 64,
      windowBytes: 4096,
      freePositions: 320,
    }),
    encodeControl({ kind: "links", session: ids.session, firstLink: 2, links }),
    encodeControl({
      kind: "truncate",
      session: ids.session,
      version: 3,
      positionCount: 17,
      nextSequence: 4,
    }),
    encodeControl({ kind: "close", session: ids.session }),
    encodeControl({ kind: "cancel", session: ids.session }),
    encodeControl({
      kind: "beat",
      probe: 4,
      sessions: [{ session: ids.session, positionCount: 40, state: "computing" }],
    }),
    encodeControl({ kind: "probe", probe: 4 }),
    encodeControl({
      kind: "refusal",
      code: "not-yours",
      request: ids.request,
      session: ids.session,
      peer: ids.root,
      sentence: "Cannot do this as it is not yours",
    }),
    encodeControl({ kind: "credit", session: ids.session, bytes: 12 }),
    originForward(),
    originResult(),
  ];
}

/** A forward of the origin with its layers. */
export function originForward(): Uint8Array {
  const bytes = new Uint8Array(1 + 16 + 4 + 4 + 1 + 4 + 8 + 1 + 4 + 4 + 2 + 3);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint32(17, 7, true);
  view.setUint32(21, 40, true);
  view.setUint8(25, 1);
  view.setUint32(26, 8, true);
  view.setUint8(38, 1);
  view.setUint32(39, 2, true);
  view.setUint32(43, 5, true);
  view.setUint16(47, 3, true);
  bytes.set([0x61, 0x62, 0x63], 49);
  return bytes;
}

/** A result of the origin with an error. */
export function originResult(): Uint8Array {
  const bytes = new Uint8Array(1 + 16 + 4 + 8 + 1 + 4 + 2 + 4 + 4);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 2);
  view.setUint32(17, 2, true);
  view.setUint32(21, 11, true);
  view.setUint32(25, 12, true);
  view.setUint8(29, 3);
  view.setUint32(30, 2, true);
  bytes.set([0x6e, 0x6f], 34);
  view.setUint32(36, 4, true);
  return bytes;
}

/** A good frame with some bytes changed, cut or added; or bytes at random behind a good tag. */
export const spoiltFrames: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(
    fc.constantFrom(...goodFrames()),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    fc.integer({ min: -40, max: 40 }),
  ).map(([frame, changes, longer]) => {
    const bytes = new Uint8Array(Math.max(0, frame.length + longer));
    bytes.set(frame.subarray(0, bytes.length));
    for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  }),
  fc.tuple(
    fc.constantFrom(0x01, 0x02, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x29, 0x2b, 0x2c, 0xff),
    fc.uint8Array({ maxLength: 300 }),
  ).map(([tag, rest]) => Uint8Array.of(tag, ...rest)),
);
