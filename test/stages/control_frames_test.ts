import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeControl, encodeControl } from "../../src/stages/control_frames.ts";
import type { ControlFrame } from "../../src/stages/control_frames.ts";
import { sentenceBytesMax } from "../../src/stages/limits.ts";
import { stageErrorCodes } from "../../src/stages/stage_error.ts";
import { ids } from "./_frames.ts";

const { session, request, root } = ids;

test("decodeControl() gives back what encodeControl() was given", () => {
  const frames: ControlFrame[] = [
    { kind: "opened", session, version: 2, held: 64, windowBytes: 9, freePositions: 320 },
    { kind: "links", session, firstLink: 2, links: new Uint8Array(96).fill(1) },
    { kind: "truncate", session, version: 3, positionCount: 17, nextSequence: 4 },
    { kind: "close", session },
    { kind: "cancel", session },
    { kind: "beat", probe: 0, sessions: [{ session, positionCount: 40, state: "sending" }] },
    { kind: "beat", probe: 7, sessions: [] },
    { kind: "probe", probe: 7 },
    { kind: "refusal", code: "closed", request, session, peer: root, sentence: "Cannot, ü" },
    { kind: "refusal", code: "malformed", request, session, peer: undefined, sentence: "" },
    { kind: "credit", session, bytes: 12 },
  ];
  for (const frame of frames) assert.deepEqual(decodeControl(encodeControl(frame)), frame);
});

test("encodeControl() cuts a sentence that is longer than a refusal may have", () => {
  const frame = { kind: "refusal", code: "failed", request, session, peer: undefined } as const;
  const bytes = encodeControl({ ...frame, sentence: "ü".repeat(5000) });
  const read = decodeControl(bytes);
  assert.equal(read?.kind, "refusal");
  assert.ok(bytes.length <= 69 + sentenceBytesMax);
});

test("encodeControl() refuses more links or sessions than a frame may have", () => {
  const links = new Uint8Array(32 * 4097);
  assert.throws(
    () => encodeControl({ kind: "links", session, firstLink: 0, links }),
    RangeError,
  );
  const sessions = Array.from(
    { length: 257 },
    () => ({ session, positionCount: 0, state: "idle" }) as const,
  );
  assert.throws(() => encodeControl({ kind: "beat", probe: 0, sessions }), RangeError);
});

test("the codes of refusals keep their numbers", () => {
  assert.equal(stageErrorCodes.indexOf("malformed"), 0);
  assert.equal(stageErrorCodes.indexOf("not-yours"), 6);
  assert.equal(stageErrorCodes.indexOf("deadline"), 14);
  assert.equal(stageErrorCodes.indexOf("closed"), 20);
});
