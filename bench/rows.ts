/** All rows of the comparison with peers, in the order of the report. */
import type { Row } from "./harness.ts";
import { row as blake3Batch } from "./hot/blake3_batch_bench.ts";
import { row as blake3Large } from "./hot/blake3_1mib_bench.ts";
import { row as blake3Small } from "./hot/blake3_64b_bench.ts";
import { row as commands } from "./hot/commands_bench.ts";
import { row as ingest } from "./hot/ingest_bench.ts";
import { row as lengthOffsets, viewsRow as lengthViews } from "./hot/length_frames_bench.ts";
import { row as lines } from "./hot/lines_bench.ts";
import { row as placement } from "./hot/placement_bench.ts";
import { row as scoring } from "./hot/scoring_bench.ts";
import { row as utf8Frames } from "./hot/utf8_frames_bench.ts";

/** A group of rows under a heading of the report. */
export interface RowGroup {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Groups in the order of the report. */
export const ROW_GROUPS: readonly RowGroup[] = [
  {
    title: "Hot path",
    rows: [
      blake3Large,
      blake3Small,
      blake3Batch,
      lengthViews,
      lengthOffsets,
      utf8Frames,
      commands,
      lines,
      ingest,
      scoring,
      placement,
    ],
  },
];
