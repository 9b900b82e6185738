/**
 * Commands of the Redis protocol: arrays of bulk strings, as clients send them.
 *
 * Follows https://redis.io/docs/latest/develop/reference/protocol-spec/. Inline commands and the other
 * types are not clients' business and are refused; replies are not decoded here.
 */
import type { FrameScanner, ScanLimits } from "../hot/mod.ts";
import { ScanningDecoder } from "./_scanning_decoder.ts";
import type { Framing, RecordPlace } from "./_scanning_decoder.ts";
import type { DecoderLimits, MessageDecoder } from "./message_decoder.ts";
import { WireError } from "./wire_error.ts";

const LF = 10;
const STAR = 42;
const DOLLAR = 36;
const ZERO = 48;

/** Bytes of "*999999999" or "$999999999", CR and LF: no head that is right is longer. */
const HEAD_BYTES_MAX = 12;

/** One command. */
export interface RespCommand {
  /** All of its bytes, for forwarding. */
  readonly bytes: Uint8Array;
  /** Its arguments, the name first; an empty command has none. */
  readonly parts: readonly Uint8Array[];
}

/** What a command decoder accepts. */
export interface CommandLimits extends DecoderLimits {
  /** Arguments of a command, its name included; at most 65,536. */
  readonly argumentsMax: number;
}

/** A decoder of commands. */
export function commandDecoder(limits: CommandLimits): MessageDecoder<RespCommand> {
  return new ScanningDecoder(new CommandFraming(limits));
}

/**
 * A command of these arguments; texts are sent in UTF-8.
 *
 * @throws {WireError} "too-large"
 */
export function encodeCommand(
  parts: readonly (string | Uint8Array)[],
  limits: { readonly bytesMax: number },
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [encoder.encode(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === "string" ? encoder.encode(part) : part;
    pieces.push(encoder.encode(`$${bytes.length}\r\n`), bytes, encoder.encode("\r\n"));
  }
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > limits.bytesMax) {
    const rule = `it must hold at most ${limits.bytesMax} bytes: current value is ${length}`;
    throw new WireError({ code: "too-large", message: `Cannot send the command as ${rule}` });
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * While a command is gathered, its heads are followed one by one, so that it is scanned once, when its
 * end is there. Anything that is not as expected is left to the scanner, which knows why it is wrong.
 */
class CommandFraming implements Framing<RespCommand> {
  readonly recordWidth = 4;
  readonly limits: ScanLimits;
  /** Where the head that comes next begins; what is before it was looked at. */
  #headAt = 0;
  /** Arguments that are left; undefined before the command's own head. */
  #left: number | undefined;
  #odd = false;

  constructor(limits: CommandLimits) {
    this.limits = limits;
  }

  scan(scanner: FrameScanner, data: Uint8Array): number {
    return scanner.scanCommands(data, this.limits);
  }

  wanted(gathered: Uint8Array): number {
    // To the next head's first byte at once; a head byte by byte, since it ends where it says.
    return Math.max(1, this.#headAt - gathered.length);
  }

  isDue(gathered: Uint8Array): boolean {
    while (!this.#odd && this.#left !== 0 && this.#headAt < gathered.length) {
      if (!this.#follow(gathered)) break;
    }
    return this.#odd || (this.#left === 0 && gathered.length >= this.#headAt);
  }

  restart(): void {
    this.#headAt = 0;
    this.#left = undefined;
    this.#odd = false;
  }

  message(data: Uint8Array, records: Uint32Array, place: RecordPlace): RespCommand {
    const { index, argumentTable } = place;
    const start = records[index] ?? 0;
    const first = records[index + 2] ?? 0;
    const count = records[index + 3] ?? 0;
    const parts: Uint8Array[] = [];
    for (let i = 2 * first; i < 2 * (first + count); i += 2) {
      const at = argumentTable[i] ?? 0;
      parts.push(data.subarray(at, at + (argumentTable[i + 1] ?? 0)));
    }
    return { bytes: data.subarray(start, start + (records[index + 1] ?? 0)), parts };
  }

  /** Reads the head at `#headAt`; says whether it was whole. */
  #follow(gathered: Uint8Array): boolean {
    const mark = this.#left === undefined ? STAR : DOLLAR;
    const head = gathered.subarray(this.#headAt, this.#headAt + HEAD_BYTES_MAX);
    const end = head.indexOf(LF);
    if (head[0] !== mark || (end < 0 && head.length === HEAD_BYTES_MAX)) this.#odd = true;
    if (end < 0) return false;
    const count = countOf(head.subarray(1, end - 1));
    if (this.#left === undefined) {
      this.#left = count;
      this.#headAt += end + 1;
      this.#odd ||= count > (this.limits.argumentsMax ?? 0);
    } else {
      this.#left -= 1;
      this.#headAt += end + 1 + count + 2;
      this.#odd ||= this.#headAt > this.limits.bytesMax;
    }
    return true;
  }
}

/** The number in decimal digits; infinite when there is something else. */
function countOf(digits: Uint8Array): number {
  let count = digits.length === 0 ? Infinity : 0;
  for (const digit of digits) {
    count = digit >= ZERO && digit <= ZERO + 9 ? 10 * count + digit - ZERO : Infinity;
  }
  return count;
}
