/**
 * Asks linked members in turn whether they are there; one that does not answer in time is asked for by
 * others, and is given up when they hear nothing either.
 */
import type { RegistryFrame, View } from "../../mesh/mod.ts";
import type { PeerKey, Random } from "../../ports/mod.ts";
import type { RegistryLink } from "./registry_link.ts";

/** How many others are asked to ask. */
const helpersMax = 3;

/** Questions passed on for others that wait for an answer, at most. */
const relaysMax = 256;

/** Answers in a row that came through others alone, until a link is given up. */
const missesMax = 3;

/** What a prober works with. */
export interface ProberParts {
  readonly self: PeerKey;
  readonly random: Random;
  readonly links: ReadonlyMap<PeerKey, RegistryLink>;
  readonly nextProbe: (below: (n: number) => number) => PeerKey | undefined;
  /** Views to ride along. */
  readonly riders: () => View[];
  /** A member was heard, by others or after a question for it. */
  readonly onAnswered: (key: PeerKey) => void;
  /** Nobody hears it. */
  readonly onUnanswered: (key: PeerKey) => void;
}

interface Probe {
  readonly key: PeerKey;
  /** Half periods since the question, or since others were asked; one less if that was between two. */
  halves: number;
  stage: "direct" | "indirect";
  /** Whether a link is at stake, or only a view. */
  readonly isOfLink: boolean;
  readonly answer?: (isThere: boolean) => void;
}

type ProbeFrame = Extract<RegistryFrame, { kind: "ping" | "ack" | "request" }>;

/** Probes of one node. */
export class Prober {
  readonly #parts: ProberParts;
  readonly #probes = new Map<number, Probe>();
  readonly #relays = new Map<
    number,
    {
      readonly asker: PeerKey;
      readonly target: PeerKey;
      readonly sequence: number;
      halves: number;
    }
  >();
  #sequence = 0;
  /** Half periods since a member was asked. */
  #halves = 1;

  /** @param parts kept for the prober's life */
  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  /** Lets half periods pass: in every whole one the next member is asked. */
  tick(halves: number): void {
    for (const [sequence, probe] of this.#probes) {
      probe.halves += halves;
      this.#age(sequence, probe);
    }
    for (const [sequence, relay] of this.#relays) {
      relay.halves += halves;
      if (relay.halves > 2) this.#relays.delete(sequence);
    }
    this.#halves += halves;
    if (this.#halves < 2) return;
    this.#halves = 0;
    const key = this.#parts.nextProbe((n) => this.#below(n));
    if (key !== undefined) this.#send(key, { isOfLink: true, halves: 0 });
  }

  /** Asks a linked peer now; the answer is true, or never comes. */
  ask(key: PeerKey): Promise<true> | undefined {
    if (!this.#parts.links.has(key)) return undefined;
    const { promise, resolve } = Promise.withResolvers<true>();
    this.#send(key, { isOfLink: false, halves: -1, answer: () => resolve(true) });
    return promise;
  }

  /** Asks others for a member that this node has no link to any more. */
  askOthers(key: PeerKey): void {
    const sequence = this.#next();
    this.#probes.set(sequence, { key, halves: -1, stage: "indirect", isOfLink: false });
    this.#request(key, sequence);
  }

  /** A frame of probing has come. */
  onFrame(link: RegistryLink, frame: ProbeFrame): void {
    if (frame.kind === "ping") {
      const { self, riders } = this.#parts;
      link.send({ kind: "ack", sequence: frame.sequence, target: self, views: riders() });
    } else if (frame.kind === "request") this.#relay(link, frame.target, frame.sequence);
    else this.#onAck(link, frame);
  }

  #onAck(
    link: RegistryLink,
    { sequence, target: heard }: Extract<ProbeFrame, { kind: "ack" | "request" }>,
  ): void {
    const relay = this.#relays.get(sequence);
    if (relay !== undefined && relay.target === link.key) {
      this.#relays.delete(sequence);
      const target = link.key;
      this.#parts.links.get(relay.asker)
        ?.send({ kind: "ack", sequence: relay.sequence, target, views: [] });
    }
    const probe = this.#probes.get(sequence);
    if (probe === undefined || probe.key !== heard) return;
    const isDirect = probe.key === link.key;
    if (!isDirect && probe.stage === "direct") return;
    this.#probes.delete(sequence);
    probe.answer?.(true);
    const target = this.#parts.links.get(probe.key);
    if (isDirect && target !== undefined) target.misses = 0;
    else if (probe.isOfLink && target !== undefined) {
      target.misses += 1;
      if (target.misses >= missesMax) this.#parts.onUnanswered(probe.key);
    }
    this.#parts.onAnswered(probe.key);
  }

  #relay(link: RegistryLink, target: PeerKey, sequence: number): void {
    const to = this.#parts.links.get(target);
    if (to === undefined || target === link.key || this.#relays.size >= relaysMax) return;
    const own = this.#next();
    this.#relays.set(own, { asker: link.key, target, sequence, halves: -1 });
    to.send({ kind: "ping", sequence: own, views: [] });
  }

  #age(sequence: number, probe: Probe): void {
    if (probe.halves < 2) return;
    if (probe.stage === "direct" && probe.isOfLink && this.#parts.links.size > 1) {
      probe.stage = "indirect";
      probe.halves = 0;
      this.#request(probe.key, sequence);
      return;
    }
    this.#probes.delete(sequence);
    if (probe.isOfLink && this.#parts.links.has(probe.key)) this.#parts.onUnanswered(probe.key);
  }

  #send(key: PeerKey, probe: Pick<Probe, "isOfLink" | "halves" | "answer">): void {
    const sequence = this.#next();
    this.#probes.set(sequence, { key, stage: "direct", ...probe });
    this.#parts.links.get(key)?.send({ kind: "ping", sequence, views: this.#parts.riders() });
  }

  #request(target: PeerKey, sequence: number): void {
    const others = [...this.#parts.links.keys()].filter((key) => key !== target);
    for (let i = 0; i < helpersMax && others.length > 0; i++) {
      const [helper] = others.splice(this.#below(others.length), 1);
      if (helper === undefined) return;
      this.#parts.links.get(helper)?.send({ kind: "request", sequence, target, views: [] });
    }
  }

  #next(): number {
    this.#sequence = (this.#sequence + 1) % 2 ** 32;
    return this.#sequence;
  }

  #below(n: number): number {
    const bytes = this.#parts.random.fill(new Uint8Array(4));
    return new DataView(bytes.buffer).getUint32(0) % n;
  }
}
