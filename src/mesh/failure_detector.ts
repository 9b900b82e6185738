/**
 * Who is there: failure detection in the manner of SWIM (Das, Gupta, Motivala 2002), pure. Members
 * are alive, suspect or gone; views are passed on as news; a member that hears itself called suspect
 * or gone raises its incarnation, which overrides the claim.
 *
 * Two things differ from the paper. What a link shows directly counts more than what others say, so
 * that no member can talk another's link away. And a member is chosen for work only over a verified
 * link, so a wrong view costs nothing but a dial.
 */
import type { PeerKey } from "../ports/mod.ts";
import type { View, ViewState } from "./registry_frames.ts";

/** How the detector behaves. */
export interface DetectorOptions {
  readonly self: PeerKey;
  /** Of this node at its start: its time, so that a later life has a higher one. */
  readonly incarnation: number;
  /** How long a suspect has to be heard of again, in milliseconds. */
  readonly suspectMs: number;
}

/** What follows from something that was heard. */
export interface Consequence {
  /** To be passed on to all. */
  readonly news: readonly View[];
  /** To be passed on to the member that it is about, so that it can object. */
  readonly contested: readonly View[];
  /** Of whom nothing can be heard any more: they count as gone here, which is no news to anybody. */
  readonly unheard?: readonly PeerKey[];
}

interface Standing {
  state: ViewState;
  incarnation: number;
  sinceMs: number;
}

/** Highest incarnation: 48 bits. */
const incarnationMax = 2 ** 48 - 1;

/** Of those who count as gone since nobody is heard: below that of any view, and told to nobody. */
const unheardIncarnation = -1;

const nothing: Consequence = { news: [], contested: [] };

/** The views of one node. */
export class FailureDetector {
  readonly #options: DetectorOptions;
  readonly #standings = new Map<PeerKey, Standing>();
  readonly #linked = new Set<PeerKey>();
  /** Since when no link is left; undefined while there is one, or none was there yet. */
  #aloneMs: number | undefined;
  #members: ReadonlySet<PeerKey> = new Set();
  #incarnation: number;
  /** Members in the order in which they are still to be probed. */
  #round: PeerKey[] = [];
  readonly #counts: Record<ViewState, number> = { alive: 0, suspect: 0, gone: 0 };

  /** @param options kept for the detector's life */
  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#incarnation = Math.min(options.incarnation, incarnationMax);
  }

  /** This node's own; it only grows. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Whether something is to be said of somebody once time has passed. */
  get isWaiting(): boolean {
    return this.#counts.suspect > 0 || this.#aloneMs !== undefined;
  }

  /** Says who belongs to the mesh; views of others are not taken. */
  setMembers(members: ReadonlySet<PeerKey>): void {
    this.#members = members;
    for (const key of this.#standings.keys()) {
      if (members.has(key)) continue;
      this.#set(key, undefined);
      this.#linked.delete(key);
    }
  }

  /** What is thought of a member; undefined when nothing was ever heard of it. */
  stateOf(key: PeerKey): { readonly state: ViewState; readonly sinceMs: number } | undefined {
    return this.#standings.get(key);
  }

  /** How many members are in each state; those of whom nothing was ever heard are in none. */
  counts(): Record<ViewState, number> {
    return { ...this.#counts };
  }

  /** All that is known, this node included, with the sequences of the cards that are held. */
  allViews(sequenceOf: (key: PeerKey) => number): View[] {
    const views: View[] = [];
    for (const [key, { state, incarnation }] of this.#standings) {
      if (incarnation === unheardIncarnation) continue;
      views.push({ key, state, incarnation, sequence: sequenceOf(key) });
    }
    views.push(this.#ownView(sequenceOf(this.#options.self)));
    return views;
  }

  /** A verified link leads to a member now. */
  linked(
    key: PeerKey,
    about: { readonly incarnation: number; readonly nowMs: number },
  ): Consequence {
    if (!this.#members.has(key)) return nothing;
    const known = this.#standings.get(key);
    this.#linked.add(key);
    this.#aloneMs = undefined;
    const incarnation = Math.max(known?.incarnation ?? 0, about.incarnation);
    const isDoubted = known !== undefined && known.state !== "alive";
    this.#set(key, { state: "alive", incarnation, nowMs: about.nowMs });
    const contested = isDoubted && known.incarnation >= about.incarnation
      ? [viewOf(key, { ...known, incarnation: known.incarnation })]
      : [];
    const isNews = known === undefined || isDoubted || incarnation > known.incarnation;
    return { contested, news: isNews ? [this.#viewOf(key)] : [] };
  }

  /** The last link to a member is gone. */
  lost(key: PeerKey, nowMs: number): Consequence {
    this.#unlink(key, nowMs);
    return this.#doubt(key, nowMs);
  }

  /** A member does not answer, neither to us nor to those that were asked to ask it. */
  unanswered(key: PeerKey, nowMs: number): Consequence {
    return this.#doubt(key, nowMs);
  }

  /** A member has been heard, through others. */
  answered(key: PeerKey, nowMs: number): void {
    const known = this.#standings.get(key);
    if (known?.state === "suspect") {
      this.#set(key, { state: "alive", incarnation: known.incarnation, nowMs });
    }
  }

  /** A member has said that it leaves. */
  left(key: PeerKey, nowMs: number): Consequence {
    this.#unlink(key, nowMs);
    const known = this.#standings.get(key);
    if (known === undefined || known.state === "gone") return nothing;
    this.#set(key, { state: "gone", incarnation: known.incarnation, nowMs });
    return { news: [this.#viewOf(key)], contested: [] };
  }

  /** Takes others' views in. */
  learn(views: readonly View[], nowMs: number): Consequence {
    const news: View[] = [];
    const contested: View[] = [];
    for (const view of views) {
      if (view.key === this.#options.self) {
        if (view.state === "alive" || view.incarnation < this.#incarnation) continue;
        this.#incarnation = Math.min(view.incarnation + 1, incarnationMax);
        news.push(this.#ownView(0));
      } else if (!this.#members.has(view.key)) continue;
      else if (this.#linked.has(view.key)) {
        const known = this.#standings.get(view.key);
        if (view.state !== "alive" && view.incarnation >= (known?.incarnation ?? 0)) {
          contested.push(view);
        } else if (known !== undefined && view.incarnation > known.incarnation) {
          known.incarnation = view.incarnation;
          news.push(view);
        }
      } else if (overrides(view, this.#standings.get(view.key))) {
        this.#set(view.key, { ...view, nowMs });
        news.push(view);
      }
    }
    return { news, contested };
  }

  /**
   * Lets time pass: suspects of whom nothing was heard are gone. So are all others for one that has no
   * link for as long; whatever it hears of them next holds against that.
   */
  expire(nowMs: number): Consequence {
    const unheard = this.#forgetUnheard(nowMs);
    if (this.#counts.suspect === 0) {
      return unheard.length === 0 ? nothing : { ...nothing, unheard };
    }
    const news: View[] = [];
    for (const [key, standing] of this.#standings) {
      if (standing.state !== "suspect") continue;
      if (nowMs - standing.sinceMs < this.#options.suspectMs) continue;
      this.#set(key, { state: "gone", incarnation: standing.incarnation, nowMs });
      news.push(this.#viewOf(key));
    }
    return { news, contested: [], unheard };
  }

  /**
   * The linked member to ask next: all in turn, each round in another order.
   *
   * @param below a random whole number in [0, n)
   */
  nextProbe(below: (n: number) => number): PeerKey | undefined {
    for (let key = this.#round.pop(); key !== undefined; key = this.#round.pop()) {
      if (this.#linked.has(key)) return key;
    }
    this.#round = shuffled([...this.#linked], below);
    return this.#round.pop();
  }

  #unlink(key: PeerKey, nowMs: number): void {
    if (this.#linked.delete(key) && this.#linked.size === 0) this.#aloneMs = nowMs;
  }

  #forgetUnheard(nowMs: number): readonly PeerKey[] {
    if (this.#aloneMs === undefined || nowMs - this.#aloneMs < this.#options.suspectMs) return [];
    this.#aloneMs = undefined;
    const unheard: PeerKey[] = [];
    for (const [key, { state }] of this.#standings) if (state !== "gone") unheard.push(key);
    for (const key of unheard) {
      this.#set(key, { state: "gone", incarnation: unheardIncarnation, nowMs });
    }
    return unheard;
  }

  #doubt(key: PeerKey, nowMs: number): Consequence {
    const known = this.#standings.get(key);
    if (known === undefined || known.state !== "alive") return nothing;
    this.#set(key, { state: "suspect", incarnation: known.incarnation, nowMs });
    return { news: [this.#viewOf(key)], contested: [] };
  }

  #set(
    key: PeerKey,
    to:
      | { readonly state: ViewState; readonly incarnation: number; readonly nowMs: number }
      | undefined,
  ): void {
    const known = this.#standings.get(key);
    if (known !== undefined) this.#counts[known.state] -= 1;
    if (to === undefined) return void this.#standings.delete(key);
    this.#counts[to.state] += 1;
    const { state, incarnation, nowMs } = to;
    const sinceMs = known?.state === state ? known.sinceMs : nowMs;
    this.#standings.set(key, { state, incarnation, sinceMs });
  }

  #viewOf(key: PeerKey): View {
    const { state = "gone", incarnation = 0 } = this.#standings.get(key) ?? {};
    return { key, state, incarnation, sequence: 0 };
  }

  #ownView(sequence: number): View {
    return { key: this.#options.self, state: "alive", incarnation: this.#incarnation, sequence };
  }
}

/**
 * Whether a view that others pass on holds against what is known: the higher incarnation does, and of
 * one incarnation the worse state. That is a total order, so in whatever order nodes hear the same,
 * they come to the same. (In the paper, section 4.2, nothing overrides "gone", as nobody comes back.)
 */
function overrides(view: View, known: Standing | undefined): boolean {
  if (known === undefined) return view.state !== "gone";
  if (view.incarnation !== known.incarnation) return view.incarnation > known.incarnation;
  return rank[view.state] > rank[known.state];
}

const rank: Readonly<Record<ViewState, number>> = { alive: 0, suspect: 1, gone: 2 };

function viewOf(key: PeerKey, { state, incarnation }: Standing): View {
  return { key, state, incarnation, sequence: 0 };
}

function shuffled(keys: PeerKey[], below: (n: number) => number): PeerKey[] {
  for (let i = keys.length - 1; i > 0; i--) {
    const j = below(i + 1);
    const [one, other] = [keys[i], keys[j]];
    if (one === undefined || other === undefined) continue;
    keys[i] = other;
    keys[j] = one;
  }
  return keys;
}
