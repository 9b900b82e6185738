/**
 * The hot path: hashing, message scanning, candidate scoring and placement in WebAssembly with SIMD,
 * each with a twin in TypeScript for engines without it. Libraries without a lifecycle: whoever makes
 * an instance owns its memory.
 *
 * @example Hash bytes, and a file's worth of them in pieces
 * ```ts
 * import { Blake3, Blake3Hasher } from "./mod.ts";
 *
 * const blake3 = new Blake3();
 * const digest = new Uint8Array(32);
 * blake3.hashInto(new TextEncoder().encode("skep"), digest);
 * const pieces = new Blake3Hasher(blake3);
 * pieces.update(new TextEncoder().encode("sk")).update(new TextEncoder().encode("ep"));
 * console.log(pieces.finishHex() === blake3.hashHex(new TextEncoder().encode("skep")));
 * ```
 *
 * @module
 */
export { Blake3, BLAKE3_DIGEST_BYTES, BLAKE3_GROUP_BYTES, BLAKE3_KEY_BYTES } from "./blake3.ts";
export type { Blake3Options } from "./blake3.ts";
export type { Blake3Batch } from "./_blake3_batch.ts";
export { Blake3Hasher } from "./blake3_hasher.ts";
export { OutboardBuilder, outboardBytes, VerifiedOutboard } from "./outboard.ts";
export type { ContentId, ContentTree } from "./outboard.ts";
export { sliceProof, verifySlice } from "./slice.ts";
export type { GroupRange, Slice } from "./slice.ts";
export { HotError } from "./hot_error.ts";
export type { HotErrorCode } from "./hot_error.ts";
export { decodeHex, decodeHexInto, encodeHex } from "./hex.ts";
export { AbortListener, KeptController } from "./abort_listener.ts";
export { FrameScanner, SCAN_ARGUMENTS_MAX, SCAN_BYTES_MAX, SCAN_RECORDS_MAX } from "./frames.ts";
export type { ScanLimits } from "./frames.ts";
export type { ScanStatus } from "./_frames_map.ts";
export { CandidateScorer, SCORED_BEST_MAX, SCORED_CANDIDATES_MAX } from "./scoring.ts";
export type { ScoreMeasure, ScoreRequest, ScoreWeights } from "./scoring.ts";
export { PLACEMENT_WATCHED_MAX, Placer } from "./placement.ts";
export type { Placement, PlaceOptions } from "./placement.ts";
export { PLACEMENT_LAYERS_MAX, PLACEMENT_NODES_MAX } from "./placement_problem.ts";
export type {
  Cluster,
  PlacementLayer,
  PlacementNode,
  PlacementStage,
} from "./placement_problem.ts";
export type { KernelChoice, KernelKind } from "./_module.ts";
