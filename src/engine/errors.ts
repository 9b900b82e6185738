/**
 * The one error class of the engine: conditions that a caller can act on.
 *
 * Wrong arguments are RangeError or TypeError instead.
 */

/**
 * Why the engine refused or failed:
 * - `unsupported-type`: a tensor's element type is not in the numeric class;
 * - `unsupported-tensor`: the file has a tensor that this arithmetic does not use;
 * - `missing-tensor`: a tensor that the layers need is not in the file;
 * - `short-read`: the source ended before a tensor did;
 * - `not-a-number`: a weight, a hidden state or a logit is NaN or infinite;
 * - `no-memory`: weights or pages do not fit;
 * - `context-full`: a position at or beyond `contextMax`;
 * - `not-held`: the executor does not hold these layers, the embedding or the head;
 * - `busy`: too many calls wait, or the session is being computed;
 * - `closed`: the executor or the session was closed;
 * - `thread-died`: a thread of the executor ended by itself; the model must be loaded again.
 */
export type EngineErrorCode =
  | "unsupported-type"
  | "unsupported-tensor"
  | "missing-tensor"
  | "short-read"
  | "not-a-number"
  | "no-memory"
  | "context-full"
  | "not-held"
  | "busy"
  | "closed"
  | "thread-died";

/** A refusal or failure of the engine. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  /** The kind of failure. */
  readonly code: EngineErrorCode;
  /** The layer, when the failure belongs to one. */
  readonly layer: number | undefined;
  /** The tensor, when the failure belongs to one. */
  readonly tensor: string | undefined;

  /** @param options `message` is one sentence; `cause` is what was caught */
  constructor(
    options: {
      code: EngineErrorCode;
      message: string;
      layer?: number;
      tensor?: string;
      cause?: unknown;
    },
  ) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.layer = options.layer;
    this.tensor = options.tensor;
  }
}
