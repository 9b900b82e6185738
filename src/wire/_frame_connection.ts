/**
 * The server's side of one connection that speaks JSON-RPC in frames.
 *
 * Calls run at the same time, so their answers may come in any order. Reading stops while as many run
 * as may, or while the peer leaves what was written unread. No time limit holds for an idle connection.
 */
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../ports/mod.ts";
import { encodeTextFrame, frameDecoder } from "./frames.ts";
import {
  answerJsonRpc,
  encodeRequest,
  encodeResponse,
  JSON_RPC_CODES,
  JSON_RPC_MESSAGES,
  parseJsonRpc,
} from "./json_rpc.ts";
import type { JsonRpcCall, JsonRpcId, JsonRpcMessage, JsonRpcOutcome } from "./json_rpc.ts";
import type { MessageDecoder } from "./message_decoder.ts";
import type { RpcRunner } from "./rpc_face.ts";
import { WireError } from "./wire_error.ts";

/** Limits of one connection that speaks frames. */
export interface FrameLimits {
  /** Bytes of a frame's message, both ways. @default {8388608} */
  readonly frameBytesMax: number;
  /** Frames whose calls run at the same time; more wait unread. @default {64} */
  readonly inFlightMax: number;
  /** Bytes of those frames, beyond which more wait unread. @default {16777216} */
  readonly inFlightBytesMax: number;
  /** From a frame's first byte to its last. @default {60000} */
  readonly frameTimeoutMs: number;
  /** How long a peer may leave answers unread while more are waiting. @default {60000} */
  readonly stallTimeoutMs: number;
}

/** What a connection needs of its server. */
export interface FrameConnectionOptions {
  readonly clock: Clock;
  readonly limits: FrameLimits;
  readonly run: RpcRunner;
  readonly batchCallsMax?: number;
  /** One of the time limits has closed it. */
  readonly onTimeout: () => void;
  /** What came was no frame that may be. */
  readonly onBroken: () => void;
}

/** How long a peer that was told why may take to read it. */
const GOODBYE_MS = 1_000;

const decoder = new TextDecoder();

/** One accepted stream. */
export class FrameConnection {
  readonly #stream: Duplex;
  readonly #options: FrameConnectionOptions;
  readonly #decoder: MessageDecoder<Uint8Array>;
  /** Aborts with the connection. */
  readonly #gone = new AbortController();
  readonly #running = new Map<JsonRpcId, AbortController>();
  #inFlight = 0;
  #inFlightBytes = 0;
  #frameTimer: Timer | undefined;
  #stallTimer: Timer | undefined;
  /** Messages taken so far, and how many when the frame timer was set. */
  #taken = 0;
  #timedFrom = -1;
  #waiting: (() => void)[] = [];
  #ending = false;
  /** Whether bytes that were read wait in the decoder. */
  #held = false;

  constructor(stream: Duplex, options: FrameConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    const { frameBytesMax } = options.limits;
    this.#decoder = frameDecoder({ bytesMax: frameBytesMax, utf8: true });
    stream.on("data", (bytes: Uint8Array) => this.#read(bytes));
    stream.on("drain", () => this.#onDrain());
    stream.once("close", () => this.#onClose());
  }

  /** Takes what was read before this, and goes on reading. */
  start(first: Uint8Array): void {
    this.#read(first);
    if (!this.#held) this.#stream.resume();
  }

  /** Reads no more; closes when the last answer is out. */
  drain(): void {
    this.#ending = true;
    this.#frameTimer?.cancel();
    this.#stream.pause();
    this.#endIfIdle();
  }

  /** Closes at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  #read(bytes: Uint8Array): void {
    if (this.#ending) return;
    this.#decoder.push(bytes);
    this.#held = true;
    this.#pump();
  }

  /** Starts as many of the calls that have come as may run. */
  #pump(): void {
    while (this.#held && !this.#ending && this.#hasRoom()) {
      const message = this.#take();
      if (message === undefined) return;
      this.#taken += 1;
      void this.#answer(message);
    }
    if (this.#held) this.#stream.pause();
  }

  #hasRoom(): boolean {
    const { inFlightMax, inFlightBytesMax } = this.#options.limits;
    return this.#inFlight < inFlightMax && this.#inFlightBytes < inFlightBytesMax &&
      !this.#stream.writableNeedDrain;
  }

  #take(): Uint8Array | undefined {
    try {
      const message = this.#decoder.next();
      if (message !== undefined) return message;
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown;
      this.#refuse(thrown);
      return undefined;
    }
    this.#held = false;
    this.#watchFrame();
    if (this.#stream.isPaused()) this.#stream.resume();
    return undefined;
  }

  /** What follows bytes that are no frame can't be told; so the peer hears why, and it is over. */
  #refuse(error: WireError): void {
    this.#options.onBroken();
    this.#held = false;
    const code = JSON_RPC_CODES.parse;
    const refusal = { code, message: JSON_RPC_MESSAGES[code] ?? "", data: error.message };
    this.#send(encodeResponse(null, { error: refusal }));
    this.#ending = true;
    this.#gone.abort(error);
    this.#stream.end(() => this.destroy());
    this.#options.clock.after(GOODBYE_MS, () => this.destroy());
  }

  async #answer(bytes: Uint8Array): Promise<void> {
    this.#inFlight += 1;
    this.#inFlightBytes += bytes.length;
    const { batchCallsMax } = this.#options;
    const limits = batchCallsMax === undefined ? {} : { batchCallsMax };
    const message = parseJsonRpc(decoder.decode(bytes), limits);
    const answer = await answerJsonRpc(message, (call) => this.#call(call));
    if (answer !== undefined && !this.#gone.signal.aborted) this.#sendAnswer(answer, message);
    this.#inFlight -= 1;
    this.#inFlightBytes -= bytes.length;
    if (this.#held) this.#pump();
    this.#endIfIdle();
  }

  async #call(call: JsonRpcCall): Promise<JsonRpcOutcome> {
    const { id, method } = call;
    if (method === "rpc.cancel") return this.#cancel(call.params);
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.#gone.signal]);
    if (id === undefined) return await this.#options.run(call, { signal });
    this.#running.set(id, own);
    try {
      const emit = (item: unknown): Promise<void> => this.#emit(id, item);
      return await this.#options.run(call, { signal, emit });
    } finally {
      if (this.#running.get(id) === own) this.#running.delete(id);
    }
  }

  #cancel(params: unknown): JsonRpcOutcome {
    const id: unknown = typeof params === "object" && params !== null
      ? Reflect.get(params, Array.isArray(params) ? 0 : "id")
      : undefined;
    const running = this.#running.get(id as JsonRpcId);
    running?.abort(new WireError({ code: "closed", message: "The caller has cancelled the call" }));
    return { result: running !== undefined };
  }

  async #emit(id: JsonRpcId, item: unknown): Promise<void> {
    this.#gone.signal.throwIfAborted();
    this.#send(encodeRequest({ method: "rpc.stream", params: { id, item } }));
    if (!this.#stream.writableNeedDrain) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#gone.signal.throwIfAborted();
  }

  #sendAnswer(answer: string, message: JsonRpcMessage): void {
    try {
      this.#send(answer);
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown;
      const error = { code: JSON_RPC_CODES.internal, message: thrown.message };
      const ids = message.items.map(({ id }) => id).filter((id) => id !== undefined);
      const texts = ids.map((id) => encodeResponse(id, { error }));
      this.#send(message.batch ? `[${texts.join(",")}]` : texts.join());
    }
  }

  /** @throws {WireError} "too-large" */
  #send(text: string): void {
    const { frameBytesMax, stallTimeoutMs } = this.#options.limits;
    const frame = encodeTextFrame(text, { bytesMax: frameBytesMax });
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    if (this.#stream.write(frame) || this.#stallTimer !== undefined) return;
    this.#stallTimer = this.#options.clock.after(stallTimeoutMs, () => this.#timeOut());
  }

  /** A frame that has begun has until its deadline, however its bytes drip. */
  #watchFrame(): void {
    if (this.#decoder.pendingBytes > 0 && this.#timedFrom === this.#taken) return;
    this.#frameTimer?.cancel();
    this.#frameTimer = undefined;
    this.#timedFrom = -1;
    if (this.#decoder.pendingBytes === 0) return;
    this.#timedFrom = this.#taken;
    const { clock, limits } = this.#options;
    this.#frameTimer = clock.after(limits.frameTimeoutMs, () => this.#timeOut());
  }

  #timeOut(): void {
    this.#options.onTimeout();
    this.destroy();
  }

  #onDrain(): void {
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#held) this.#pump();
  }

  #onClose(): void {
    this.#ending = true;
    this.#held = false;
    this.#frameTimer?.cancel();
    this.#stallTimer?.cancel();
    const message = "Cannot finish the call as the client closed the connection";
    this.#gone.abort(new WireError({ code: "closed", message }));
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #endIfIdle(): void {
    if (!this.#ending || this.#inFlight > 0 || this.#stream.writableEnded) return;
    this.#stream.end(() => this.destroy());
  }
}
