/**
 * Any frame of `/skep/stage/1`, by its first byte (docs/STAGES.md, section 2).
 */
import { decodeControl } from "./control_frames.ts";
import type { ControlFrame } from "./control_frames.ts";
import { decodeForward, FORWARD_TAG } from "./forward_frame.ts";
import type { ForwardFrame } from "./forward_frame.ts";
import {
  decodeOriginForward,
  decodeOriginResult,
  ORIGIN_FORWARD_TAG,
  ORIGIN_RESULT_TAG,
} from "./origin_frames.ts";
import type { OriginForward, OriginResult } from "./origin_frames.ts";
import { decodeResult, RESULT_TAG } from "./result_frame.ts";
import type { ResultFrame } from "./result_frame.ts";
import { StageError } from "./stage_error.ts";
import { decodeOpen, OPEN_TAG } from "./stage_open.ts";
import type { OpenFrame } from "./stage_open.ts";

/** A frame, read. */
export type StageFrame =
  | ForwardFrame
  | ResultFrame
  | OpenFrame
  | ControlFrame
  | OriginForward
  | OriginResult;

/**
 * Reads a frame.
 *
 * @throws {StageError} "malformed", "wrong-format"
 */
export function decodeFrame(bytes: Uint8Array): StageFrame {
  switch (bytes[0]) {
    case FORWARD_TAG:
      return decodeForward(bytes);
    case RESULT_TAG:
      return decodeResult(bytes);
    case OPEN_TAG:
      return decodeOpen(bytes);
    case ORIGIN_FORWARD_TAG:
      return decodeOriginForward(bytes);
    case ORIGIN_RESULT_TAG:
      return decodeOriginResult(bytes);
  }
  const control = decodeControl(bytes);
  if (control !== undefined) return control;
  throw new StageError({
    code: "malformed",
    message: bytes.length === 0
      ? "Cannot read a frame as it is empty"
      : `Cannot read a frame as its first byte ${bytes[0]} is no tag of this protocol`,
  });
}
