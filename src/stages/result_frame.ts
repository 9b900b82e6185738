/**
 * What the last stage of a request answers to the requester: frame 0x22 of docs/STAGES.md, section 3.
 *
 *     0   u8       0x22
 *     1   u8       format: 1 f32
 *     2   u8       kind: 1 activations, 2 logits
 *     3   u8       c, characters of the numeric class
 *     4   16       request
 *     20  32       BLAKE3 root of the model
 *     52  u32 u32  first layer, end layer of the stage that answers
 *     60  u32      values of a row
 *     64  u32      rows in all frames of the result; 0 when none was wanted
 *     68  u32      values before this frame's
 *     72  u32      milliseconds that the stage computed for the request
 *     76  c        the class, then zeros to a multiple of 4
 *     ..           values: rows one after the other, cut anywhere
 */
import { meshFrameBytesMax } from "../ports/mod.ts";
import { FrameReader } from "./_frame_reader.ts";
import { FrameWriter } from "./_frame_writer.ts";
import { FORMAT_F32, padded, readClass, ROW_CONTENTS } from "./forward_frame.ts";
import type { RowContent } from "./forward_frame.ts";
import { resultValuesMax, rowValuesMax } from "./limits.ts";
import { StageError } from "./stage_error.ts";

/** First byte of a result. */
export const RESULT_TAG = 0x22;

const HEAD_BYTES = 76;
/** Sampled tokens: where head and sampler are placed remotely, which this build does not do. */
const TOKENS_KIND = 3;

/** What a result is about. */
export interface ResultHead {
  readonly request: string;
  readonly root: string;
  readonly numericClass: string;
  readonly firstLayer: number;
  readonly endLayer: number;
  readonly content: RowContent;
  /** Values of a row. */
  readonly width: number;
  /** In all frames of the result. */
  readonly rows: number;
  /** Milliseconds that the stage computed. */
  readonly computeMs: number;
}

/** A piece of a result. */
export interface ResultFrame extends ResultHead {
  readonly kind: "result";
  /** Values of the result before this frame's. */
  readonly offset: number;
  readonly data: Float32Array;
}

/** The frames of a result: one for no row. @throws {RangeError} when it has too many values */
export function encodeResult(head: ResultHead, data: Float32Array): readonly Uint8Array[] {
  if (data.length !== head.rows * head.width || data.length > resultValuesMax) {
    throw new RangeError(
      `Cannot answer as ${head.rows} rows of ${head.width} values must be at most ${resultValuesMax}: current value has ${data.length}`,
    );
  }
  const headBytes = HEAD_BYTES + padded(head.numericClass.length);
  const valuesMax = Math.floor((meshFrameBytesMax - headBytes) / 4);
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset === 0 || offset < data.length; offset += valuesMax) {
    frames.push(encodePiece(head, data.subarray(offset, offset + valuesMax), offset));
  }
  return frames;
}

// tidy: allow positional-parameters as the three are a head, its values, and where they begin
function encodePiece(head: ResultHead, values: Float32Array, offset: number): Uint8Array {
  const { numericClass } = head;
  const classBytes = padded(numericClass.length);
  return new FrameWriter(HEAD_BYTES + classBytes + values.byteLength)
    .u8(RESULT_TAG).u8(FORMAT_F32).u8(ROW_CONTENTS.indexOf(head.content) + 1).u8(
      numericClass.length,
    )
    .hex(head.request).hex(head.root)
    .u32(head.firstLayer).u32(head.endLayer).u32(head.width).u32(head.rows)
    .u32(offset).u32(Math.min(0xffffffff, Math.round(head.computeMs)))
    .ascii(numericClass).zeros(classBytes - numericClass.length)
    .words(values).bytes;
}

/**
 * Reads a piece of a result; its values are a view of `bytes` where they are aligned.
 *
 * @throws {StageError} "malformed", "wrong-format"
 */
export function decodeResult(bytes: Uint8Array): ResultFrame {
  const reader = new FrameReader(bytes, "a result");
  if (reader.u8() !== RESULT_TAG) throw reader.wrong(`its first byte is not ${RESULT_TAG}`);
  const format = reader.u8();
  if (format !== FORMAT_F32) throw wrongFormat(`format ${format}`);
  const kind = reader.u8();
  if (kind === TOKENS_KIND) throw wrongFormat("tokens");
  const content = ROW_CONTENTS[kind - 1];
  if (content === undefined) throw reader.wrong(`its kind is ${kind}`);
  const classCharacters = reader.u8();
  const [request, root] = [reader.hex(16), reader.hex(32)];
  const [firstLayer, endLayer] = [reader.u32(), reader.u32()];
  const [width, rows, offset] = [reader.u32(), reader.u32(), reader.u32()];
  const computeMs = reader.u32();
  const numericClass = readClass(reader, classCharacters);
  if (firstLayer >= endLayer) throw reader.wrong("its layers are no range");
  if (width < 1 || width > 4 * rowValuesMax) throw reader.wrong(`its rows have ${width} values`);
  if (rows * width > resultValuesMax) throw reader.wrong(`it has ${rows} rows of ${width} values`);
  if (reader.leftBytes % 4 !== 0) throw reader.wrong("its values are no whole number of 4 bytes");
  const data = reader.floats(reader.leftBytes / 4);
  const isPiece = offset + data.length <= rows * width && (data.length > 0 || rows === 0);
  if (!isPiece) throw reader.wrong(`its values lie outside of ${rows} rows of ${width} values`);
  const head = { request, root, numericClass, firstLayer, endLayer, content, width, rows };
  return { kind: "result", ...head, computeMs, offset, data };
}

function wrongFormat(what: string): StageError {
  return new StageError({
    code: "wrong-format",
    message:
      `Cannot take a result of ${what} as activations and logits come as f32 (${FORMAT_F32})`,
  });
}
