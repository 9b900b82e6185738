/**
 * Keeps the links that the node wants: to every member of a small mesh, to a few of a large one, and
 * to those that were asked for. Dialling never blocks anything; what fails is tried again later and
 * later, at odd moments, so that a mesh that starts at once does not dial at once.
 */
import { MeshError } from "../../ports/mod.ts";
import type { Clock, MeshNetwork, PeerKey, Random } from "../../ports/mod.ts";
import { Doubts } from "./doubts.ts";
import { Upgrades } from "./upgrades.ts";

/** Pause before the second attempt, and the longest, in milliseconds. */
const pauseMsMin = 250;
const pauseMsMax = 30_000;

/** After a peer has refused this node: 60 s, since that changes by people's hands. */
const refusedPauseMs = 60_000;

/** Attempts under way at once. */
const dialsMax = 8;

/** How long an attempt may take. */
const dialMsMax = 15_000;

/** In a large mesh: members that follow in the ring of keys, and others, at random. */
const ringLinks = 2;
const randomLinks = 6;

/**
 * And of those that are said to be there, the next ones in the ring: at least so many, and more while
 * they are not reached. So each member is looked for by those before it, whoever else has lost it.
 */
const nextLinksMin = 1;
const nextLinksMax = 8;

/** How long a link that was asked for is kept wanted: 10 min. */
const askedMs = 600_000;

/** How often a node of a large mesh looks anew at whom it wants, in milliseconds. */
const targetsMs = 5_000;

/** The one with the greater key waits so long, or both would dial; each waits a little at random. */
const courtesyMs = 600;

/** What a dialler works with. */
export interface DiallerParts {
  readonly self: PeerKey;
  readonly mesh: Pick<MeshNetwork, "dial" | "peers">;
  readonly clock: Clock;
  readonly random: Random;
  readonly linksMax: number;
  /** All members. */
  readonly members: () => ReadonlySet<PeerKey>;
  /** Whether somebody reaches a member. */
  readonly isAlive: (key: PeerKey) => boolean;
  /** Whether a link leads there, or is about to. */
  readonly isConnected: (key: PeerKey) => boolean;
  readonly addressesOf: (key: PeerKey) => readonly string[];
  /** Nothing answers at the addresses of a member that is said to be there, of a large mesh. */
  readonly onUnreachable: (key: PeerKey) => void;
  readonly onFailed: (key: PeerKey, error: MeshError) => void;
}

interface Attempt {
  pauseMs: number;
  dueMs: number;
  isRunning: boolean;
}

/** Dials for one node. */
export class Dialler {
  readonly #parts: DiallerParts;
  readonly #upgrades: Upgrades;
  /** Of members only, like `#asked`; `#kept` are those for whom that was looked at last. */
  readonly #attempts = new Map<PeerKey, Attempt>();
  readonly #asked = new Map<PeerKey, number>();
  #kept: ReadonlySet<PeerKey> | undefined;
  readonly #picked = new Set<PeerKey>();
  /** These members in the order of the ring, from this node on. */
  #ring: { readonly of: ReadonlySet<PeerKey>; readonly keys: readonly PeerKey[] } | undefined;
  /** How many of those that are said to be there are wanted as the next ones. */
  #nextLinks = nextLinksMin;
  readonly #doubts = new Doubts();
  /** Whom a node of a large mesh wants, until it is looked at again. */
  #targets: ReadonlySet<PeerKey> = new Set();
  #targetsDueMs = 0;
  #running = 0;
  /** Nobody is to be dialled before, unless something changes: all who are wanted are connected. */
  #idle: { readonly of: ReadonlySet<PeerKey>; readonly untilMs: number } | undefined;

  /** @param parts kept for the dialler's life */
  constructor(parts: DiallerParts) {
    this.#parts = parts;
    this.#upgrades = new Upgrades(parts);
  }

  /** Whether nobody is to be dialled at the next tick, as all who are wanted are connected. */
  get isQuiet(): boolean {
    return this.#idle !== undefined;
  }

  /** Dials those that are due; ends what is running when `signal` aborts. */
  tick(signal: AbortSignal): void {
    this.#upgrades.tick(signal);
    const nowMs = this.#parts.clock.monotonicMs();
    const members = this.#parts.members();
    if (this.#idle?.of === members && nowMs < this.#idle.untilMs) return;
    this.#keepOnly(members);
    let isIdle = true;
    this.#idle = undefined;
    for (const key of this.#wanted(members, nowMs)) {
      if (this.#running >= dialsMax) return;
      if (this.#parts.isConnected(key)) continue;
      isIdle = false;
      const attempt = this.#attemptOf(key, nowMs);
      if (attempt.isRunning || nowMs < attempt.dueMs) continue;
      if (this.#parts.addressesOf(key).length === 0) continue;
      void this.#run(key, { attempt, signal });
    }
    if (isIdle) this.#idle = { of: members, untilMs: Math.max(this.#targetsDueMs, nowMs) };
  }

  /** Wants a link to a member for a while. */
  ask(key: PeerKey): void {
    if (!this.#parts.members().has(key)) return;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#idle = undefined;
    this.#asked.set(key, nowMs + askedMs);
    this.#targetsDueMs = 0;
    const attempt = this.#attemptOf(key, nowMs);
    attempt.dueMs = nowMs;
  }

  /** A link is there: the next failure begins with the shortest pause. */
  succeeded(key: PeerKey): void {
    this.#attempts.delete(key);
    this.#doubts.forget(key);
    this.#nextLinks = nextLinksMin;
  }

  /** A link is gone: it is dialled again soon. */
  lost(key: PeerKey): void {
    // Guests come and go, with any key.
    if (!this.#parts.members().has(key)) return;
    this.#idle = undefined;
    this.#targetsDueMs = 0;
    if (!this.#attempts.has(key)) this.#attemptOf(key, this.#parts.clock.monotonicMs());
  }

  /** A peer refuses this node. */
  refused(key: PeerKey): void {
    if (!this.#parts.members().has(key)) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const attempt = this.#attemptOf(key, nowMs);
    attempt.dueMs = nowMs + this.#jitter(refusedPauseMs);
  }

  /** Forgets everything. */
  clear(): void {
    this.#attempts.clear();
    this.#asked.clear();
    this.#picked.clear();
    this.#doubts.clear();
    this.#targetsDueMs = 0;
    this.#idle = undefined;
  }

  /** Forgets who is no member any more. */
  #keepOnly(members: ReadonlySet<PeerKey>): void {
    if (this.#kept === members) return;
    this.#kept = members;
    for (const map of [this.#attempts, this.#asked]) {
      for (const key of map.keys()) if (!members.has(key)) map.delete(key);
    }
    this.#doubts.keepOnly(members);
  }

  #wanted(all: ReadonlySet<PeerKey>, nowMs: number): Iterable<PeerKey> {
    const { self, linksMax } = this.#parts;
    if (all.size <= linksMax) return [...all].filter((key) => key !== self);
    if (nowMs < this.#targetsDueMs) return this.#targets;
    for (const [key, untilMs] of this.#asked) {
      if (untilMs < nowMs || !all.has(key)) this.#asked.delete(key);
    }
    const ring = this.#ringOf(all);
    const next = this.#nextOf(ring, nowMs);
    this.#targets = new Set([
      ...this.#asked.keys(),
      ...ring.slice(0, ringLinks),
      ...next,
      ...this.#pick(all),
    ]);
    this.#targetsDueMs = nowMs + targetsMs;
    return this.#targets;
  }

  /**
   * The others by key. The first of them are wanted whether they are there or not: so the halves of a
   * mesh that was parted find each other.
   */
  #ringOf(all: ReadonlySet<PeerKey>): readonly PeerKey[] {
    if (this.#ring?.of === all) return this.#ring.keys;
    const sorted = [...all].sort();
    const at = sorted.indexOf(this.#parts.self);
    const keys = at < 0 ? sorted : [...sorted.slice(at + 1), ...sorted.slice(0, at)];
    this.#ring = { of: all, keys };
    return keys;
  }

  /** The first ones of the ring that are said to be there. */
  #nextOf(ring: readonly PeerKey[], nowMs: number): readonly PeerKey[] {
    const next: PeerKey[] = [];
    for (const key of ring) {
      if (next.length >= this.#nextLinks) break;
      if (this.#parts.isAlive(key) && !this.#doubts.wasDoubted(key, nowMs)) next.push(key);
    }
    return next;
  }

  /** One that was and is said to be there does not answer: it is doubted, and those behind it are tried. */
  #missed(key: PeerKey): void {
    const { clock, isAlive, isConnected, members, linksMax, onUnreachable } = this.#parts;
    if (members().size <= linksMax || !isAlive(key) || isConnected(key)) return;
    this.#nextLinks = Math.min(2 * this.#nextLinks, nextLinksMax);
    this.#targetsDueMs = 0;
    if (this.#doubts.doubt(key, clock.monotonicMs())) onUnreachable(key);
  }

  /** Some that are there, the same as long as they are; else some that may be. */
  #pick(all: ReadonlySet<PeerKey>): Iterable<PeerKey> {
    const { isAlive, isConnected, addressesOf, self } = this.#parts;
    for (const key of this.#picked) {
      if (!all.has(key) || (!isAlive(key) && !isConnected(key))) this.#picked.delete(key);
    }
    if (this.#picked.size >= randomLinks) return this.#picked;
    // Those without an address would be wanted in vain.
    const free = (key: PeerKey): boolean =>
      key !== self && !this.#picked.has(key) && (isConnected(key) || addressesOf(key).length > 0);
    for (const isWanted of [isAlive, (): boolean => true]) {
      if (this.#picked.size >= randomLinks) break;
      const candidates = [...all].filter((key) => isWanted(key) && free(key));
      while (this.#picked.size < randomLinks && candidates.length > 0) {
        const [key] = candidates.splice(this.#below(candidates.length), 1);
        if (key !== undefined) this.#picked.add(key);
      }
    }
    return this.#picked;
  }

  #attemptOf(key: PeerKey, nowMs: number): Attempt {
    const known = this.#attempts.get(key);
    if (known !== undefined) return known;
    const waitMs = this.#parts.self < key ? 0 : courtesyMs;
    const dueMs = nowMs + waitMs + this.#jitter(pauseMsMin);
    const attempt: Attempt = { pauseMs: pauseMsMin, dueMs, isRunning: false };
    this.#attempts.set(key, attempt);
    return attempt;
  }

  async #run(
    key: PeerKey,
    { attempt, signal }: { readonly attempt: Attempt; readonly signal: AbortSignal },
  ): Promise<void> {
    const { mesh, clock, addressesOf, isAlive, onFailed } = this.#parts;
    const wasAlive = isAlive(key);
    const limit = new AbortController();
    const timer = clock.after(dialMsMax, () => limit.abort());
    attempt.isRunning = true;
    this.#running += 1;
    try {
      const both = AbortSignal.any([signal, limit.signal]);
      await mesh.dial(key, { addresses: addressesOf(key), signal: both });
    } catch (thrown) {
      if (thrown instanceof MeshError) {
        if (thrown.code === "unreachable" && wasAlive) this.#missed(key);
        onFailed(key, thrown);
      }
    } finally {
      timer.cancel();
      this.#running -= 1;
      attempt.isRunning = false;
      attempt.dueMs = Math.max(attempt.dueMs, clock.monotonicMs() + this.#jitter(attempt.pauseMs));
      attempt.pauseMs = Math.min(2 * attempt.pauseMs, pauseMsMax);
    }
  }

  /** Between half of a time and all of it. */
  #jitter(ms: number): number {
    return ms / 2 + this.#below(Math.max(1, Math.ceil(ms / 2)));
  }

  #below(n: number): number {
    const bytes = this.#parts.random.fill(new Uint8Array(4));
    return new DataView(bytes.buffer).getUint32(0) % n;
  }
}
