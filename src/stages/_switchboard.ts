/**
 * What a requester waits for: answers to opens and truncations, results, credit. Frames of all its
 * stages come here.
 */
import type { ControlFrame, OpenedFrame, RefusalFrame } from "./control_frames.ts";
import { NOBODY } from "./control_frames.ts";
import { decodeFrame } from "./frames.ts";
import type { RemoteStage } from "./_pipeline_stage.ts";
import type { ResultFrame } from "./result_frame.ts";
import { StageError } from "./stage_error.ts";

/** A failure, and whose it is. */
export class StageFailure extends Error {
  override readonly name = "StageFailure";
  readonly error: StageError;
  /** The stage that failed or refused, where it is one. */
  readonly stage: RemoteStage | undefined;
  /** The peer that it refused, where it was one. */
  readonly about: string | undefined;

  constructor(
    error: StageError,
    options: { stage?: RemoteStage; about?: string | undefined } = {},
  ) {
    super(error.message, { cause: error });
    this.error = error;
    this.stage = options.stage;
    this.about = options.about;
  }
}

/** A result that is waited for. */
export interface ResultExpected {
  readonly request: string;
  /** Who answers. */
  readonly stage: RemoteStage;
  readonly sessions: readonly string[];
  readonly content: ResultFrame["content"];
  readonly rows: number;
  readonly width: number;
}

interface PendingResult extends ResultExpected {
  values: Float32Array | undefined;
  received: number;
  readonly resolve: (values: Float32Array) => void;
  readonly reject: (reason: unknown) => void;
}

interface PendingAnswer {
  readonly stage: RemoteStage;
  readonly session: string;
  readonly version: number;
  readonly resolve: (frame: OpenedFrame) => void;
  readonly reject: (reason: unknown) => void;
}

/** What a switchboard tells. */
export interface SwitchboardOptions {
  readonly onCredit: (stage: RemoteStage, frame: ControlFrame & { kind: "credit" }) => void;
  /** A refusal that nobody waits for. */
  readonly onNotice: (stage: RemoteStage, frame: RefusalFrame) => void;
  readonly onBadFrame: (stage: RemoteStage, error: StageError) => void;
}

/** The switchboard of one pipeline. */
export class Switchboard {
  readonly #options: SwitchboardOptions;
  readonly #results = new Map<string, PendingResult>();
  readonly #answers = new Set<PendingAnswer>();
  readonly #waiting = new Set<PromiseWithResolvers<void>>();

  constructor(options: SwitchboardOptions) {
    this.#options = options;
  }

  /** A result; rejects with what `fail` is given. @throws {StageFailure} when the stage is lost */
  result(expected: ResultExpected): Promise<Float32Array> {
    assertOfUse(expected.stage);
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
    const pending = { ...expected, values: undefined, received: 0, resolve, reject };
    this.#results.set(expected.request, pending);
    // Somebody else may fail first, and then nobody looks at this one.
    promise.catch(() => {});
    return promise;
  }

  /** The answer to an open or a truncation, in the same way. @throws {StageFailure} */
  answer(stage: RemoteStage, about: { session: string; version: number }): Promise<OpenedFrame> {
    assertOfUse(stage);
    const { promise, resolve, reject } = Promise.withResolvers<OpenedFrame>();
    this.#answers.add({ stage, ...about, resolve, reject });
    promise.catch(() => {});
    return promise;
  }

  /** Resolves when credit has come; rejects with what `fail` is given. */
  credit(): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting.add(waiting);
    return waiting.promise;
  }

  /** Takes a frame of a stage. */
  receive(stage: RemoteStage, bytes: Uint8Array): void {
    try {
      const frame = decodeFrame(bytes);
      switch (frame.kind) {
        case "result":
          return this.#onResult(stage, frame);
        case "opened":
          return this.#onOpened(stage, frame);
        case "credit":
          this.#options.onCredit(stage, frame);
          return this.#wake();
        case "refusal":
          return this.#onRefusal(stage, frame);
        case "beat":
          return;
        default:
          throw bad(`a frame "${frame.kind}"`);
      }
    } catch (thrown) {
      const error = thrown instanceof StageError ? thrown : bad("something", thrown);
      this.#options.onBadFrame(stage, error);
    }
  }

  /** Fails everything that is waited for: a step is all or nothing. */
  fail(reason: unknown): void {
    const pending = [...this.#results.values(), ...this.#answers, ...this.#waiting];
    this.#results.clear();
    this.#answers.clear();
    this.#waiting.clear();
    for (const { reject } of pending) reject(reason);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve();
  }

  #onResult(stage: RemoteStage, frame: ResultFrame): void {
    const pending = this.#results.get(frame.request);
    // A late result of a step that was given up.
    if (pending === undefined) return;
    const isExpected = pending.stage === stage && frame.content === pending.content &&
      frame.rows === pending.rows && (frame.rows === 0 || frame.width === pending.width) &&
      frame.offset === pending.received;
    if (!isExpected) throw bad("a result that was not asked for");
    const total = pending.rows * pending.width;
    pending.received += frame.data.length;
    if (pending.received < total || pending.values !== undefined) {
      pending.values ??= new Float32Array(total);
      pending.values.set(frame.data, frame.offset);
    }
    if (pending.received < total) return;
    this.#results.delete(frame.request);
    pending.resolve(pending.values ?? frame.data);
  }

  #onOpened(stage: RemoteStage, frame: OpenedFrame): void {
    for (const pending of this.#answers) {
      const { session, version } = pending;
      if (pending.stage !== stage || session !== frame.session || version !== frame.version) {
        continue;
      }
      this.#answers.delete(pending);
      return pending.resolve(frame);
    }
  }

  #onRefusal(stage: RemoteStage, frame: RefusalFrame): void {
    const { request, session, code, sentence: message, peer } = frame;
    const failure = new StageFailure(new StageError({ code, message }), { stage, about: peer });
    // A late refusal of a step that was given up.
    if (request !== NOBODY && !this.#results.has(request)) return;
    const isWaitedFor = request !== NOBODY || session === NOBODY ||
      [...this.#answers].some((one) => one.stage === stage && one.session === session) ||
      (code === "successor-lost" &&
        [...this.#results.values()].some(({ sessions }) => sessions.includes(session)));
    if (isWaitedFor) this.fail(failure);
    else this.#options.onNotice(stage, frame);
  }
}

function assertOfUse(stage: RemoteStage): void {
  if (stage.lostWhy !== undefined) throw lostFailure(stage);
}

/** The failure of a stage that is lost. */
export function lostFailure(stage: RemoteStage): StageFailure {
  const message = `Cannot go on with a stage as it is lost: ${
    stage.lostWhy ?? "its link is closed"
  }`;
  return new StageFailure(new StageError({ code: "lost", message }), { stage });
}

function bad(what: string, cause?: unknown): StageError {
  return new StageError({ code: "malformed", message: `Cannot take ${what} from a stage`, cause });
}
