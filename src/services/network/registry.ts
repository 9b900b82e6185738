/**
 * The registry: who is there and what they have, over the verified links. It probes, passes views and
 * cards on, and tells its owner what has changed; it owns no timer but is ticked.
 */
import { cardsPerFrameMax, encodeRegistryFrame, FailureDetector } from "../../mesh/mod.ts";
import type { Card, Consequence, RegistryFrame, View, ViewState } from "../../mesh/mod.ts";
import type { Clock, PeerKey, Random } from "../../ports/mod.ts";
import { aliveView, CardBox, cardOfHello } from "./card_box.ts";
import { News } from "./news.ts";
import { Prober } from "./prober.ts";
import { closeAll } from "./registry_link.ts";
import type { RegistryLink } from "./registry_link.ts";

/** Ticks that a peer may leave our frames unread: at one tick in 500 ms, 10 s. */
const ticksUnreadMax = 20;

/** What a registry is made of. */
export interface RegistryParts {
  readonly self: PeerKey;
  readonly clock: Clock;
  readonly random: Random;
  /** Of this node's start. */
  readonly incarnation: number;
  readonly probeMs: number;
  /** What this node says of itself now. */
  readonly ownCard: () => Card;
  /** Something in the view or card of a member, or of all, has changed. */
  readonly onChange: (key?: PeerKey) => void;
  /** A member's state has changed. */
  readonly onState: (key: PeerKey, state: ViewState) => void;
  /** A link is to be given up. */
  readonly onDead: (key: PeerKey, why: string) => void;
  /** A signed roster has come. */
  readonly onRoster: (bytes: Uint8Array, from: PeerKey) => void;
}

/** The registry of one node in one mesh. */
export class Registry {
  readonly #parts: RegistryParts;
  readonly #detector: FailureDetector;
  readonly #prober: Prober;
  readonly #links = new Map<PeerKey, RegistryLink>();
  readonly #cards = new CardBox();
  readonly #news: News;
  /** Links whose peers leave our frames unread. */
  readonly #full = new Set<RegistryLink>();
  #ticks = 0;
  #members: ReadonlySet<PeerKey> = new Set();

  /** @param parts kept for the registry's life */
  constructor(parts: RegistryParts) {
    this.#parts = parts;
    const { self, incarnation, probeMs } = parts;
    this.#detector = new FailureDetector({ self, incarnation, suspectMs: 2 * probeMs });
    this.#news = new News({
      clock: parts.clock,
      random: parts.random,
      links: this.#links,
    });
    this.#prober = new Prober({
      self,
      random: parts.random,
      links: this.#links,
      nextProbe: (below) => this.#detector.nextProbe(below),
      riders: () => this.#news.takeRiders(),
      onAnswered: (key) => this.#onAnswered(key),
      onUnanswered: (key) => this.#onUnanswered(key),
    });
  }

  /** This node's incarnation. */
  get incarnation(): number {
    return this.#detector.incarnation;
  }

  /** The verified link to a peer. */
  linkOf(key: PeerKey): RegistryLink | undefined {
    return this.#links.get(key);
  }

  /** A member's newest card. */
  cardOf(key: PeerKey): Card | undefined {
    return this.#cards.get(key);
  }

  /** What is thought of a member. */
  stateOf(key: PeerKey): { readonly state: ViewState; readonly sinceMs: number } | undefined {
    return this.#detector.stateOf(key);
  }

  /** How many members are linked, and what is thought of the others; who is unknown is left out. */
  counts(): { linked: number } & Record<ViewState, number> {
    const counts = { linked: this.#links.size, ...this.#detector.counts() };
    for (const key of this.#links.keys()) {
      const state = this.#detector.stateOf(key)?.state;
      if (state !== undefined) counts[state] -= 1;
    }
    return counts;
  }

  /** Says who belongs to the mesh. */
  setMembers(members: ReadonlySet<PeerKey>): void {
    this.#members = members;
    this.#detector.setMembers(members);
    this.#cards.keepOnly(members);
    this.#learn(this.#cards.takeEarly(members).map(aliveView));
    this.#parts.onChange();
  }

  /**
   * A verified link is there; its frames are read by `serve`.
   *
   * @returns false when another stream of the same two nodes holds: the smaller key's, on both sides
   */
  add(link: RegistryLink): boolean {
    const { key, hello } = link;
    const before = this.#links.get(key);
    if (
      before?.hello.instance === hello.instance && before.isOpenedBySmaller &&
      !link.isOpenedBySmaller
    ) return false;
    this.#links.set(key, link);
    link.onFull = (isFull): void => {
      if (isFull) this.#full.add(link);
      else this.#full.delete(link);
    };
    before?.stream.reset();
    this.#cards.put(cardOfHello(hello), true);
    const nowMs = this.#parts.clock.nowMs();
    const { incarnation } = hello;
    this.#apply(this.#detector.linked(key, { incarnation, nowMs }), { about: key });
    const views = this.#detector.allViews((of) => this.#sequenceOf(of));
    link.send({ kind: "views", isAll: true, views });
    return true;
  }

  /** Reads a link's frames until it ends. @throws {MembershipError} {MeshError} */
  async serve(link: RegistryLink, frames: AsyncIterator<Uint8Array>): Promise<void> {
    for (;;) {
      const { done, value } = await frames.next();
      if (done === true) return;
      const frame = link.read(value, this.#ticks);
      // A link that has been replaced says nothing any more.
      if (this.#links.get(link.key) !== link) return;
      this.#onFrame(link, frame);
    }
  }

  /** A link is gone; another may have taken its place already. */
  remove(key: PeerKey, link?: RegistryLink): void {
    const known = this.#links.get(key);
    if (known === undefined || (link !== undefined && known !== link)) return;
    this.#links.delete(key);
    known.stream.reset();
    this.#apply(this.#detector.lost(key, this.#parts.clock.nowMs()), { about: key });
    // Others may still reach it; what they say comes as an acknowledgement.
    this.#prober.askOthers(key);
  }

  /** A member without a link, whom others call alive, does not answer at its addresses. */
  doubt(key: PeerKey): void {
    if (this.#links.has(key)) return;
    this.#apply(this.#detector.unanswered(key, this.#parts.clock.nowMs()), { about: key });
    this.#prober.askOthers(key);
  }

  /** Counts a link no more; what was sent over it may still arrive. */
  release(key: PeerKey): void {
    this.#links.delete(key);
  }

  /** Says this node's card anew to all linked peers. */
  announce(): void {
    this.sendAll({ kind: "cards", cards: [this.#parts.ownCard()] });
  }

  /** Sends a frame over every link but those of which `except` is true. */
  sendAll(frame: RegistryFrame, except?: (link: RegistryLink) => boolean): void {
    const bytes = encodeRegistryFrame(frame);
    for (const link of this.#links.values()) if (except?.(link) !== true) link.sendBytes(bytes);
  }

  /** A card that its owner has given by gossip. */
  takeCard(card: Card): void {
    if (!this.#members.has(card.key) || card.key === this.#parts.self) return;
    if (this.#cards.put(card, true)) this.#parts.onChange(card.key);
    this.#learn([aliveView(card)]);
  }

  /** Whether a linked peer still answers. */
  async answers(key: PeerKey, timeoutMs: number): Promise<boolean> {
    const answer = this.#prober.ask(key);
    if (answer === undefined) return false;
    const late = Promise.withResolvers<boolean>();
    const timer = this.#parts.clock.after(timeoutMs, () => late.resolve(false));
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Whether nothing waits for time to pass, but for the next question to somebody. */
  get isQuiet(): boolean {
    return this.#full.size === 0 && !this.#detector.isWaiting;
  }

  /** Lets time pass: so many halves of `probeMs`. */
  tick(halves: number): void {
    this.#ticks += 1;
    this.#apply(this.#detector.expire(this.#parts.clock.nowMs()), {});
    for (const link of this.#full) {
      if (this.#links.get(link.key) !== link) this.#full.delete(link);
      else if (link.tick() > ticksUnreadMax) this.#parts.onDead(link.key, "it reads nothing");
    }
    this.#prober.tick(halves);
  }

  /** Takes leave of all; resolves when they have gone by themselves, or soon. */
  async leave(): Promise<void> {
    this.#news.end();
    const links = [...this.#links.values()];
    if (links.length === 0) return;
    this.sendAll({ kind: "bye" });
    await closeAll(links, this.#parts.clock);
  }

  #onFrame(link: RegistryLink, frame: RegistryFrame): void {
    switch (frame.kind) {
      case "ping":
      case "ack":
      case "request":
        this.#prober.onFrame(link, frame);
        return this.#learn(frame.views, link);
      case "views":
        this.#learn(frame.views, link);
        return frame.isAll ? this.#sendMissingCards(link, frame.views) : undefined;
      case "cards":
        return this.#takeCards(frame.cards, link);
      case "roster":
        return this.#parts.onRoster(frame.bytes, link.key);
      case "bye":
        this.#apply(this.#detector.left(link.key, this.#parts.clock.nowMs()), {});
        this.#links.delete(link.key);
        return this.#parts.onDead(link.key, "it leaves");
    }
  }

  #learn(views: readonly View[], by?: RegistryLink): void {
    if (views.length === 0) return;
    this.#apply(this.#detector.learn(views, this.#parts.clock.nowMs()), {});
    if (by !== undefined) this.#news.told(views, by);
  }

  #takeCards(cards: readonly Card[], link: RegistryLink): void {
    for (const card of cards) {
      if (card.key === this.#parts.self) continue;
      if (!this.#members.has(card.key)) {
        this.#cards.putEarly(card);
        continue;
      }
      const isProven = card.key === link.key;
      if (this.#cards.put(card, isProven)) this.#parts.onChange(card.key);
    }
  }

  /** What the peer lacks of those that are there, but not its own and not ours, which it has. */
  #sendMissingCards(link: RegistryLink, views: readonly View[]): void {
    const theirs = new Map(views.map(({ key, sequence }) => [key, sequence]));
    const missing = this.#cards.all().filter((card) =>
      card.key !== link.key && (theirs.get(card.key) ?? 0) < card.sequence &&
      this.#detector.stateOf(card.key)?.state === "alive"
    );
    for (let i = 0; i < missing.length; i += cardsPerFrameMax) {
      link.send({ kind: "cards", cards: missing.slice(i, i + cardsPerFrameMax) });
    }
  }

  #apply(
    { news, contested, unheard = [] }: Consequence,
    { about }: { readonly about?: PeerKey },
  ): void {
    for (const key of unheard) {
      this.#news.drop(key);
      this.#parts.onChange(key);
      this.#parts.onState(key, "gone");
    }
    for (const view of contested) {
      this.#links.get(view.key)?.send({ kind: "views", isAll: false, views: [view] });
    }
    for (const view of news) {
      this.#news.add(view);
      this.#parts.onChange(view.key);
      if (view.key !== this.#parts.self) this.#parts.onState(view.key, view.state);
    }
    if (about !== undefined) this.#parts.onChange(about);
  }

  #onAnswered(key: PeerKey): void {
    const before = this.#detector.stateOf(key)?.state;
    this.#detector.answered(key, this.#parts.clock.nowMs());
    if (before === "suspect") {
      this.#parts.onState(key, "alive");
      this.#parts.onChange(key);
    }
  }

  #onUnanswered(key: PeerKey): void {
    this.#apply(this.#detector.unanswered(key, this.#parts.clock.nowMs()), { about: key });
    this.#parts.onDead(key, "it does not answer");
  }

  #sequenceOf(key: PeerKey): number {
    return key === this.#parts.self
      ? this.#parts.ownCard().sequence
      : this.#cards.get(key)?.sequence ?? 0;
  }
}
