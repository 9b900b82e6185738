/**
 * Rows on their way to the next stage: frame 0x21 of docs/STAGES.md, section 3.
 *
 *     0   u8       0x21
 *     1   u8       format: 1 f32 rows, 16 u32 tokens
 *     2   u8       c, characters of the numeric class
 *     3   u8       what the requester wants: 1 activations, 2 logits
 *     4   16       request
 *     20  32       BLAKE3 root of the model
 *     52  u32 u32  first layer, end layer of the stage that receives it
 *     60  u32      end layer of the request: whoever runs the one before it answers
 *     64  u32      milliseconds left, 0 for no deadline
 *     68  u32      bytes that the result may have
 *     72  u32      values of a row; 1 for tokens
 *     76  u16      entries e
 *     78  u16      0
 *     80  c        the class, then zeros to a multiple of 4
 *     ..  32 x e   session 16, sequence u32, first position u32, positions u32, wanted u8, flags u8, 0 u16
 *     ..           rows
 */
import { meshFrameBytesMax } from "../ports/mod.ts";
import { FrameReader } from "./_frame_reader.ts";
import { FrameWriter } from "./_frame_writer.ts";
import { classCharactersMax, frameEntriesMax, rowValuesMax } from "./limits.ts";
import { StageError } from "./stage_error.ts";

/** First byte of a forward. */
export const FORWARD_TAG = 0x21;
/** Format of rows of the hidden state. */
export const FORMAT_F32 = 1;
/** Format of tokens, for a stage that holds the embedding. */
export const FORMAT_TOKENS = 16;

const HEAD_BYTES = 80;
const ENTRY_BYTES = 32;
const ROLLBACK = 1;
/** Which rows the requester wants, by their number in the frame. */
const WANTED = ["none", "last", "all"] as const;

/** What a result holds, by its number in frames from 1. */
export const ROW_CONTENTS = ["activations", "logits"] as const;

/** What a result holds. */
export type RowContent = (typeof ROW_CONTENTS)[number];

/** Rows of the answer that the requester wants. */
export type Wanted = (typeof WANTED)[number];

/** A run of positions of one session. */
export interface ForwardEntry {
  /** 32 hexadecimal digits. */
  readonly session: string;
  /** Counts up by one for each entry of the session. */
  readonly sequence: number;
  readonly firstPosition: number;
  readonly positionCount: number;
  readonly wanted: Wanted;
  /** Whether the session may hold more than `firstPosition` positions, which it then forgets. */
  readonly rollback: boolean;
}

/** What a frame of rows is about. */
export interface ForwardHead {
  /** 32 hexadecimal digits. */
  readonly request: string;
  /** 64 hexadecimal digits. */
  readonly root: string;
  readonly numericClass: string;
  readonly firstLayer: number;
  readonly endLayer: number;
  /** The layer before which the request ends. */
  readonly untilLayer: number;
  /** Milliseconds that are left; 0 for no deadline. */
  readonly deadlineMs: number;
  /** Bytes that the result may have. */
  readonly creditBytes: number;
  /** What the requester wants of the wanted rows. */
  readonly content: RowContent;
  readonly entries: readonly ForwardEntry[];
}

/** A forward: tokens for the stage with the embedding, rows for any other. */
export type ForwardFrame =
  & ForwardHead
  & { readonly kind: "forward"; readonly width: number }
  & (
    | { readonly format: "f32"; readonly data: Float32Array }
    | { readonly format: "tokens"; readonly data: Uint32Array }
  );

/** Bytes of a forward without its rows. */
export function forwardHeadBytes(numericClass: string, entries: number): number {
  return HEAD_BYTES + padded(numericClass.length) + ENTRY_BYTES * entries;
}

/** Rows that one forward of one entry has room for. */
export function forwardRowsMax(numericClass: string, width: number): number {
  return Math.floor((meshFrameBytesMax - forwardHeadBytes(numericClass, 1)) / (4 * width));
}

/**
 * The bytes of a forward.
 *
 * @param data rows x width, or tokens; what it holds is the caller's care
 * @throws {RangeError} when they are more than a frame may have
 */
export function encodeForward(head: ForwardHead, data: Float32Array | Uint32Array): Uint8Array {
  const { numericClass, entries } = head;
  const isTokens = data instanceof Uint32Array;
  const rows = entries.reduce((sum, { positionCount }) => sum + positionCount, 0);
  const headBytes = forwardHeadBytes(numericClass, entries.length);
  const byteCount = headBytes + data.byteLength;
  if (byteCount > meshFrameBytesMax) {
    throw new RangeError(
      `Cannot send rows as a frame has at most ${meshFrameBytesMax} bytes: current value is ${byteCount}`,
    );
  }
  const writer = new FrameWriter(byteCount)
    .u8(FORWARD_TAG).u8(isTokens ? FORMAT_TOKENS : FORMAT_F32).u8(numericClass.length).u8(
      ROW_CONTENTS.indexOf(head.content) + 1,
    )
    .hex(head.request).hex(head.root)
    .u32(head.firstLayer).u32(head.endLayer).u32(head.untilLayer)
    .u32(head.deadlineMs).u32(head.creditBytes)
    .u32(rows === 0 ? 0 : data.length / rows).u16(entries.length).u16(0)
    .ascii(numericClass).zeros(padded(numericClass.length) - numericClass.length);
  for (const entry of entries) {
    writer.hex(entry.session).u32(entry.sequence).u32(entry.firstPosition).u32(entry.positionCount)
      .u8(WANTED.indexOf(entry.wanted)).u8(entry.rollback ? ROLLBACK : 0).u16(0);
  }
  return writer.words(data).bytes;
}

/**
 * Reads a forward; its rows are views of `bytes` where they are aligned.
 *
 * @throws {StageError} "malformed", "wrong-format"
 */
export function decodeForward(bytes: Uint8Array): ForwardFrame {
  const reader = new FrameReader(bytes, "a forward");
  if (reader.u8() !== FORWARD_TAG) throw reader.wrong(`its first byte is not ${FORWARD_TAG}`);
  const format = checkedFormat(reader.u8());
  const classCharacters = reader.u8();
  const content = ROW_CONTENTS[reader.u8() - 1];
  if (content === undefined) throw reader.wrong("what it wants is unknown");
  const [request, root] = [reader.hex(16), reader.hex(32)];
  const [firstLayer, endLayer, untilLayer] = [reader.u32(), reader.u32(), reader.u32()];
  const [deadlineMs, creditBytes, width] = [reader.u32(), reader.u32(), reader.u32()];
  const entryCount = reader.u16();
  reader.zeros(2);
  const numericClass = readClass(reader, classCharacters);
  if (firstLayer >= endLayer || untilLayer < endLayer) {
    throw reader.wrong(
      `its layers ${firstLayer} to ${endLayer}, until ${untilLayer}, are no range`,
    );
  }
  const entries = readEntries(reader, entryCount);
  const rows = entries.reduce((sum, { positionCount }) => sum + positionCount, 0);
  checkWidth(reader, { width, rows, isTokens: format === "tokens" });
  const head = { request, root, numericClass, firstLayer, endLayer, untilLayer, deadlineMs };
  const rest = { ...head, creditBytes, content, entries, width, kind: "forward" } as const;
  return format === "tokens"
    ? { ...rest, format, data: reader.integers(rows) }
    : { ...rest, format, data: reader.floats(rows * width) };
}

/** Reads the class and the zeros behind it. @throws {StageError} "malformed" */
export function readClass(reader: FrameReader, characters: number): string {
  if (characters < 1 || characters > classCharactersMax) {
    throw reader.wrong(
      `its class has ${characters} characters instead of 1 to ${classCharactersMax}`,
    );
  }
  const text = reader.printable(characters);
  reader.zeros(padded(characters) - characters);
  return text;
}

/** The next multiple of 4. */
export function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}

function readEntries(reader: FrameReader, count: number): readonly ForwardEntry[] {
  if (count < 1 || count > frameEntriesMax) {
    throw reader.wrong(`it has ${count} entries instead of 1 to ${frameEntriesMax}`);
  }
  if (count * ENTRY_BYTES > reader.leftBytes) {
    throw reader.wrong(`it is too short for its ${count} entries`);
  }
  // One, nearly always.
  if (count === 1) return [readEntry(reader)];
  const seen = new Set<string>();
  return Array.from({ length: count }, () => {
    const entry = readEntry(reader);
    if (seen.has(entry.session)) throw reader.wrong("a session has two entries");
    seen.add(entry.session);
    return entry;
  });
}

function readEntry(reader: FrameReader): ForwardEntry {
  const session = reader.hex(16);
  const [sequence, firstPosition, positionCount] = [reader.u32(), reader.u32(), reader.u32()];
  const wanted = WANTED[reader.u8()];
  const flags = reader.u8();
  reader.zeros(2);
  if (wanted === undefined) throw reader.wrong("an entry wants rows in an unknown way");
  if (flags > ROLLBACK) throw reader.wrong(`an entry has the unknown flags ${flags}`);
  if (positionCount < 1) throw reader.wrong("an entry has no position");
  const rollback = flags === ROLLBACK;
  return { session, sequence, firstPosition, positionCount, wanted, rollback };
}

function checkWidth(
  reader: FrameReader,
  { width, rows, isTokens }: { width: number; rows: number; isTokens: boolean },
): void {
  if (width < 1 || width > (isTokens ? 1 : rowValuesMax)) {
    throw reader.wrong(`its rows have ${width} values`);
  }
  // Both are below 2^42 and 2^18, so that the product is exact.
  if (rows * width * 4 !== reader.leftBytes) {
    throw reader.wrong(
      `${rows} rows of ${width} values are not the ${reader.leftBytes} bytes left`,
    );
  }
}

function checkedFormat(format: number): "f32" | "tokens" {
  if (format === FORMAT_F32) return "f32";
  if (format === FORMAT_TOKENS) return "tokens";
  throw new StageError({
    code: "wrong-format",
    message: `Cannot take rows of format ${format} as the class has f32 (${FORMAT_F32})`,
  });
}
