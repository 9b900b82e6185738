/**
 * One verified link's conversation: frames out, without letting a peer that never reads hold memory;
 * frames in, without letting one that sends fast hold the node.
 */
import { encodeRegistryFrame, MembershipError, parseRegistryFrame } from "../../mesh/mod.ts";
import type { Hello, RegistryFrame } from "../../mesh/mod.ts";
import type { Clock, MeshStream, PeerKey } from "../../ports/mod.ts";

/** What a peer may send between two ticks: frames, and bytes of them. */
const framesPerTickMax = 2_000;
const bytesPerTickMax = 16 * 1024 * 1024;

/** How long a node that leaves waits for the others to read that, in milliseconds. */
const farewellMs = 200;

/** A conversation. */
export class RegistryLink {
  readonly key: PeerKey;
  readonly hello: Hello;
  readonly stream: MeshStream;
  /** Whether the node with the smaller key has opened the stream. */
  readonly isOpenedBySmaller: boolean;
  /** Probes in a row that only others could answer for it. */
  misses = 0;
  /** Called when the peer has left so much unread that nothing more is sent, and when it goes on. */
  onFull: ((isFull: boolean) => void) | undefined;
  /** The tick in which what came was counted last. */
  #tick = 0;
  #framesIn = 0;
  #bytesIn = 0;
  #isFull = false;
  #dropped = 0;
  #ticksFull = 0;

  /** @param parts the stream that hello was said on, and what was said */
  constructor(
    parts: {
      readonly stream: MeshStream;
      readonly hello: Hello;
      readonly isOpenedBySmaller: boolean;
    },
  ) {
    this.stream = parts.stream;
    this.hello = parts.hello;
    this.key = parts.stream.peer;
    this.isOpenedBySmaller = parts.isOpenedBySmaller;
  }

  /** Frames that were not sent since the peer does not read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends, unless too much waits to be read already. */
  send(frame: RegistryFrame): void {
    this.sendBytes(encodeRegistryFrame(frame));
  }

  /** Sends an encoded frame: news that go to many are encoded once. */
  sendBytes(bytes: Uint8Array): void {
    if (this.#isFull) {
      this.#dropped += 1;
      return;
    }
    try {
      if (this.stream.send(bytes)) return;
    } catch {
      // The stream is broken; its reader notices and ends the link.
      return;
    }
    this.#isFull = true;
    this.onFull?.(true);
    this.stream.drained().then(() => {
      this.#isFull = false;
      this.#ticksFull = 0;
      this.onFull?.(false);
    }, () => {});
  }

  /**
   * Reads a frame that has come.
   *
   * @param tick the number of the registry's last tick: what comes is counted from tick to tick
   * @throws {MembershipError} for what is no frame, or one too many
   */
  read(bytes: Uint8Array, tick: number): RegistryFrame {
    if (tick !== this.#tick) {
      this.#tick = tick;
      this.#framesIn = 0;
      this.#bytesIn = 0;
    }
    this.#framesIn += 1;
    this.#bytesIn += bytes.length;
    if (this.#framesIn <= framesPerTickMax && this.#bytesIn <= bytesPerTickMax) {
      return parseRegistryFrame(bytes);
    }
    throw new MembershipError({
      code: "flood",
      message: "Cannot listen to a peer any more as it sends more than anybody needs to",
    });
  }

  /** Lets time pass for one that is full. @returns how many ticks it has not read anything */
  tick(): number {
    if (this.#isFull) this.#ticksFull += 1;
    return this.#ticksFull;
  }
}

/** Ends conversations once what was said is read; resolves then, or soon. */
export async function closeAll(links: readonly RegistryLink[], clock: Clock): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = clock.after(farewellMs, () => late.resolve());
  const closed = links.map(({ stream }) => stream.close().then(() => stream.closed));
  await Promise.race([Promise.allSettled(closed), late.promise]);
  timer.cancel();
}
