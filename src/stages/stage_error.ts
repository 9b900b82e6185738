/**
 * The one error class of the stages: what a frame, a peer or a pipeline did wrong.
 *
 * The codes travel in refusals (docs/STAGES.md, section 6), each as its place in `stageErrorCodes`.
 */

/**
 * Why a stage refused or failed, in the order of their numbers on the wire; new ones go to the end:
 * - `malformed`: the bytes are no frame of this protocol;
 * - `wrong-model`, `wrong-class`, `wrong-layers`: of another model, arithmetic or part than is held;
 * - `wrong-format`: data in a format that the class does not have, or of another width;
 * - `not-a-number`: an activation is NaN or infinite;
 * - `not-yours`: the session belongs to another peer, or the sender is not its predecessor;
 * - `unknown-session`: never opened here, or closed;
 * - `out-of-order`: not the sequence number or the position that comes next;
 * - `over-credit`: more bytes than the receiver had granted;
 * - `bad-signature`: the open is not signed by the peer that sent it;
 * - `too-many`: a limit on sessions, frames or links;
 * - `no-memory`: no room for keys and values, or more than the peer may have;
 * - `context-full`: a position beyond the context;
 * - `deadline`: the time was up before it was computed;
 * - `successor-lost`: the link to the next stage is gone;
 * - `leaving`: the stage is going away and takes nothing new;
 * - `failed`: the executor failed;
 * - `lost`: a stage died, stalled or left, and nobody could take its place;
 * - `no-route`: no set of stages holds the whole model;
 * - `closed`: the pipeline was closed.
 */
export const stageErrorCodes = [
  "malformed",
  "wrong-model",
  "wrong-class",
  "wrong-layers",
  "wrong-format",
  "not-a-number",
  "not-yours",
  "unknown-session",
  "out-of-order",
  "over-credit",
  "bad-signature",
  "too-many",
  "no-memory",
  "context-full",
  "deadline",
  "successor-lost",
  "leaving",
  "failed",
  "lost",
  "no-route",
  "closed",
] as const;

/** See `stageErrorCodes`. */
export type StageErrorCode = (typeof stageErrorCodes)[number];

/** A refusal or failure of a stage or a pipeline. */
export class StageError extends Error {
  override readonly name = "StageError";
  /** The kind of failure. */
  readonly code: StageErrorCode;

  /** @param options `message` is one sentence; `cause` is what was caught */
  constructor(options: { code: StageErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}
