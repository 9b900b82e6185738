/**
 * The head that a node keeps of its own journal, in a file beside it, so that an end that was cut off
 * shows: the log itself has no trace of it. It is the last one signed, or one of at most 30 s before,
 * and the one at the last orderly stop. Whoever can write the log can write this file; against that
 * there are the heads that other nodes keep (docs/JOURNAL.md).
 */
import { hidOf } from "../identity/mod.ts";
import type { Identity } from "../identity/mod.ts";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { DiskError, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import type { Clock, Disk } from "../ports/mod.ts";
import { isHeadOf } from "./log_head.ts";
import type { SignedLogHead } from "./log_head.ts";

/** The file's name, in the node's state directory. */
export const keptHeadFile = "journal-head.json";

/** Heads that the journal was found not to contain, at most; the first ones stay. */
const lostMax = 4;

/** Bytes of the file, at most. */
const fileBytesMax = 16 * 1024;

/** Between two writes, but for the last. */
const writeMsMin = 30_000;

/** What is kept. */
export interface KeptHead {
  /** Hid of the node. */
  readonly author: string;
  readonly head: SignedLogHead;
  /** Heads that the journal did not contain at a start any more. */
  readonly lost: readonly SignedLogHead[];
}

/** What a keeper works with. */
export interface HeadKeeperOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly identity: Pick<Identity, "publicKey" | "hid">;
  /** Absolute path of the file. */
  readonly path: string;
}

/** Keeps the heads of one journal. */
export class HeadKeeper {
  readonly #options: HeadKeeperOptions;
  #lost: readonly SignedLogHead[] = [];
  #written: SignedLogHead | undefined;
  #writtenMs = -Infinity;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: HeadKeeperOptions) {
    this.#options = options;
  }

  /**
   * Compares what was kept with the journal as it was opened, and keeps its head from now on.
   *
   * @returns the kept head, when the journal has fewer events, or others, than it tells of
   * @throws {DiskError}
   */
  async begin(head: SignedLogHead): Promise<SignedLogHead | undefined> {
    const { disk, identity: { hid }, path } = this.#options;
    const kept = await readKeptHead({ disk, path });
    const isOurs = kept?.author === hid;
    this.#lost = isOurs ? kept.lost : [];
    this.#written = isOurs ? kept.head : undefined;
    const isLost = isOurs &&
      (kept.head.size > head.size ||
        (kept.head.size === head.size && kept.head.root !== head.root));
    if (isLost) this.#lost = [...this.#lost, kept.head].slice(0, lostMax);
    if (isLost || kept === undefined || kept.head.size !== head.size) await this.#write(head);
    return isLost ? kept.head : undefined;
  }

  /** Keeps a head that was signed; not each one, unless it is the `last`. @throws {DiskError} */
  async keep(head: SignedLogHead, last = false): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (head.size === this.#written?.size) return;
    if (!last && nowMs - this.#writtenMs < writeMsMin) return;
    this.#writtenMs = nowMs;
    const written = this.#writing.then(() => this.#write(head));
    this.#writing = written.catch(() => {});
    await written;
  }

  async #write(head: SignedLogHead): Promise<void> {
    const { disk, identity, path } = this.#options;
    if (head.size === 0 && this.#lost.length === 0) return;
    const publicKey = encodeHex(identity.publicKey);
    const text = JSON.stringify({ publicKey, head, lost: this.#lost }, undefined, 1);
    await writeFileDurably(disk, { path, bytes: new TextEncoder().encode(`${text}\n`) });
    this.#written = head;
  }
}

/** Reads the file; undefined when there is none, or none that its own key has signed. @throws {DiskError} */
export async function readKeptHead(
  { disk, path }: { readonly disk: Disk; readonly path: string },
): Promise<KeptHead | undefined> {
  try {
    const bytes = await readWholeFile(disk, { path, bytesMax: fileBytesMax });
    return parseKeptHead(new TextDecoder().decode(bytes));
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code !== "not-found") throw thrown;
    return undefined;
  }
}

/** What a text of the file's form tells; undefined for any other, or another's signature. */
export function parseKeptHead(text: string): KeptHead | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { publicKey, head, lost } = recordOf(value);
  if (typeof publicKey !== "string" || !/^[0-9a-f]{64}$/.test(publicKey)) return undefined;
  const key = decodeHex(publicKey);
  const heads = [head, ...Array.isArray(lost) ? lost.slice(0, lostMax) : []].map((one) =>
    headOf(one, key)
  );
  const [latest, ...others] = heads;
  if (latest === undefined) return undefined;
  return { author: hidOf(key), head: latest, lost: others.filter((one) => one !== undefined) };
}

function headOf(value: unknown, publicKey: Uint8Array): SignedLogHead | undefined {
  const { size, root, tsMs, signature } = recordOf(value);
  if (typeof size !== "number" || typeof tsMs !== "number") return undefined;
  if (typeof root !== "string" || typeof signature !== "string") return undefined;
  const head = { size, root, tsMs, signature };
  return isHeadOf(head, publicKey) ? head : undefined;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
