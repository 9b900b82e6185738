/**
 * Finds the messages in a stretch of bytes: frames with a 4-byte big-endian length, lines (NDJSON),
 * commands of the Redis protocol. Limits come first, UTF-8 is validated in the same pass, and the
 * result is a table of offsets.
 *
 * Not here: bytes over time (the decoders of `src/wire` keep what is left of a stretch), and the
 * meaning of a message.
 */
import {
  ARGUMENTS,
  ARGUMENTS_MAX,
  INPUT,
  INPUT_BYTES,
  RECORDS,
  RECORDS_BYTES,
  RESULT,
  SCAN_STATUSES,
} from "./_frames_map.ts";
import type { FramesKernel, ScanStatus } from "./_frames_map.ts";
import { bytes as base64 } from "./_frames_bytes.ts";
import { framesTwin } from "./_frames_twin.ts";
import { KernelModule } from "./_module.ts";
import type { KernelChoice, KernelKind } from "./_module.ts";

/** Bytes of one stretch at most: a message of 8 MiB, its length, and a read behind it. */
export const SCAN_BYTES_MAX: number = INPUT_BYTES;
/** Frames or lines of one scan at most; twice the commands. */
export const SCAN_RECORDS_MAX: number = RECORDS_BYTES / 8;
/** Arguments of one scan at most. */
export const SCAN_ARGUMENTS_MAX: number = ARGUMENTS_MAX;

const MODULE = new KernelModule<FramesKernel>(base64, framesTwin);

/** What a scan accepts. Make it once: it is read at every call. */
export interface ScanLimits {
  /** Bytes of a message: a frame without its length, a line without its LF, a whole command. */
  readonly bytesMax: number;
  /** @default {false} refuse messages (of commands: arguments) that are not UTF-8 */
  readonly utf8?: boolean;
  /** @default {SCAN_RECORDS_MAX} messages per call; half of that for commands */
  readonly recordsMax?: number;
  /** @default {SCAN_ARGUMENTS_MAX} arguments of a command */
  readonly argumentsMax?: number;
}

/**
 * A scanner with a kernel's memory of its own (9.2 MiB, touched only as far as used). Scans are
 * synchronous, so one scanner serves all connections of a thread.
 *
 * No method allocates. The tables, and what the getters give, are those of the last scan. Data that
 * is part of `input` is scanned in place; other data is copied there first, which overwrites it.
 */
export class FrameScanner {
  /** "wasm", or "plain" where the engine has no SIMD. */
  readonly kind: KernelKind;
  /** SCAN_BYTES_MAX inside the kernel's memory, for sockets whose bytes land here. */
  readonly input: Uint8Array<ArrayBuffer>;
  /**
   * Frames and lines: offset and length at 2 * i, from the start of the data. Commands: offset, bytes,
   * first argument and number of arguments at 4 * i.
   */
  readonly records: Uint32Array<ArrayBuffer>;
  /** Arguments of commands: offset and length at 2 * i. */
  readonly arguments: Uint32Array<ArrayBuffer>;
  readonly #kernel: FramesKernel;
  readonly #result: Uint32Array<ArrayBuffer>;

  /** @throws {RangeError} when the kernel asked for is not to be had */
  constructor(options: { readonly kernel?: KernelChoice } = {}) {
    const { kernel, kind } = MODULE.open(options.kernel ?? "auto");
    const { buffer } = kernel.memory;
    this.#kernel = kernel;
    this.kind = kind;
    this.input = new Uint8Array(buffer, INPUT, INPUT_BYTES);
    this.records = new Uint32Array(buffer, RECORDS, RECORDS_BYTES / 4);
    this.arguments = new Uint32Array(buffer, ARGUMENTS, 2 * ARGUMENTS_MAX);
    this.#result = new Uint32Array(buffer, RESULT, 4);
  }

  /** How the last scan ended. */
  get status(): ScanStatus {
    return SCAN_STATUSES[this.#result[0] as number] ?? "done";
  }

  /** Bytes of the data that the records stand for; the next scan begins behind them. */
  get consumedBytes(): number {
    return this.#result[1] as number;
  }

  /** Offset of the byte that was refused; 0 unless the status is an error. */
  get errorOffset(): number {
    return this.#result[2] as number;
  }

  /**
   * Bytes from `consumedBytes` that the next message needs at least, as far as its beginning says; 0
   * when nothing is left or only a line's end can tell. Before they are there a scan finds nothing.
   */
  get neededBytes(): number {
    return this.#result[3] as number;
  }

  /**
   * Frames: 4 bytes of length, big-endian, then the message. Returns the number of records.
   *
   * @param data at most SCAN_BYTES_MAX
   * @throws {RangeError} when the data or a limit is out of range
   */
  scanFrames(data: Uint8Array, limits: ScanLimits): number {
    const recordsMax = checkedRecords(limits, SCAN_RECORDS_MAX);
    const utf8 = limits.utf8 === true ? 1 : 0;
    return this.#kernel.scanLengths(
      this.#place(data),
      data.length,
      limits.bytesMax,
      recordsMax,
      utf8,
    );
  }

  /**
   * Lines that end in LF, without it; a CR before it is part of the line. Returns the number of
   * records. Empty lines are records too.
   *
   * @param data at most SCAN_BYTES_MAX
   * @throws {RangeError} when the data or a limit is out of range
   */
  scanLines(data: Uint8Array, limits: ScanLimits): number {
    const recordsMax = checkedRecords(limits, SCAN_RECORDS_MAX);
    const utf8 = limits.utf8 === true ? 1 : 0;
    return this.#kernel.scanLines(
      this.#place(data),
      data.length,
      limits.bytesMax,
      recordsMax,
      utf8,
    );
  }

  /**
   * Commands of the Redis protocol: arrays of bulk strings. Returns the number of records.
   *
   * @param data at most SCAN_BYTES_MAX
   * @throws {RangeError} when the data or a limit is out of range
   */
  scanCommands(data: Uint8Array, limits: ScanLimits): number {
    const { argumentsMax = SCAN_ARGUMENTS_MAX } = limits;
    const recordsMax = checkedRecords(limits, SCAN_RECORDS_MAX / 2);
    if (!isCount(argumentsMax, SCAN_ARGUMENTS_MAX)) {
      throw outOfRange("argumentsMax", argumentsMax, SCAN_ARGUMENTS_MAX);
    }
    return this.#kernel.scanCommands(
      this.#place(data),
      data.length,
      limits.bytesMax,
      recordsMax,
      limits.utf8 === true ? 1 : 0,
      argumentsMax,
    );
  }

  /**
   * Bytes of `data` before the first one that is not UTF-8, or its length.
   *
   * @param data at most SCAN_BYTES_MAX
   * @throws {RangeError} when the data is longer
   */
  utf8Prefix(data: Uint8Array): number {
    return this.#kernel.utf8Prefix(this.#place(data), data.length);
  }

  /** Where the data is in the kernel's memory, after copying it if it is not. */
  #place(data: Uint8Array): number {
    const { input } = this;
    if (data.buffer === input.buffer && data.byteOffset >= INPUT) return data.byteOffset;
    if (data.length > INPUT_BYTES) {
      throw new RangeError(
        `Cannot scan data as it must have at most ${INPUT_BYTES} bytes: current value has ${data.length}`,
      );
    }
    input.set(data);
    return INPUT;
  }
}

function checkedRecords(limits: ScanLimits, most: number): number {
  const { bytesMax, recordsMax = most } = limits;
  if (!isCount(bytesMax, INPUT_BYTES)) throw outOfRange("bytesMax", bytesMax, INPUT_BYTES);
  if (!isCount(recordsMax, most) || recordsMax === 0) {
    throw outOfRange("recordsMax", recordsMax, most);
  }
  return recordsMax;
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function outOfRange(name: string, value: number, most: number): RangeError {
  return new RangeError(
    `Cannot scan data as '${name}' must be a whole number up to ${most}: current value is ${value}`,
  );
}
