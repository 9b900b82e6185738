/**
 * A stream of frames over a libp2p stream, with back-pressure both ways and one meaning of its end.
 *
 * Its end is clean when the other side said that it has sent everything and the last frame is whole;
 * every other end, and silence cut short by a broken link, is a MeshError "closed" in the reading
 * loop, after the frames that had arrived. libp2p reports both alike, as "close".
 */
import type { Stream } from "@libp2p/interface";
import { MeshError } from "../../ports/mod.ts";
import type { MeshStream, MeshTransport, PeerKey } from "../../ports/mod.ts";
import { encodeFrame, FRAME_HEADER_BYTES, FrameReader } from "./frame_reader.ts";

/** Unread bytes beyond which the sender is held back, once a whole frame is among them. */
const UNREAD_BYTES_HIGH = 512 * 1024;

/** Unsent bytes beyond which `send` answers false. */
const UNSENT_BYTES_HIGH = 512 * 1024;

/** Unsent bytes beyond which `send` refuses: eight frames of the greatest length. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;

/** What a stream is made of. */
export interface FrameStreamParts {
  readonly stream: Stream;
  readonly peer: PeerKey;
  readonly protocol: string;
  readonly transport: MeshTransport;
  /** Called with bytes that were handed over to be sent, and with bytes that came. */
  readonly onSent: (byteCount: number) => void;
  readonly onReceived: (byteCount: number) => void;
  /** Bytes that came before this object was made. */
  readonly received?: readonly Uint8Array[];
}

type Ending = "open" | "clean" | "broken";

/** A `MeshStream` over a libp2p stream that both sides have accepted. */
export class FrameStream implements MeshStream {
  readonly peer: PeerKey;
  readonly protocol: string;
  readonly transport: MeshTransport;
  readonly closed: Promise<void>;
  readonly frames: AsyncIterable<Uint8Array>;
  readonly #stream: Stream;
  readonly #parts: FrameStreamParts;
  readonly #reader = new FrameReader();
  #ending: Ending = "open";
  #gone = false;
  #discarding = false;
  #cause: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeSenders: (() => void)[] = [];

  /** @param parts the libp2p stream, whose "message" events this takes over */
  constructor(parts: FrameStreamParts) {
    this.#parts = parts;
    this.#stream = parts.stream;
    this.peer = parts.peer;
    this.protocol = parts.protocol;
    this.transport = parts.transport;
    this.frames = onceOnly(() => this.#read());
    for (const piece of parts.received ?? []) this.#reader.push(piece);
    this.closed = new Promise((resolve) => this.#listen(resolve));
  }

  send(frame: Uint8Array): boolean {
    const bytes = encodeFrame(frame);
    if (this.#gone || this.#stream.writeStatus !== "writable") throw this.#closedError("send on");
    if (this.#stream.writeBufferLength + bytes.length > UNSENT_BYTES_MAX) {
      throw new MeshError({
        code: "busy",
        message:
          `Cannot send on a stream of "${this.protocol}" as ${UNSENT_BYTES_MAX} bytes may wait: current value is ${this.#stream.writeBufferLength}`,
      });
    }
    try {
      this.#stream.send(bytes);
    } catch (cause) {
      throw this.#closedError("send on", cause);
    }
    this.#parts.onSent(bytes.length);
    return this.#hasRoom();
  }

  async drained(): Promise<void> {
    while (!this.#gone && !this.#hasRoom()) {
      await new Promise<void>((resolve) => this.#wakeSenders.push(resolve));
    }
    if (this.#gone) throw this.#closedError("wait for");
  }

  async close(): Promise<void> {
    try {
      await this.#stream.close();
    } catch {
      // The stream broke while it was being closed: `closed` tells, and there is nothing to do.
    }
  }

  reset(): void {
    this.#discarding = true;
    if (this.#ending === "open") this.#ending = "broken";
    this.#stream.abort(new Error("Cannot go on as this side reset the stream"));
    this.#wakeReader?.();
  }

  #listen(onGone: () => void): void {
    const stream = this.#stream;
    stream.addEventListener("message", ({ data }) => {
      this.#parts.onReceived(data.byteLength);
      if (this.#discarding) return;
      if (data instanceof Uint8Array) this.#reader.push(data);
      else for (const piece of data) this.#reader.push(piece);
      this.#balance();
      this.#wakeReader?.();
    });
    stream.addEventListener("remoteCloseWrite", () => {
      if (this.#ending === "open") this.#ending = "clean";
      this.#wakeReader?.();
    });
    const wakeSenders = (): void => queueMicrotask(() => this.#wakeAll());
    stream.addEventListener("drain", wakeSenders);
    stream.addEventListener("idle", wakeSenders);
    const end = (cause?: unknown): void => {
      if (this.#gone) return;
      this.#gone = true;
      this.#cause = cause;
      if (this.#ending === "open") this.#ending = "broken";
      // What libp2p still holds of a paused stream comes now, and is bounded by the window.
      this.#resume();
      this.#wakeReader?.();
      this.#wakeAll();
      onGone();
    };
    stream.addEventListener("close", ({ error }) => end(error));
    if (stream.status !== "open") end();
    else if (stream.remoteWriteStatus === "closed") this.#ending = "clean";
  }

  #wakeAll(): void {
    const waiting = this.#wakeSenders;
    this.#wakeSenders = [];
    for (const wake of waiting) wake();
  }

  #hasRoom(): boolean {
    return !this.#stream.writableNeedsDrain && this.#stream.writeBufferLength < UNSENT_BYTES_HIGH;
  }

  async *#read(): AsyncGenerator<Uint8Array, void, void> {
    try {
      while (true) {
        const frame = this.#take();
        if (frame !== undefined) yield frame;
        else if (this.#isOver()) return this.#checkEnd();
        else await new Promise<void>((resolve) => this.#wakeReader = resolve);
      }
    } finally {
      this.#discarding = true;
      this.#resume();
    }
  }

  #take(): Uint8Array | undefined {
    if (this.#discarding) return undefined;
    try {
      const frame = this.#reader.take();
      if (frame !== undefined) this.#balance();
      return frame;
    } catch (thrown) {
      this.#discarding = true;
      this.#stream.abort(new Error("Cannot go on as a frame was too long"));
      throw thrown;
    }
  }

  /** Whether nothing can come any more; a clean end counts once libp2p has handed over all it held. */
  #isOver(): boolean {
    return this.#ending === "broken" || this.#discarding ||
      (this.#ending === "clean" && this.#stream.readBufferLength === 0);
  }

  #checkEnd(): void {
    if (this.#ending === "clean" && !this.#discarding && this.#reader.bufferedBytes === 0) return;
    throw this.#closedError("read from");
  }

  /** Holds the sender back while much is unread, and lets it go on when it is not. */
  #balance(): void {
    if (this.#isTooFull()) this.#pause();
    else this.#resume();
  }

  #isTooFull(): boolean {
    if (this.#reader.bufferedBytes < UNREAD_BYTES_HIGH + FRAME_HEADER_BYTES) return false;
    try {
      return this.#reader.hasFrame();
    } catch {
      return true; // Too long: the reading loop throws it, and nothing more is wanted till then.
    }
  }

  #pause(): void {
    if (this.#stream.readStatus === "readable" && !this.#gone) this.#stream.pause();
  }

  #resume(): void {
    if (this.#stream.readStatus === "paused") this.#stream.resume();
  }

  #closedError(verb: string, cause: unknown = this.#cause): MeshError {
    return new MeshError({
      code: "closed",
      message: `Cannot ${verb} a stream of "${this.protocol}" as it is closed`,
      cause,
    });
  }
}

/** An iterable whose second iteration is a mistake. */
function onceOnly<T>(read: () => AsyncGenerator<T, void, void>): AsyncIterable<T> {
  let taken = false;
  return {
    [Symbol.asyncIterator]: (): AsyncIterator<T> => {
      if (taken) throw new TypeError("Cannot read the frames of a stream as they are read already");
      taken = true;
      return read();
    },
  };
}
