/**
 * Brings fresh links to a verified hello, or ends them. The node with the smaller key opens the
 * stream; if it does not, the other does a little later, so that one of them always speaks first.
 */
import { conversationVersions, helloProtocol, MembershipError } from "../../mesh/mod.ts";
import type { Hello } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { Clock, MeshNetwork, MeshStream, PeerKey, Random } from "../../ports/mod.ts";
import type { Gate } from "./gate.ts";
import { exchangeHello, RefusedByPeer } from "./hello_exchange.ts";
import type { HelloExchange } from "./hello_exchange.ts";
import { randomHex } from "./keys.ts";
import type { Refusals } from "./refusals.ts";
import { RegistryLink } from "./registry_link.ts";

/** After which time a stream that was refused is tried again; and how long the other may take. */
const retryMs = 400;
const patienceMs = 2_000;

/** How long the whole hello may take. */
const helloMsMax = 6_000;

/** How long a peer that was refused may take to read why. */
const farewellMs = 250;

/** How long a link that was there before may take to show that it still is. */
const provesAliveMs = 1_500;

/** What greeting takes. */
export interface GreeterParts {
  readonly self: PeerKey;
  readonly mesh: MeshNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly gate: Gate;
  readonly refusals: Refusals;
  /** @default conversationVersions */
  readonly versions?: readonly number[] | undefined;
  /** The mesh that this node is in. */
  readonly meshId: () => PeerKey | undefined;
  readonly say: HelloExchange["say"];
  readonly sign: HelloExchange["sign"];
  /** The link that is verified already. */
  readonly linkOf: (key: PeerKey) => RegistryLink | undefined;
  /** Whether a verified peer still answers. */
  readonly answers: (key: PeerKey, timeoutMs: number) => Promise<boolean>;
  /** A link is verified; resolves when its conversation has ended. */
  readonly serve: (link: RegistryLink, frames: AsyncIterator<Uint8Array>) => Promise<void>;
  /** A peer has refused this node. */
  readonly onRefused: (key: PeerKey, error: MembershipError) => void;
}

/** Greets for one node. */
export class Greeter {
  readonly #parts: GreeterParts;
  /** Links that are not verified yet, and since when. */
  readonly #pending = new Map<PeerKey, number>();
  /** Hellos under way, of either side's making. */
  readonly #underWay = new Map<PeerKey, number>();

  /** @param parts kept for the greeter's life */
  constructor(parts: GreeterParts) {
    this.#parts = parts;
  }

  /** Whether a link is on its way to be verified. */
  isGreeting(key: PeerKey): boolean {
    return this.#pending.has(key);
  }

  /** Whether no link is on its way. */
  get isQuiet(): boolean {
    return this.#pending.size === 0;
  }

  /** A link with a member is there. */
  connected(key: PeerKey): void {
    if (this.#pending.has(key) || this.#parts.gate.isVerified(key)) return;
    this.#pending.set(key, this.#parts.clock.monotonicMs());
    if (this.#parts.self < key) void this.#open(key);
  }

  /** A link is gone. */
  closed(key: PeerKey): void {
    this.#pending.delete(key);
  }

  /** A peer has opened a stream to say hello. */
  async greet(stream: MeshStream): Promise<void> {
    await this.#exchange(stream, stream.peer < this.#parts.self);
  }

  /** Lets time pass. */
  tick(): void {
    if (this.#pending.size === 0) return;
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [key, sinceMs] of this.#pending) {
      const waitMs = this.#parts.self < key ? retryMs : patienceMs;
      if (nowMs - sinceMs > helloMsMax) {
        const sentence = "A peer has not said hello in time";
        this.#parts.refusals.count("hello-timeout", { key, sentence });
        this.#pending.delete(key);
        void this.#parts.mesh.disconnect(key);
      } else if (nowMs - sinceMs > waitMs && !this.#underWay.has(key)) void this.#open(key);
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#pending.clear();
  }

  async #open(key: PeerKey): Promise<void> {
    this.#count(key, 1);
    let stream: MeshStream;
    try {
      stream = await this.#parts.mesh.open(key, helloProtocol);
    } catch (thrown) {
      // The other may not know yet that this node is a member: it is asked again.
      if (thrown instanceof MeshError) return;
      throw thrown;
    } finally {
      this.#count(key, -1);
    }
    await this.#exchange(stream, this.#parts.self < key);
  }

  #count(key: PeerKey, change: 1 | -1): void {
    const count = (this.#underWay.get(key) ?? 0) + change;
    if (count === 0) this.#underWay.delete(key);
    else this.#underWay.set(key, count);
  }

  /** Counts a hello under way; the returned function ends that, once. */
  #begin(key: PeerKey): () => void {
    this.#count(key, 1);
    let isOver = false;
    return (): void => {
      if (!isOver) this.#count(key, -1);
      isOver = true;
    };
  }

  async #exchange(stream: MeshStream, isOpenedBySmaller: boolean): Promise<void> {
    const { clock, mesh: network, refusals } = this.#parts;
    const { peer } = stream;
    const mesh = this.#parts.meshId();
    if (mesh === undefined || !this.#parts.gate.isMember(peer)) return stream.reset();
    const frames = stream.frames[Symbol.asyncIterator]();
    const timer = clock.after(helloMsMax, () => stream.reset());
    const ended = this.#begin(peer);
    try {
      const hello = await exchangeHello({
        stream,
        frames,
        mesh,
        self: this.#parts.self,
        versions: this.#parts.versions ?? conversationVersions,
        nonce: randomHex(this.#parts.random, 32),
        nowMs: () => clock.nowMs(),
        say: this.#parts.say,
        sign: this.#parts.sign,
        onVerified: (said) => this.#onVerified(said, { stream, isOpenedBySmaller }),
      });
      timer.cancel();
      this.#pending.delete(peer);
      ended();
      await this.#serve(new RegistryLink({ stream, hello, isOpenedBySmaller }), frames);
    } catch (thrown) {
      timer.cancel();
      ended();
      if (thrown instanceof RefusedByPeer) this.#parts.onRefused(peer, thrown);
      else if (refusals.take(thrown, peer) === undefined) {
        if (!(thrown instanceof MeshError)) throw thrown;
        return stream.reset();
      }
      await this.#eject(stream);
      if (this.#parts.linkOf(peer) === undefined) await network.disconnect(peer);
    }
  }

  /** Reads a verified link's frames; whoever breaks the rules loses the link. */
  async #serve(link: RegistryLink, frames: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      await this.#parts.serve(link, frames);
    } catch (thrown) {
      if (this.#parts.refusals.take(thrown, link.key) === undefined) {
        if (!(thrown instanceof MeshError)) throw thrown;
      }
    }
    // Another stream has taken its place, or is about to; else it is the end of the link.
    const current = this.#parts.linkOf(link.key);
    const isReplaced = (current !== undefined && current !== link) ||
      this.#underWay.has(link.key);
    if (!isReplaced) await this.#parts.mesh.disconnect(link.key);
  }

  /**
   * A hello holds. Another node may say it with the same key: the one that is here already stays, if
   * it is still here.
   */
  async #onVerified(
    hello: Hello,
    about: { readonly stream: MeshStream; readonly isOpenedBySmaller: boolean },
  ): Promise<void> {
    const { key } = hello;
    const known = this.#parts.linkOf(key);
    if (known !== undefined && known.hello.instance !== hello.instance) {
      if (await this.#parts.answers(key, provesAliveMs)) {
        throw new MembershipError({
          code: "duplicate-key",
          message:
            "Cannot take this node in as another one with the same key is here: give each its own key",
        });
      }
    } else if (known?.isOpenedBySmaller === true && !about.isOpenedBySmaller) {
      // Both opened at once; of two streams the smaller key's holds, on both sides.
      throw new MeshError({ code: "closed", message: "Cannot use two streams for one hello" });
    }
    if (!this.#parts.gate.isMember(key)) {
      throw new MembershipError({ code: "evicted", message: "Cannot go on as it was removed" });
    }
    this.#parts.gate.setVerified(key, true);
    this.#parts.mesh.gateChanged(key);
  }

  /** Gives a refused peer the time to read why. */
  async #eject(stream: MeshStream): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(farewellMs, () => late.resolve());
    await Promise.race([stream.close().catch(() => {}).then(() => stream.closed), late.promise]);
    timer.cancel();
    stream.reset();
  }
}
