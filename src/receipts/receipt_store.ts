/**
 * Receipts and transcripts on disk, a file each, newest last: `<time>-<request>.json`. They are the
 * requester's own; whoever wants a prompt forgotten removes its file.
 *
 * Policy at the limit: the oldest goes.
 */
import { join } from "node:path";
import * as v from "valibot";
import { DiskError, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { ReceiptError } from "./errors.ts";
import { checkedJson } from "./_checked_json.ts";
import { receiptBytesMax, receiptSchema } from "./receipt.ts";
import type { Receipt } from "./receipt.ts";
import { transcriptSchema } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";

const storedSchema = v.strictObject({
  kind: v.literal("skep-stored-receipt/2"),
  receipt: receiptSchema,
  transcript: transcriptSchema,
});

const namePattern = /^(\d{15})-([0-9a-f]{64})\.json$/;

/** A receipt that is kept. */
export interface StoredReceipt {
  readonly receipt: Receipt;
  readonly transcript: Transcript;
}

/** What is listed of one. */
export interface ListedReceipt {
  /** The request's id. */
  readonly id: string;
  readonly keptAtMs: number;
  readonly path: string;
}

/** What a store works with. */
export interface ReceiptStoreOptions {
  readonly disk: Disk;
  /** Absolute. */
  readonly directory: string;
  /** Receipts at most. @default 1000 */
  readonly filesMax?: number;
}

/** The receipts of one directory. */
export class ReceiptStore {
  readonly #options: Required<ReceiptStoreOptions>;

  constructor(options: ReceiptStoreOptions) {
    this.#options = { filesMax: 1000, ...options };
  }

  /** Keeps one; on return it survives a power cut. @throws {DiskError} */
  async keep(id: string, stored: StoredReceipt, nowMs: number): Promise<void> {
    const { disk, directory, filesMax } = this.#options;
    if (await disk.stat(directory) === undefined) await disk.makeDirectory(directory, 0o700);
    const name = `${String(nowMs).padStart(15, "0")}-${id}.json`;
    const text = JSON.stringify({ kind: "skep-stored-receipt/2", ...stored });
    const bytes = new TextEncoder().encode(`${text}\n`);
    await writeFileDurably(disk, { path: join(directory, name), bytes, permissions: 0o600 });
    const all = await this.list();
    for (const { path } of all.slice(0, Math.max(0, all.length - filesMax))) {
      await disk.remove(path);
    }
  }

  /** All, the oldest first. @throws {DiskError} */
  async list(): Promise<readonly ListedReceipt[]> {
    const { disk, directory } = this.#options;
    if (await disk.stat(directory) === undefined) return [];
    return (await disk.list(directory)).flatMap((name) => {
      const [, time, id] = namePattern.exec(name) ?? [];
      if (time === undefined || id === undefined) return [];
      return [{ id, keptAtMs: Number(time), path: join(directory, name) }];
    });
  }

  /**
   * One by its id, or by the id's first digits.
   *
   * @throws {ReceiptError} "refused" when none, or several, begin so; "malformed"
   */
  async read(id: string): Promise<StoredReceipt & { readonly listed: ListedReceipt }> {
    const { disk, directory } = this.#options;
    const found = (await this.list()).filter((one) => one.id.startsWith(id));
    const [listed] = found;
    if (listed === undefined || found.length > 1 || id === "") {
      throw new ReceiptError({
        code: "refused",
        message: `Cannot find receipt "${id}" as ${found.length} of those in ${directory} begin so`,
      });
    }
    try {
      const bytes = await readWholeFile(disk, { path: listed.path, bytesMax: receiptBytesMax });
      const text = new TextDecoder().decode(bytes);
      const { receipt, transcript } = checkedJson(storedSchema, {
        source: text,
        lengthMax: receiptBytesMax,
        what: `the receipt ${listed.path}`,
      });
      return { receipt, transcript, listed };
    } catch (thrown) {
      if (!(thrown instanceof DiskError)) throw thrown;
      const message = `Cannot read the receipt ${listed.path} as the disk fails`;
      throw new ReceiptError({ code: "malformed", message, cause: thrown });
    }
  }
}

/** Where a node keeps its receipts. @param state the node's state directory */
export function receiptDirectory(state: string): string {
  return join(state, "receipts");
}
