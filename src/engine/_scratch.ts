/**
 * The part of an executor's memory in which a pass works: control words, tables, rows.
 */
import type { ModelShape } from "../model/mod.ts";
import { tilePositions } from "./numeric_class.ts";

/** Positions that pass through a layer together; an encoder's text passes as a whole. */
export const chunkRowsMax = 128;

/** Rows of logits computed together. */
export const headRowsMax = 32;

/** Threads of one executor. */
export const threadsMax = 32;

/** Blocks of tokens that are digested together, and the longest of one. */
export const tokenBlocksMax = 64;
/** Tokens of the longest block: one chunk of BLAKE3. */
export const blockTokensMax = 256;

/** Where memory that kernels do not own begins; the control block is first. */
export const controlPtr = 4096;
const controlBytes = 2048;

const digestWorkspaceBytes = 0x1600;
const alignment = 64;

/** Where a pass keeps its rows; strides are bytes from a row, or a thread, to the next. */
export interface Scratch {
  /** Rows that fit. */
  readonly chunkRows: number;
  readonly xPtr: number;
  readonly aPtr: number;
  readonly xStride: number;
  readonly qPtr: number;
  readonly outPtr: number;
  readonly qStride: number;
  readonly kPtr: number;
  readonly vPtr: number;
  readonly kvStride: number;
  readonly gPtr: number;
  readonly uPtr: number;
  readonly ffnStride: number;
  readonly bytesPtr: number;
  readonly wordsPtr: number;
  readonly metaPtr: number;
  /** Columns of the longest activation. */
  readonly longest: number;
  readonly pairsPtr: number;
  readonly pairsStride: number;
  readonly scoresPtr: number;
  readonly scoresStride: number;
  /** Rows of the pass: tokens and positions, then rows whose logits are wanted. */
  readonly rowsPtr: number;
  readonly runsPtr: number;
  readonly headRowsPtr: number;
  /** Page addresses of the sessions of a pass. */
  readonly tablesPtr: number;
  readonly tableStride: number;
  readonly logitsPtr: number;
  readonly logitsStride: number;
  /** Workspaces of wasm/executor/digest.ts: one for each thread, the last for the host. */
  readonly digestPtr: number;
  readonly digestStride: number;
  readonly digestsPtr: number;
  /** The host's digests of token blocks; a seed, and behind it blocks of tokens. */
  readonly linksPtr: number;
  readonly tokensPtr: number;
}

/** What the scratch must have room for. */
export interface ScratchOptions {
  readonly shape: ModelShape;
  readonly contextMax: number;
  readonly threads: number;
  readonly head: boolean;
  /** Bytes that attention needs for each thread. */
  readonly scoresBytes: number;
}

/** Hands out memory in ascending order. */
export class Pen {
  ptr: number;

  /** Starts at `ptr`, a multiple of 64. */
  constructor(ptr: number) {
    this.ptr = ptr;
  }

  /** Returns the current place and moves on by `bytes`, aligned. */
  skip(bytes: number): number {
    const at = this.ptr;
    this.ptr = roundUp(at + bytes, alignment);
    return at;
  }
}

/** Places the scratch behind the control block; the pen ends behind it. */
export function drawScratch(pen: Pen, options: ScratchOptions): Scratch {
  const { shape, contextMax, threads, head, scoresBytes } = options;
  const { width, ffnWidth, headCount, kvHeadCount, headWidth, ropeWidth, family } = shape;
  pen.skip(controlBytes);
  const queryWidth = headCount * headWidth;
  const longest = roundUp(Math.max(width, ffnWidth, queryWidth), 32);
  const xStride = roundUp(width, 8) * 4;
  const qStride = roundUp(queryWidth, 8) * 4;
  const kvStride = roundUp(kvHeadCount * headWidth, 8) * 4;
  const ffnStride = roundUp(ffnWidth, 8) * 4;
  const logitsStride = head ? roundUp(shape.vocabularySize, 8) * 4 : 0;
  const pairsStride = ropeWidth * 4;
  const scoresStride = roundUp(scoresBytes, alignment);
  const tableStride = Math.ceil(contextMax / tilePositions) * 4;
  const digestStride = roundUp(digestWorkspaceBytes + Math.ceil(xStride / 1024) * 128, alignment);
  const chunkRows = family.causal ? chunkRowsMax : Math.max(chunkRowsMax, contextMax);
  const rows = (stride: number): number => pen.skip(chunkRows * stride);
  return {
    chunkRows,
    xPtr: rows(xStride),
    aPtr: rows(xStride),
    xStride,
    qPtr: rows(qStride),
    outPtr: rows(qStride),
    qStride,
    kPtr: rows(kvStride),
    vPtr: rows(kvStride),
    kvStride,
    gPtr: rows(ffnStride),
    uPtr: rows(ffnStride),
    ffnStride,
    bytesPtr: rows(longest),
    wordsPtr: rows(longest * 2),
    metaPtr: rows(longest / 2),
    longest,
    pairsPtr: rows(pairsStride * Math.max(1, family.ropes.length)),
    pairsStride,
    scoresPtr: pen.skip(threads * scoresStride),
    scoresStride,
    rowsPtr: rows(12),
    runsPtr: rows(20),
    headRowsPtr: rows(4),
    tablesPtr: rows(tableStride),
    tableStride,
    logitsPtr: pen.skip(headRowsMax * logitsStride),
    logitsStride,
    digestPtr: pen.skip((threads + 1) * digestStride),
    digestStride,
    digestsPtr: rows(32),
    linksPtr: pen.skip(tokenBlocksMax * 32),
    tokensPtr: pen.skip(32 + tokenBlocksMax * blockTokensMax * 4),
  };
}

/** Rounds up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
