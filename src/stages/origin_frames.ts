/**
 * The origin's frames, decodable so that a node of its network is understood: tags 0x01 and 0x02 of
 * docs/STAGES.md, section 7. Nothing here sends them.
 *
 *     0x01 forward: request 16, sequence u32, position u32, format u8, bytes u32, data
 *          and, in later versions: 0x01, first layer u32, end layer u32, characters u16, model name
 *     0x02 result: request 16, tokens u32, ids u32 each, finish u8 (3: characters u32, UTF-8),
 *          and, in later versions: bytes u32, activations
 *
 * The origin reads missing activations as none; what is there is read strictly.
 */
import { FrameReader } from "./_frame_reader.ts";
import { resultValuesMax, sentenceBytesMax } from "./limits.ts";

/** First byte of the origin's forward. */
export const ORIGIN_FORWARD_TAG = 0x01;
/** First byte of the origin's result. */
export const ORIGIN_RESULT_TAG = 0x02;

const FORMATS = ["f16", "f32", "i8"] as const;
const FORMAT_BYTES = { f16: 2, f32: 4, i8: 1 } as const;
const FINISHES = ["none", "stop", "length", "error"] as const;
const LAYERS_TRAILER = 0x01;

/** The origin's forward. */
export interface OriginForward {
  readonly kind: "origin-forward";
  readonly request: string;
  readonly sequence: number;
  readonly position: number;
  readonly format: (typeof FORMATS)[number];
  readonly data: Uint8Array;
  /** Of later versions. */
  readonly layers?: { readonly from: number; readonly to: number; readonly model: string };
}

/** The origin's result. */
export interface OriginResult {
  readonly kind: "origin-result";
  readonly request: string;
  readonly tokens: Uint32Array;
  readonly finish: (typeof FINISHES)[number];
  /** With the finish "error". */
  readonly error?: string;
  /** Empty when there are none. */
  readonly activations: Uint8Array;
}

/** Reads the origin's forward. @throws {StageError} "malformed" */
export function decodeOriginForward(bytes: Uint8Array): OriginForward {
  const reader = new FrameReader(bytes, "a forward of the origin");
  if (reader.u8() !== ORIGIN_FORWARD_TAG) throw reader.wrong("its first byte is another");
  const [request, sequence, position] = [reader.hex(16), reader.u32(), reader.u32()];
  const format = FORMATS[reader.u8()];
  if (format === undefined) throw reader.wrong("its format is unknown");
  const data = reader.bytes(reader.u32());
  if (data.length % FORMAT_BYTES[format] !== 0) {
    throw reader.wrong(`${data.length} bytes are no whole number of ${format} values`);
  }
  const head = { kind: "origin-forward", request, sequence, position, format, data } as const;
  if (reader.leftBytes === 0) return head;
  const trailer = reader.u8();
  if (trailer !== LAYERS_TRAILER) throw reader.wrong(`its trailer ${trailer} is unknown`);
  const [from, to] = [reader.u32(), reader.u32()];
  const model = reader.text(reader.u16());
  reader.end();
  if (from >= to) throw reader.wrong(`its layers ${from} to ${to} are no range`);
  return { ...head, layers: { from, to, model } };
}

/** Reads the origin's result. @throws {StageError} "malformed" */
export function decodeOriginResult(bytes: Uint8Array): OriginResult {
  const reader = new FrameReader(bytes, "a result of the origin");
  if (reader.u8() !== ORIGIN_RESULT_TAG) throw reader.wrong("its first byte is another");
  const request = reader.hex(16);
  const tokenCount = reader.u32();
  if (tokenCount > resultValuesMax) throw reader.wrong(`it has ${tokenCount} tokens`);
  const tokens = reader.integers(tokenCount).slice();
  const finish = FINISHES[reader.u8()];
  if (finish === undefined) throw reader.wrong("its finish is unknown");
  const error = finish === "error" ? readError(reader) : undefined;
  const activations = reader.leftBytes === 0 ? new Uint8Array() : reader.bytes(reader.u32());
  reader.end();
  const head = { kind: "origin-result", request, tokens, finish, activations } as const;
  return error === undefined ? head : { ...head, error };
}

function readError(reader: FrameReader): string {
  const bytes = reader.u32();
  if (bytes > sentenceBytesMax * 8) throw reader.wrong(`its error has ${bytes} bytes`);
  return reader.text(bytes);
}
