/** The receipt and the transcript that `skep verify` is given: files, or what the node keeps. */
import type { Receipt, Transcript } from "../receipts/mod.ts";
import { absolutePath } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";
import { storeOf } from "./receipt.ts";

/** What is named on the command line. */
export interface NamedReceipt {
  /** A file, or an id or its first digits. */
  readonly receipt: string;
  /** A file; without it, what is kept beside the receipt. */
  readonly transcript: string | undefined;
  readonly place: PlaceOptions;
}

/**
 * Reads both. A file of that name wins over an id.
 *
 * @throws {CliError} exit code 2 for a receipt's file without a transcript
 * @throws {ReceiptError} {DiskError} when one is not there, or is none
 */
export async function receiptAndTranscript(
  io: CliIo,
  { receipt, transcript, place }: NamedReceipt,
): Promise<{ readonly receipt: Receipt; readonly transcript: Transcript }> {
  const { parseReceipt, parseTranscript } = await import("../receipts/mod.ts");
  if (await isKept(io, receipt)) {
    const kept = await (await storeOf(io, place)).read(receipt);
    if (transcript === undefined) return kept;
    return { receipt: kept.receipt, transcript: parseTranscript(await readText(io, transcript)) };
  }
  if (transcript === undefined) {
    throw new CliError({
      exitCode: exitCodes.usage,
      message:
        `Cannot check the receipt of a file without its transcript: pass --transcript FILE, or, of a receipt that this node keeps, its id ("skep receipt list")`,
    });
  }
  return {
    receipt: parseReceipt(await readText(io, receipt)),
    transcript: parseTranscript(await readText(io, transcript)),
  };
}

/** Whether a text is an id rather than a file. */
async function isKept(io: CliIo, text: string): Promise<boolean> {
  return /^[0-9a-f]{1,64}$/.test(text) &&
    await io.disk.stat(absolutePath(io, text)) === undefined;
}

async function readText(io: CliIo, file: string): Promise<string> {
  const { readWholeFile } = await import("../ports/mod.ts");
  const { receiptBytesMax } = await import("../receipts/mod.ts");
  const bytes = await readWholeFile(io.disk, {
    path: absolutePath(io, file),
    bytesMax: receiptBytesMax,
  });
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
