/**
 * The decoder behind all three framings: what is whole in a chunk is found by one scan of it, what is
 * cut is gathered until it can be whole and is scanned then.
 *
 * Costs are linear in the bytes that arrive, however they are cut: a gathered message is scanned when
 * its framing says that its end may be there, and the buffer it is gathered in doubles.
 */
import type { FrameScanner, ScanLimits } from "../hot/mod.ts";
import { sharedScanner } from "./_shared_scanner.ts";
import type { MessageDecoder } from "./message_decoder.ts";
import { WireError } from "./wire_error.ts";

/** Bytes of a chunk that are scanned at once; no table of a scan is too small for so many. */
const WINDOW_BYTES = 65_536;

/** First size of a buffer that a cut message is gathered in. */
const GATHER_BYTES_MIN = 1_024;

/** What a framing adds to the common work. */
export interface Framing<Message> {
  /** 2 numbers of the scanner's table for each record, or 4. */
  readonly recordWidth: 2 | 4;
  readonly limits: ScanLimits;
  scan(scanner: FrameScanner, data: Uint8Array): number;
  /** How many of `more` to add to the message that `gathered` begins, before `isDue` is asked: >= 1. */
  wanted(gathered: Uint8Array, more: Uint8Array): number;
  /** Whether a scan of what is gathered can find anything: a message, or a broken rule. */
  isDue(gathered: Uint8Array): boolean;
  /** Forgets the gathered message. */
  restart(): void;
  /** Makes a message of record `at` of `records` (offsets in `data`). */
  message(data: Uint8Array, records: Uint32Array, at: RecordPlace): Message;
}

/** Where a record is in a copied table. */
export interface RecordPlace {
  /** Its first number. */
  readonly index: number;
  /** Arguments of commands: offset and length of each. */
  readonly argumentTable: Uint32Array;
}

const NO_RECORDS = new Uint32Array(0);

/** See `MessageDecoder`. */
export class ScanningDecoder<Message> implements MessageDecoder<Message> {
  readonly #framing: Framing<Message>;
  /** Bytes that were pushed and not scanned or gathered yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** A cut message, in the first `#gatheredBytes` of its buffer. */
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #gatheredBytes = 0;
  /** Whether the rest begins with a message that the last scan found to be cut. */
  #cut = false;
  /** Records of the last scan that were not given yet, and the bytes that they are offsets in. */
  #records: Uint32Array = NO_RECORDS;
  #argumentTable: Uint32Array = NO_RECORDS;
  #index = 0;
  #scanned: Uint8Array = new Uint8Array(0);
  #failure: WireError | undefined;

  constructor(framing: Framing<Message>) {
    this.#framing = framing;
  }

  get pendingBytes(): number {
    return this.#gatheredBytes;
  }

  push(bytes: Uint8Array): void {
    if (this.#rest.length > 0 || this.#index < this.#records.length) {
      throw new TypeError("Cannot push bytes as next() must be called until it gives undefined");
    }
    this.#rest = bytes;
  }

  next(): Message | undefined {
    while (this.#index >= this.#records.length) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#rest.length === 0) return undefined;
      if (this.#cut || this.#gatheredBytes > 0) this.#gather();
      else this.#scanRest();
    }
    const place = { index: this.#index, argumentTable: this.#argumentTable };
    this.#index += this.#framing.recordWidth;
    return this.#framing.message(this.#scanned, this.#records, place);
  }

  /** Scans what has come in one piece; the beginning of a cut message is left to `#gather`. */
  #scanRest(): void {
    const window = this.#rest.subarray(0, WINDOW_BYTES);
    const consumed = this.#scan(window);
    this.#rest = this.#rest.subarray(consumed);
    // Gathered when the records of this scan have been given; they are in the same table.
    this.#cut = consumed < window.length && this.#failure === undefined;
    if (this.#cut) this.#framing.restart();
  }

  /** Moves bytes to the cut message, and scans it when its end may be there. */
  #gather(): void {
    this.#cut = false;
    while (this.#rest.length > 0) {
      const wanted = this.#framing.wanted(this.#gathered(), this.#rest);
      this.#append(this.#rest.subarray(0, wanted));
      this.#rest = this.#rest.subarray(wanted);
      if (!this.#framing.isDue(this.#gathered())) continue;
      if (this.#scan(this.#gathered()) === 0) {
        if (this.#failure === undefined) continue;
      }
      // The message's views keep the buffer; the next cut message gets another.
      this.#buffer = new Uint8Array(0);
      this.#gatheredBytes = 0;
      this.#framing.restart();
      return;
    }
  }

  #gathered(): Uint8Array {
    return this.#buffer.subarray(0, this.#gatheredBytes);
  }

  #append(bytes: Uint8Array): void {
    const length = this.#gatheredBytes + bytes.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length, GATHER_BYTES_MIN));
      grown.set(this.#gathered());
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes = length;
  }

  /** Scans and keeps the records; the shared table is another decoder's from here on. */
  #scan(data: Uint8Array): number {
    const scanner = sharedScanner();
    const { recordWidth } = this.#framing;
    const count = this.#framing.scan(scanner, data);
    this.#records = scanner.records.slice(0, count * recordWidth);
    this.#argumentTable = recordWidth === 4 ? argumentsOf(scanner, this.#records) : NO_RECORDS;
    this.#index = 0;
    this.#scanned = data;
    const { status, consumedBytes } = scanner;
    if (status !== "done" && status !== "table-full") {
      this.#failure = refusal(status, this.#framing.limits);
      this.#rest = new Uint8Array(0);
    }
    return consumedBytes;
  }
}

/** The part of the argument table that the records use. */
function argumentsOf(scanner: FrameScanner, records: Uint32Array): Uint32Array {
  const last = records.length - 4;
  if (last < 0) return NO_RECORDS;
  const used = (records[last + 2] ?? 0) + (records[last + 3] ?? 0);
  return scanner.arguments.slice(0, 2 * used);
}

/** One sentence for each way in which a scan refuses a stream. */
export function refusal(status: FrameScanner["status"], limits: ScanLimits): WireError {
  if (status === "too-long") {
    const message =
      `Cannot read the message as it must hold at most ${limits.bytesMax} bytes: it holds or announces more`;
    return new WireError({ code: "too-large", message });
  }
  if (status === "too-many") {
    const message =
      `Cannot read the command as it must have at most ${limits.argumentsMax} arguments: it announces more`;
    return new WireError({ code: "too-large", message });
  }
  if (status === "invalid-utf8") {
    const message = "Cannot read the message as it must be UTF-8";
    return new WireError({ code: "not-utf8", message });
  }
  const rule = {
    "wrong-type": "a command must begin with '*', and each of its arguments with '$'",
    "wrong-count": "a count must be decimal digits without sign or leading zero",
    "wrong-end": "an argument must be followed by CR LF",
    "done": "it was read",
    "table-full": "it was read",
  }[status];
  return new WireError({ code: "malformed", message: `Cannot read the command as ${rule}` });
}
