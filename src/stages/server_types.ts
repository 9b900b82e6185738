/** What a stage server is told, and what it tells. */
import type { LayerRange } from "../engine/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import {
  queuedBytesPerPeerDefault,
  sessionsDefault,
  sessionsPerPeerDefault,
  windowBytesDefault,
} from "./limits.ts";
import type { StageErrorCode } from "./stage_error.ts";
import type { OpenFrame, StageOpen } from "./stage_open.ts";

/** Limits of a stage server. */
export interface StageLimits {
  /** Sessions of one peer. @default 64 */
  readonly sessionsPerPeer: number;
  /** Sessions in all. @default 1024 */
  readonly sessions: number;
  /** Bytes of keys and values of one peer's sessions. @default no limit but the executor's */
  readonly kvBytesPerPeer: number;
  /** Bytes of one peer's rows that wait to be computed. @default 64 MiB */
  readonly queuedBytesPerPeer: number;
  /** Bytes of rows that a session may have under way. @default 4 MiB */
  readonly windowBytes: number;
}

/** The limits, where nothing else is said. */
export const stageLimitsDefault: StageLimits = {
  sessionsPerPeer: sessionsPerPeerDefault,
  sessions: sessionsDefault,
  kvBytesPerPeer: Infinity,
  queuedBytesPerPeer: queuedBytesPerPeerDefault,
  windowBytes: windowBytesDefault,
};

/** What was computed for a session: rows before and after, to which nobody writes any more. */
export interface ComputedRows {
  readonly open: StageOpen;
  readonly layers: LayerRange;
  readonly firstPosition: number;
  readonly positionCount: number;
  /** positionCount x width, as they came; undefined for tokens. */
  readonly input: Float32Array | undefined;
  /** The tokens, where tokens came. */
  readonly tokens: Uint32Array | undefined;
  /** positionCount x width. */
  readonly output: Float32Array;
}

/** Logits that were computed for a session, to which nobody writes any more. */
export interface HeadedRows {
  readonly open: StageOpen;
  readonly firstPosition: number;
  readonly positionCount: number;
  /** positionCount x vocabularySize. */
  readonly logits: Float32Array;
}

/** Is told what a stage does, so that it can vouch for it. */
export interface StageWitness {
  /** A session was opened, or moved; positions before `held` were computed for an earlier one. */
  opened(frame: Pick<OpenFrame, "open">, held: number): void;
  computed(rows: ComputedRows): void;
  headed(rows: HeadedRows): void;
  /** Positions from here on are forgotten. */
  truncated(session: string, positionCount: number): void;
  closed(session: string): void;
}

/** Counters since the start. */
export interface StageCounters {
  readonly sessionsOpen: number;
  readonly sessionsOpened: number;
  readonly steps: number;
  readonly rows: number;
  readonly computeMs: number;
  /** Frames of a session's past, which are dropped. */
  readonly staleFrames: number;
  readonly cancelled: number;
  readonly beats: number;
  /** Refusals by their code. */
  readonly refusals: Readonly<Partial<Record<StageErrorCode, number>>>;
}

/** A refusal, for the log. */
export interface StageRefusal {
  readonly peer: PeerKey;
  readonly code: StageErrorCode;
  readonly sentence: string;
}
