/**
 * libp2p's streams over a QUIC connection of iroh, one to one: no second encryption, no muxer of ours.
 *
 * The shape is that of libp2p's own WebTransport: a connection that carries no bytes itself, and a
 * muxer whose streams are those of QUIC.
 */
import type {
  CreateStreamOptions,
  MultiaddrConnection,
  StreamMuxerFactory,
} from "@libp2p/interface";
import { AbstractMultiaddrConnection, AbstractStream, AbstractStreamMuxer } from "@libp2p/utils";
import type {
  AbstractMultiaddrConnectionInit,
  AbstractStreamInit,
  SendResult,
} from "@libp2p/utils";
import type { NativeBiStream, NativeConnection } from "./iroh_native.ts";

/** Bytes handed to iroh and not yet taken by it, beyond which a stream says that it is full. */
const PENDING_BYTES_HIGH = 256 * 1024;

/** Bytes asked for at once. */
const READ_BYTES_MAX = 64 * 1024;

/** The name that libp2p shows for this muxer. */
const MUXER = "/iroh";

/** Pieces of memory, as libp2p hands them over. */
interface Pieces extends Iterable<Uint8Array> {
  readonly byteLength: number;
}

class IrohStream extends AbstractStream {
  readonly #native: NativeBiStream;
  #pendingBytes = 0;
  #written: Promise<void> = Promise.resolve();
  #isReading = false;

  constructor(init: AbstractStreamInit, native: NativeBiStream) {
    super(init);
    this.#native = native;
    this.#read();
  }

  override sendData(data: Pieces): SendResult {
    const numbers = numbersOf(data);
    this.#pendingBytes += numbers.length;
    this.#written = this.#written
      .then(() => this.#native.send.writeAll(numbers))
      .then(() => this.#onWritten(numbers.length), () => this.#onBroken());
    return { sentBytes: numbers.length, canSendMore: this.#pendingBytes < PENDING_BYTES_HIGH };
  }

  override sendReset(): void {
    this.#native.send.reset(0n).catch(() => {});
    this.#native.recv.stop(0n).catch(() => {});
  }

  override async sendCloseWrite(): Promise<void> {
    await this.#written;
    await this.#native.send.finish().catch(() => {});
  }

  override async sendCloseRead(): Promise<void> {
    await this.#native.recv.stop(0n).catch(() => {});
  }

  override sendPause(): void {}

  override sendResume(): void {
    this.#read();
  }

  #onWritten(byteCount: number): void {
    const wasFull = this.#pendingBytes >= PENDING_BYTES_HIGH;
    this.#pendingBytes -= byteCount;
    if (wasFull && this.#pendingBytes < PENDING_BYTES_HIGH) this.safeDispatchEvent("drain");
  }

  #onBroken(): void {
    if (this.status === "open" || this.status === "closing") this.onRemoteReset();
  }

  /** Reads while somebody wants it: a paused stream leaves the rest to QUIC's flow control. */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#readAll().catch(() => this.#onBroken());
  }

  async #readAll(): Promise<void> {
    while (this.readStatus === "readable" || this.readStatus === "closing") {
      const numbers = await this.#native.recv.read(READ_BYTES_MAX);
      if (numbers === null || numbers.length === 0) return this.onRemoteCloseWrite();
      this.onData(Uint8Array.from(numbers));
    }
    // In the same turn as the look at the status: a resume after it begins to read anew.
    this.#isReading = false;
  }
}

class IrohMuxer extends AbstractStreamMuxer<IrohStream> {
  readonly #native: NativeConnection;
  #nextId = 0;

  constructor(connection: MultiaddrConnection, native: NativeConnection) {
    super(connection, { protocol: MUXER, name: "muxer" });
    this.#native = native;
    // The connection's own end tells of the end; nothing is accepted after it.
    this.#accept().catch(() => {});
  }

  override async onCreateStream(options: CreateStreamOptions): Promise<IrohStream> {
    const native = await this.#native.openBi();
    try {
      options.signal?.throwIfAborted();
    } catch (thrown) {
      native.send.reset(0n).catch(() => {});
      native.recv.stop(0n).catch(() => {});
      throw thrown;
    }
    return this.#wrap(native, "outbound");
  }

  override onData(): void {}

  async #accept(): Promise<void> {
    while (this.status === "open") {
      this.onRemoteStream(this.#wrap(await this.#native.acceptBi(), "inbound"));
    }
  }

  #wrap(native: NativeBiStream, direction: "inbound" | "outbound"): IrohStream {
    const id = String(this.#nextId++);
    const log = this.log.newScope(`${direction}:${id}`);
    return new IrohStream({ ...this.streamOptions, id, direction, log }, native);
  }
}

/** A connection that carries its streams by QUIC and no bytes of its own. */
export class IrohConnection extends AbstractMultiaddrConnection {
  readonly #native: NativeConnection;

  /** @param init libp2p's; @param native a link that is up */
  constructor(init: AbstractMultiaddrConnectionInit, native: NativeConnection) {
    super(init);
    this.#native = native;
    const onGone = (): void => this.onTransportClosed();
    native.closed().then(onGone, onGone);
  }

  override sendData(data: Pieces): SendResult {
    return { sentBytes: data.byteLength, canSendMore: true };
  }

  override sendReset(): void {
    this.#native.close(1n, []);
  }

  override sendClose(): Promise<void> {
    this.#native.close(0n, []);
    return Promise.resolve();
  }

  override sendPause(): void {}

  override sendResume(): void {}
}

/** The muxer for one connection. */
export function irohMuxer(native: NativeConnection): StreamMuxerFactory {
  return {
    protocol: MUXER,
    createStreamMuxer: (connection) => new IrohMuxer(connection as MultiaddrConnection, native),
  };
}

/** Bytes as the binding takes them. An indexed loop is several times faster than `Array.from`. */
function numbersOf(pieces: Pieces): number[] {
  const numbers = new Array<number>(pieces.byteLength);
  let at = 0;
  for (const piece of pieces) {
    for (let index = 0; index < piece.length; index++) numbers[at++] = piece[index] ?? 0;
  }
  return numbers;
}
