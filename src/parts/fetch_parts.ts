/**
 * Fetches parts of a model from every peer that holds them, at once.
 *
 * Each chunk is checked before it is written. A wrong one costs that chunk, and its sender is named
 * and not asked again; a peer that goes away or is silent costs what it was asked for. What is still
 * missing then is asked of the others.
 */
import { decodeHex, HotError } from "../hot/mod.ts";
import type { GroupRange } from "../hot/mod.ts";
import { DiskError } from "../ports/mod.ts";
import type { Clock, MeshNetwork, PeerKey } from "../ports/mod.ts";
import { PartsError } from "./errors.ts";
import { PartFile } from "./part_file.ts";
import type { PartPlace } from "./part_file.ts";
import {
  bytesOfGroups,
  decodePartAbout,
  groupsPerFrameMax,
  outboardPieces,
  partAboutBytes,
} from "./part_frames.ts";
import type { PartAnswer, PartRequest } from "./part_frames.ts";
import { PartStream } from "./part_stream.ts";

/** Requests that are under way to one peer. */
const windowMax = 4;

/** What was written is noted after so many bytes, or so long: a kill -9 costs no more than that. */
const saveBytes: number = 32 * 1024 * 1024;
const saveMs = 1000;

/** Whom to ask, and how. */
export interface FetchOptions {
  readonly mesh: Pick<MeshNetwork, "open">;
  readonly clock: Clock;
  /** Peers that say that they hold something of the model, the best first. */
  readonly holders: readonly PeerKey[];
  readonly signal?: AbortSignal;
  /** Told of a peer that is not asked any more, and why. */
  readonly onBadPeer?: (peer: PeerKey, why: unknown) => void;
}

/**
 * Opens a model's parts, or begins them with the tree of the first holder that has a good one.
 *
 * @throws {PartsError} "unavailable" when no holder gives a good tree; {DiskError}
 */
export async function beginParts(place: PartPlace, options: FetchOptions): Promise<PartFile> {
  const known = await PartFile.open(place);
  if (known !== undefined) return known;
  for (const peer of options.holders) {
    options.signal?.throwIfAborted();
    try {
      const about = await fetchTree(place.root, { ...options, peer });
      return await PartFile.create(place, about);
    } catch (thrown) {
      options.signal?.throwIfAborted();
      options.onBadPeer?.(peer, thrown);
    }
  }
  throw unavailable(place.root, "no peer that is there gives its tree");
}

/**
 * Fetches what is missing of `ranges`, and notes it durably.
 *
 * @param onProgress told how many of the bytes that were missing have come
 * @throws {PartsError} "unavailable", naming what is missing, when nobody gives it; {DiskError}
 */
export async function fetchParts(
  file: PartFile,
  ranges: readonly GroupRange[],
  options: FetchOptions & {
    readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  },
): Promise<void> {
  const fetching = new Fetching(file, file.missing(ranges, groupsPerFrameMax), options);
  try {
    await Promise.all(options.holders.map((peer) => fetching.from(peer)));
  } finally {
    await file.save();
  }
  if (fetching.fault !== undefined) throw fetching.fault;
  options.signal?.throwIfAborted();
  const missing = file.missing(ranges, Infinity);
  const [first] = missing;
  if (first === undefined) return;
  const count = missing.reduce((sum, range) => sum + range.count, 0);
  throw unavailable(
    file.root,
    `nobody who is there gives ${count} of its groups, from group ${first.first} on`,
  );
}

/** What is yet to come, and who is asked for it. */
class Fetching {
  readonly #file: PartFile;
  readonly #options: Parameters<typeof fetchParts>[2];
  readonly #totalBytes: number;
  /** Chunks that nobody is asked for right now, and who has refused each. */
  readonly #open: { readonly range: GroupRange; readonly refusedBy: Set<PeerKey> }[];
  /** Chunks that somebody is asked for. */
  #asked = 0;
  #doneBytes = 0;
  #unsavedBytes = 0;
  #savedMs: number;
  /** What the disk said, after which nothing more is asked for: no peer is to blame for it. */
  fault: DiskError | undefined;
  /** Wakes peers that had nothing to do when a chunk comes back. */
  #idle: (() => void)[] = [];

  constructor(
    file: PartFile,
    chunks: readonly GroupRange[],
    options: Parameters<typeof fetchParts>[2],
  ) {
    this.#file = file;
    this.#options = options;
    this.#savedMs = options.clock.monotonicMs();
    this.#open = chunks.map((range) => ({ range, refusedBy: new Set() }));
    this.#totalBytes = chunks.reduce((sum, range) => sum + bytesOfGroups(range, file.sizeBytes), 0);
  }

  /** Gets what one peer gives, until nothing is missing or it gives no more. */
  async from(peer: PeerKey): Promise<void> {
    if (this.#open.length === 0) return;
    const { mesh, clock, signal, onBadPeer } = this.#options;
    let stream: PartStream | undefined;
    const onAbort = (): void => stream?.end();
    try {
      stream = await PartStream.open(mesh, {
        peer,
        clock,
        ...(signal === undefined ? {} : { signal }),
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      const opened = stream;
      await Promise.all(Array.from({ length: windowMax }, () => this.#ask(opened)));
    } catch (thrown) {
      if (thrown instanceof DiskError) this.fault ??= thrown;
      else if (signal?.aborted !== true) onBadPeer?.(peer, thrown);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      stream?.end();
    }
  }

  async #ask(stream: PartStream): Promise<void> {
    while (this.fault === undefined) {
      const at = this.#open.findIndex(({ refusedBy }) => !refusedBy.has(stream.peer));
      const [chunk] = at < 0 ? [] : this.#open.splice(at, 1);
      if (chunk === undefined) {
        if (this.#asked === 0) return;
        // Another peer may fail at what it is asked for.
        await new Promise<void>((resolve) => this.#idle.push(resolve));
        continue;
      }
      this.#asked++;
      try {
        await this.#get(stream, chunk.range);
      } catch (thrown) {
        chunk.refusedBy.add(stream.peer);
        this.#open.push(chunk);
        if (!(thrown instanceof Refused)) throw thrown;
      } finally {
        this.#asked--;
        for (const wake of this.#idle.splice(0)) wake();
      }
    }
  }

  async #get(stream: PartStream, range: GroupRange): Promise<void> {
    const bytes = bytesOfGroups(range, this.#file.sizeBytes);
    const request: PartRequest = { kind: "groups", root: decodeHex(this.#file.root), range };
    const answer = await stream.ask(request, { from: bytes, to: bytes });
    if (!answer.isOk) throw new Refused(answer.sentence);
    try {
      await this.#file.write(range, answer.bytes);
    } catch (thrown) {
      if (thrown instanceof HotError) throw corrupt(this.#file.root, stream.peer, range);
      throw thrown;
    }
    this.#doneBytes += bytes;
    this.#unsavedBytes += bytes;
    this.#options.onProgress?.(this.#doneBytes, this.#totalBytes);
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#unsavedBytes < saveBytes && nowMs - this.#savedMs < saveMs) return;
    this.#unsavedBytes = 0;
    this.#savedMs = nowMs;
    await this.#file.save();
  }
}

/** A peer that does not have a chunk may have others. */
class Refused extends Error {}

/** The length, name and tree of a model, as one peer tells them. */
async function fetchTree(
  root: string,
  options: FetchOptions & { readonly peer: PeerKey },
): Promise<{ readonly name: string; readonly sizeBytes: number; readonly outboard: Uint8Array }> {
  const { mesh, clock, peer, signal } = options;
  const stream = await PartStream.open(mesh, {
    peer,
    clock,
    ...(signal === undefined ? {} : { signal }),
  });
  const onAbort = (): void => stream.end();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const rootBytes = decodeHex(root);
    const told = await stream.ask({ kind: "about", root: rootBytes }, partAboutBytes);
    const about = decodePartAbout(given(told, peer));
    const pieces = outboardPieces(about.sizeBytes);
    const outboard = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + bytes, 0));
    for (const { fromBytes, bytes } of pieces) {
      const request: PartRequest = { kind: "outboard", root: rootBytes, fromBytes, bytes };
      const answer = await stream.ask(request, { from: bytes, to: bytes });
      outboard.set(given(answer, peer), fromBytes);
    }
    return { ...about, outboard };
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stream.end();
  }
}

function given(answer: PartAnswer, peer: PeerKey): Uint8Array {
  if (answer.isOk) return answer.bytes;
  const message = `Cannot get parts from peer ${peer.slice(0, 12)} as it refuses: ` +
    `${answer.sentence}`;
  throw new PartsError({ code: "unavailable", message });
}

function corrupt(root: string, peer: PeerKey, { first, count }: GroupRange): PartsError {
  const message = `Cannot use what peer ${peer.slice(0, 12)} sent for groups ${first} to ` +
    `${first + count - 1} of model ${root.slice(0, 12)} as they are not the model's`;
  return new PartsError({ code: "damaged", message });
}

function unavailable(root: string, why: string): PartsError {
  const message = `Cannot fetch model ${root.slice(0, 12)} as ${why}`;
  return new PartsError({ code: "unavailable", message });
}
