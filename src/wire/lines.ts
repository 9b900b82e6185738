/**
 * NDJSON lines: bytes that end in LF (https://github.com/ndjson/ndjson-spec), any of which may be empty.
 *
 * A CR before the LF is white space to JSON and stays part of the line. What follows the last LF is no
 * line yet; a stream that ends there has lost its end.
 */
import type { FrameScanner, ScanLimits } from "../hot/mod.ts";
import { ScanningDecoder } from "./_scanning_decoder.ts";
import type { Framing } from "./_scanning_decoder.ts";
import type { DecoderLimits, MessageDecoder } from "./message_decoder.ts";
import { WireError } from "./wire_error.ts";

const LF = 10;

/** A decoder of lines; it gives each line's exact bytes, without LF. */
export function lineDecoder(limits: DecoderLimits): MessageDecoder<Uint8Array> {
  return new ScanningDecoder(new LineFraming(limits));
}

/**
 * A line of `value` as JSON, LF included. JSON text has no LF of its own.
 *
 * @throws {WireError} "too-large"
 * @throws {TypeError} when the value has no JSON
 */
export function encodeJsonLine(
  value: unknown,
  limits: { readonly bytesMax: number },
): Uint8Array<ArrayBuffer> {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(
      `Cannot send the value as it must have a JSON form: current value is a ${typeof value}`,
    );
  }
  const bytes = new TextEncoder().encode(`${text}\n`);
  if (bytes.length - 1 <= limits.bytesMax) return bytes;
  throw new WireError({
    code: "too-large",
    message:
      `Cannot send the line as it must hold at most ${limits.bytesMax} bytes: current value is ${
        bytes.length - 1
      }`,
  });
}

class LineFraming implements Framing<Uint8Array> {
  readonly recordWidth = 2;
  readonly limits: ScanLimits;

  constructor(limits: DecoderLimits) {
    this.limits = limits;
  }

  scan(scanner: FrameScanner, data: Uint8Array): number {
    return scanner.scanLines(data, this.limits);
  }

  wanted(gathered: Uint8Array, more: Uint8Array): number {
    const end = more.indexOf(LF);
    const wanted = end < 0 ? more.length : end + 1;
    // One byte more than a line may have is enough to refuse it, and its LF decides.
    return Math.min(wanted, Math.max(1, this.limits.bytesMax + 1 - gathered.length));
  }

  isDue(gathered: Uint8Array): boolean {
    return gathered.at(-1) === LF || gathered.length > this.limits.bytesMax;
  }

  restart(): void {}

  message(data: Uint8Array, records: Uint32Array, at: { readonly index: number }): Uint8Array {
    const start = records[at.index] ?? 0;
    return data.subarray(start, start + (records[at.index + 1] ?? 0));
  }
}
