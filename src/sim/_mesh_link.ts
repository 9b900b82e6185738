/**
 * A link between two nodes of a simulated mesh, and the streams on it. Frames arrive in order, after
 * the medium's delay; while the two are parted they wait, and when that lasts the link breaks.
 */
import { MeshError, meshFrameBytesMax } from "../ports/mod.ts";
import type { Clock, MeshStream, PeerKey, Timer } from "../ports/mod.ts";
import { FrameQueue } from "./_frame_queue.ts";

/** Bytes that may wait on a stream before `send` asks the sender to wait. */
const highWaterBytes = 1024 * 1024;

/** What a link asks of the medium. */
export interface LinkMedium {
  readonly clock: Clock;
  /** One-way delay of the next frame, ms. */
  delayMs(from: PeerKey, to: PeerKey): number;
  /** Whether the two can't hear each other. */
  isParted(one: PeerKey, other: PeerKey): boolean;
  /** How long silence lasts before a link is given up, ms. */
  readonly detectMs: number;
  /** A link has ended. */
  forget(link: MeshLink): void;
}

/** What a node is told of its link. */
export interface LinkOwner {
  readonly key: PeerKey;
  /** A stream was opened by the other side; answers why not, if not. */
  accept(stream: SimulatedStream): MeshError | undefined;
  /** The link is gone. */
  onLinkClosed(link: MeshLink): void;
  onBytes(direction: "sent" | "received", count: number): void;
}

/** A link; `ends` are its two nodes, the dialler first. */
export class MeshLink {
  readonly ends: readonly [LinkOwner, LinkOwner];
  readonly #medium: LinkMedium;
  readonly #streams = new Set<SimulatedStream>();
  /** What is on its way, in order, for each direction. */
  readonly #arrivesMs: [number, number] = [0, 0];
  #held: (() => void)[] = [];
  #breaking: Timer | undefined;
  #isOpen = true;

  constructor(ends: readonly [LinkOwner, LinkOwner], medium: LinkMedium) {
    this.ends = ends;
    this.#medium = medium;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The node at the other end. */
  other(key: PeerKey): LinkOwner {
    return this.ends[0].key === key ? this.ends[1] : this.ends[0];
  }

  /** Opens a stream from `from`; settles after a round trip. */
  async open(from: PeerKey, protocol: string): Promise<MeshStream> {
    const [near, far] = streamPair(this, { from, protocol });
    this.#streams.add(near).add(far);
    const opened = Promise.withResolvers<MeshError | undefined>();
    near.onBroken = (): void =>
      opened.resolve(new MeshError({ code: "closed", message: brokenMessage(far.owner.key) }));
    this.carry(from, () => {
      const refusal = far.owner.accept(far);
      this.carry(far.owner.key, () => opened.resolve(refusal));
    });
    const refusal = await opened.promise;
    near.onBroken = undefined;
    if (refusal === undefined) return near;
    near.reset();
    throw refusal;
  }

  /** Runs `arrive` at the other end, in its turn. */
  carry(from: PeerKey, arrive: () => void): void {
    const direction = this.ends[0].key === from ? 0 : 1;
    const { clock } = this.#medium;
    const nowMs = clock.monotonicMs();
    const dueMs = nowMs + this.#medium.delayMs(from, this.other(from).key);
    const arrivesMs = Math.max(dueMs, this.#arrivesMs[direction]);
    this.#arrivesMs[direction] = arrivesMs;
    clock.after(arrivesMs - nowMs, () => this.#arrive(arrive));
  }

  /** Looks anew whether the two hear each other. */
  review(): void {
    const [{ key: one }, { key: other }] = this.ends;
    if (!this.#isOpen) return;
    if (this.#medium.isParted(one, other)) {
      this.#breaking ??= this.#medium.clock.after(this.#medium.detectMs, () => this.break());
      return;
    }
    this.#breaking?.cancel();
    this.#breaking = undefined;
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) arrive();
  }

  /** Ends the link; both nodes are told. */
  break(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#breaking?.cancel();
    this.#held = [];
    for (const stream of this.#streams) stream.onLinkBroken();
    this.#streams.clear();
    this.#medium.forget(this);
    for (const end of this.ends) end.onLinkClosed(this);
  }

  /** A stream is over in both directions. */
  forget(stream: SimulatedStream): void {
    this.#streams.delete(stream);
  }

  #arrive(arrive: () => void): void {
    if (!this.#isOpen) return;
    const [{ key: one }, { key: other }] = this.ends;
    if (this.#held.length > 0 || this.#medium.isParted(one, other)) this.#held.push(arrive);
    else arrive();
  }
}

/** One end of a stream. */
export class SimulatedStream implements MeshStream {
  readonly transport = "memory";
  readonly protocol: string;
  readonly peer: PeerKey;
  readonly closed: Promise<void>;
  /** The node that this end is at. */
  readonly owner: LinkOwner;
  /** Told when the link breaks. */
  onBroken: (() => void) | undefined;
  readonly #link: MeshLink;
  readonly #queue: FrameQueue<Uint8Array>;
  readonly #settleClosed: () => void;
  #far: SimulatedStream | undefined;
  #pendingBytes = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #canSend = true;
  #canReceive = true;

  constructor(
    link: MeshLink,
    about: { readonly owner: LinkOwner; readonly peer: PeerKey; readonly protocol: string },
  ) {
    this.#link = link;
    this.owner = about.owner;
    this.peer = about.peer;
    this.protocol = about.protocol;
    // What has been read makes room at the other end.
    this.#queue = new FrameQueue((frame) => this.#far?.onRead(frame.length));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#settleClosed = resolve;
  }

  join(far: SimulatedStream): void {
    this.#far = far;
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#queue;
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > meshFrameBytesMax) {
      throw new RangeError(
        `Cannot send a frame as it must have at most ${meshFrameBytesMax} bytes: current value is ${frame.length}`,
      );
    }
    if (!this.#canSend) {
      throw new MeshError({ code: "closed", message: brokenMessage(this.peer) });
    }
    this.#pendingBytes += frame.length;
    this.owner.onBytes("sent", frame.length);
    this.#link.carry(this.owner.key, () => this.#far?.onFrame(frame));
    return this.#pendingBytes < highWaterBytes;
  }

  async drained(): Promise<void> {
    if (!this.#canSend) {
      throw new MeshError({ code: "closed", message: brokenMessage(this.peer) });
    }
    if (this.#pendingBytes < highWaterBytes) return;
    this.#waiting ??= Promise.withResolvers<void>();
    await this.#waiting.promise;
  }

  close(): Promise<void> {
    if (this.#canSend) {
      this.#canSend = false;
      this.#link.carry(this.owner.key, () => this.#far?.onEnd());
      this.#settle();
    }
    return Promise.resolve();
  }

  reset(): void {
    if (this.#link.isOpen) this.#link.carry(this.owner.key, () => this.#far?.onLinkBroken());
    this.onLinkBroken();
  }

  /** The other end, or the link, has broken off. */
  onLinkBroken(): void {
    if (!this.#canSend && !this.#canReceive) return;
    this.#canSend = false;
    this.#canReceive = false;
    const failure = new MeshError({ code: "closed", message: brokenMessage(this.peer) });
    this.#queue.end(failure);
    this.#waiting?.reject(failure);
    this.#waiting?.promise.catch(() => {});
    this.onBroken?.();
    this.#settle();
  }

  onFrame(frame: Uint8Array): void {
    if (!this.#canReceive) return;
    this.owner.onBytes("received", frame.length);
    this.#queue.push(frame);
  }

  onEnd(): void {
    this.#canReceive = false;
    this.#queue.end();
    this.#settle();
  }

  onRead(byteCount: number): void {
    this.#pendingBytes -= byteCount;
    if (this.#pendingBytes >= highWaterBytes) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #settle(): void {
    if (this.#canSend || this.#canReceive) return;
    this.#link.forget(this);
    this.#settleClosed();
  }
}

function streamPair(
  link: MeshLink,
  { from, protocol }: { readonly from: PeerKey; readonly protocol: string },
): readonly [SimulatedStream, SimulatedStream] {
  const far = link.other(from);
  const near = link.other(far.key);
  const mine = new SimulatedStream(link, { owner: near, peer: far.key, protocol });
  const theirs = new SimulatedStream(link, { owner: far, peer: near.key, protocol });
  mine.join(theirs);
  theirs.join(mine);
  return [mine, theirs];
}

function brokenMessage(peer: PeerKey): string {
  return `Cannot talk to peer ${peer.slice(0, 12)} as the link is closed`;
}
