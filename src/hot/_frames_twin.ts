/**
 * The frame scanner in plain TypeScript, at the same addresses as the WebAssembly kernel: its oracle
 * in tests, and its stand-in where an engine has no SIMD. It goes byte by byte.
 */
import {
  ARGUMENTS,
  ARGUMENTS_MAX,
  MEMORY_BYTES,
  RECORDS,
  RESULT,
  SCAN_STATUSES,
} from "./_frames_map.ts";
import type { FramesKernel, ScanStatus } from "./_frames_map.ts";

const LF = 10;
const CR = 13;
const STAR = 42;
const DOLLAR = 36;
const DIGITS_MAX = 9;

/** What ended a scan besides its records; numbers that are left out are 0. */
interface End {
  readonly status: ScanStatus;
  readonly consumed: number;
  readonly error?: number;
  readonly needed?: number;
}

/** A count that was read, and the offset behind it; or why not. */
type Count =
  | { readonly value: number; readonly behind: number }
  | "incomplete"
  | "wrong-type"
  | "wrong-count";

/** One command that was read, or why the scan ends. */
type Command = { readonly next: number; readonly total: number } | End;

/** A kernel over memory of its own. */
export function framesTwin(): FramesKernel {
  return new FramesTwin();
}

class FramesTwin implements FramesKernel {
  readonly memory: { readonly buffer: ArrayBuffer } = { buffer: new ArrayBuffer(MEMORY_BYTES) };
  readonly #bytes = new Uint8Array(this.memory.buffer);
  readonly #view = new DataView(this.memory.buffer);

  // tidy: allow positional-parameters as a WebAssembly export takes numbers only
  scanLengths(
    p: number,
    length: number,
    bytesMax: number,
    recordsMax: number,
    utf8: number,
  ): number {
    let at = 0;
    for (let n = 0;; n++) {
      if (length - at < 4) {
        return this.#finish(n, { status: "done", consumed: at, needed: at < length ? 4 : 0 });
      }
      const bytes = this.#view.getUint32(p + at);
      if (bytes > bytesMax) return this.#finish(n, { status: "too-long", consumed: at, error: at });
      if (at + 4 + bytes > length) {
        return this.#finish(n, { status: "done", consumed: at, needed: 4 + bytes });
      }
      if (n === recordsMax) return this.#finish(n, { status: "table-full", consumed: at });
      const prefix = utf8 === 0 ? bytes : this.utf8Prefix(p + at + 4, bytes);
      if (prefix < bytes) {
        const error = at + 4 + prefix;
        return this.#finish(n, { status: "invalid-utf8", consumed: at, error });
      }
      this.#store(RECORDS + 8 * n, at + 4, bytes);
      at += 4 + bytes;
    }
  }

  // tidy: allow positional-parameters as a WebAssembly export takes numbers only
  scanLines(p: number, length: number, bytesMax: number, recordsMax: number, utf8: number): number {
    let start = 0;
    for (let n = 0;; n++) {
      let feed = start;
      while (feed < length && this.#bytes[p + feed] !== LF) feed++;
      if (feed - start > bytesMax) {
        return this.#finish(n, { status: "too-long", consumed: start, error: start });
      }
      if (feed === length) return this.#finish(n, { status: "done", consumed: start });
      if (n === recordsMax) return this.#finish(n, { status: "table-full", consumed: start });
      const bytes = feed - start;
      const prefix = utf8 === 0 ? bytes : this.utf8Prefix(p + start, bytes);
      if (prefix < bytes) {
        const error = start + prefix;
        return this.#finish(n, { status: "invalid-utf8", consumed: start, error });
      }
      this.#store(RECORDS + 8 * n, start, bytes);
      start = feed + 1;
    }
  }

  // tidy: allow positional-parameters as a WebAssembly export takes numbers only
  scanCommands(
    p: number,
    length: number,
    bytesMax: number,
    recordsMax: number,
    utf8: number,
    argumentsMax: number,
  ): number {
    let at = 0;
    let used = 0;
    for (let n = 0;; n++) {
      if (at === length) return this.#finish(n, { status: "done", consumed: at });
      if (n === recordsMax) return this.#finish(n, { status: "table-full", consumed: at });
      const limits = { bytesMax, argumentsMax, utf8: utf8 !== 0 };
      const command = this.#command(p, { at, length, used, ...limits });
      if ("status" in command) return this.#finish(n, command);
      this.#store(RECORDS + 16 * n, at, command.next - at);
      this.#store(RECORDS + 16 * n + 8, used, command.total);
      used += command.total;
      at = command.next;
    }
  }

  utf8Prefix(p: number, length: number): number {
    let i = 0;
    while (i < length) {
      const size = this.#sequence(p + i, length - i);
      if (size === 0) break;
      i += size;
    }
    return i;
  }

  #command(p: number, given: {
    readonly at: number;
    readonly length: number;
    readonly used: number;
    readonly bytesMax: number;
    readonly argumentsMax: number;
    readonly utf8: boolean;
  }): Command {
    const { at, length, used, bytesMax, argumentsMax, utf8 } = given;
    const waiting: End = { status: "done", consumed: at, needed: length - at + 1 };
    const head = this.#count(p, { at, length, mark: STAR });
    if (head === "incomplete") return waiting;
    if (typeof head === "string") return { status: head, consumed: at, error: at };
    if (head.value > argumentsMax) return { status: "too-many", consumed: at, error: at };
    if (head.value + used > ARGUMENTS_MAX) return { status: "table-full", consumed: at };
    const tooLong: End = { status: "too-long", consumed: at, error: at };
    let next = head.behind;
    for (let i = 0; i < head.value; i++) {
      const size = this.#count(p, { at: next, length, mark: DOLLAR });
      if (size === "incomplete") return length - at > bytesMax ? tooLong : waiting;
      if (typeof size === "string") return { status: size, consumed: at, error: next };
      const { value, behind } = size;
      const stop = behind + value;
      if (stop + 2 - at > bytesMax) return { ...tooLong, error: next };
      if (stop + 2 > length) return { ...waiting, needed: stop + 2 - at };
      if (this.#bytes[p + stop] !== CR || this.#bytes[p + stop + 1] !== LF) {
        return { status: "wrong-end", consumed: at, error: stop };
      }
      const prefix = utf8 ? this.utf8Prefix(p + behind, value) : value;
      if (prefix < value) return { status: "invalid-utf8", consumed: at, error: behind + prefix };
      this.#store(ARGUMENTS + 8 * (used + i), behind, value);
      next = stop + 2;
    }
    return next - at > bytesMax ? tooLong : { next, total: head.value };
  }

  #count(p: number, given: {
    readonly at: number;
    readonly length: number;
    readonly mark: number;
  }): Count {
    const { at, length, mark } = given;
    if (at === length) return "incomplete";
    if (this.#bytes[p + at] !== mark) return "wrong-type";
    let digits = "";
    let i = at + 1;
    for (; i < length; i++) {
      const digit = this.#bytes[p + i] ?? 0;
      if (digit < 48 || digit > 57) break;
      digits += String.fromCharCode(digit);
      if (digits.length > DIGITS_MAX) return "wrong-count";
    }
    if (/^0\d/.test(digits)) return "wrong-count";
    if (i === length) return "incomplete";
    if (digits === "" || this.#bytes[p + i] !== CR) return "wrong-count";
    if (i + 1 === length) return "incomplete";
    if (this.#bytes[p + i + 1] !== LF) return "wrong-count";
    return { value: Number(digits), behind: i + 2 };
  }

  /** Bytes of the sequence at `p`; 0 if it is not one of the table 3-7 of the Unicode standard. */
  #sequence(p: number, left: number): number {
    const [lead = 0, second = 0, third = 0, fourth = 0] = this.#bytes.subarray(p, p + 4);
    if (lead < 0x80) return 1;
    const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || left < size) return 0;
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    const rest = [third, fourth].slice(0, size - 2);
    const continued = rest.every((byte) => byte >= 0x80 && byte <= 0xbf);
    return second >= low && second <= high && continued ? size : 0;
  }

  #store(at: number, first: number, second: number): void {
    this.#view.setUint32(at, first, true);
    this.#view.setUint32(at + 4, second, true);
  }

  #finish(records: number, { status, consumed, error = 0, needed = 0 }: End): number {
    this.#store(RESULT, SCAN_STATUSES.indexOf(status), consumed);
    this.#store(RESULT + 8, error, needed);
    return records;
  }
}
