/**
 * Calls, streams and one-way messages between two threads, both ways over one port.
 *
 * Every call is answered once, with a value or an error; a cancelled one too, by whatever the other
 * side makes of its signal. A stream flows by credit: the consumer grants `WINDOW` items and more as
 * it consumes, so neither side's buffer grows beyond that. Not a wire format: structured clones
 * between two threads of one process that run the same code.
 */
import { BoundedQueue } from "./bounded_queue.ts";
import { decodeError, encodeError } from "./crossed_error.ts";
import type { EncodedError } from "./crossed_error.ts";
import { RpcError } from "./rpc_error.ts";

/** Items of one stream that may be on their way or waiting. */
const WINDOW = 32;

/** The part of a MessagePort or Worker that a link uses. */
export interface LinkPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** What a side answers, by name. */
export interface LinkHandlers {
  readonly calls: Readonly<
    Record<string, (args: never, signal: AbortSignal) => Promise<unknown>>
  >;
  readonly streams: Readonly<
    Record<string, (args: never, signal: AbortSignal) => AsyncIterable<unknown>>
  >;
  /** Must not throw; what they throw all the same goes to `onError`. */
  readonly tells: Readonly<Record<string, (args: never) => void>>;
  readonly onError: (thrown: unknown) => void;
}

type LinkMessage =
  | { readonly t: "tell" | "call" | "open"; id: number; name: string; args: unknown }
  | { readonly t: "answer" | "item"; id: number; value: unknown }
  | { readonly t: "failure"; id: number; error: EncodedError }
  | { readonly t: "end" | "cancel"; id: number }
  | { readonly t: "credit"; id: number; count: number };

/** What this side waits for: the answer to a call, or the items of a stream. */
interface Pending {
  readonly answer: (value: unknown) => void;
  readonly item: (value: unknown) => void;
  readonly fail: (error: Error | undefined) => void;
}

/** What this side works on for the other. */
interface Working {
  readonly controller: AbortController;
  readonly grant: (count: number) => void;
}

/** One side of a link. */
export class ThreadLink {
  readonly #port: LinkPort;
  readonly #handlers: LinkHandlers;
  readonly #pending = new Map<number, Pending>();
  readonly #working = new Map<number, Working>();
  #nextId = 1;
  #closed: Error | undefined;

  /** @param port messages that arrive before this are the caller's to prevent */
  constructor(port: LinkPort, handlers: LinkHandlers) {
    this.#port = port;
    this.#handlers = handlers;
    port.on("message", (message) => this.#receive(message as LinkMessage));
  }

  /**
   * Says something without an answer; nothing happens on a closed link.
   *
   * @throws {DOMException} "DataCloneError" when `args` can't be cloned
   */
  tell(name: string, args: unknown): void {
    if (this.#closed === undefined) this.#port.postMessage({ t: "tell", id: 0, name, args });
  }

  /**
   * Calls the other side; `signal` cancels it there, and the answer is what it makes of that.
   *
   * @throws the other side's error, or the one that the link was closed with
   */
  call(name: string, args: unknown, signal?: AbortSignal): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#tryPost({ t: "cancel", id });
      const settle = (): void => {
        this.#pending.delete(id);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#pending.set(id, {
        answer: (value) => (settle(), resolve(value)),
        item: () => {},
        fail: (error) => (settle(), reject(error)),
      });
      this.#post({ t: "call", id, name, args }, settle);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
    });
  }

  /** Opens a stream at once; `return()` or `signal` cancels it there. Iterate it once. */
  stream(name: string, args: unknown, signal?: AbortSignal): AsyncIterable<unknown> {
    const id = this.#nextId++;
    const incoming = new IncomingStream({
      credit: (count) => this.#tryPost({ t: "credit", id, count }),
      cancel: () => this.#tryPost({ t: "cancel", id }),
      release: () => {
        this.#pending.delete(id);
        signal?.removeEventListener("abort", onAbort);
      },
    });
    const onAbort = (): void => this.#tryPost({ t: "cancel", id });
    if (this.#closed !== undefined) incoming.fail(this.#closed);
    else {
      this.#pending.set(id, incoming);
      this.#post({ t: "open", id, name, args }, () => this.#pending.delete(id));
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
    }
    return incoming;
  }

  /** Fails what is waited for with `error`, cancels what is worked on, and says nothing more. */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    for (const pending of [...this.#pending.values()]) pending.fail(error);
    for (const { controller } of this.#working.values()) controller.abort(error);
  }

  #receive(message: LinkMessage): void {
    const { id } = message;
    switch (message.t) {
      case "tell":
        return this.#hear(message.name, message.args);
      case "call":
        return void this.#answer(id, message.name, message.args);
      case "open":
        return void this.#produce(id, message.name, message.args);
      case "answer":
        return this.#pending.get(id)?.answer(message.value);
      case "item":
        return this.#pending.get(id)?.item(message.value);
      case "failure":
        return this.#pending.get(id)?.fail(decodeError(message.error));
      case "end":
        return this.#pending.get(id)?.fail(undefined);
      case "cancel":
        return this.#working.get(id)?.controller.abort(cancelled());
      case "credit":
        return this.#working.get(id)?.grant(message.count);
    }
  }

  #hear(name: string, args: unknown): void {
    try {
      this.#handlers.tells[name]?.(args as never);
    } catch (thrown) {
      this.#handlers.onError(thrown);
    }
  }

  async #answer(id: number, name: string, args: unknown): Promise<void> {
    const controller = new AbortController();
    this.#working.set(id, { controller, grant: () => {} });
    try {
      const handler = this.#handlers.calls[name];
      if (handler === undefined) throw unknownName(name);
      const value = await handler(args as never, controller.signal);
      this.#post({ t: "answer", id, value });
    } catch (thrown) {
      this.#tryPost({ t: "failure", id, error: encodeError(thrown) });
    } finally {
      this.#working.delete(id);
    }
  }

  async #produce(id: number, name: string, args: unknown): Promise<void> {
    const controller = new AbortController();
    const credit = new Credit(WINDOW, controller.signal);
    this.#working.set(id, { controller, grant: (count) => credit.grant(count) });
    try {
      const handler = this.#handlers.streams[name];
      if (handler === undefined) throw unknownName(name);
      for await (const value of handler(args as never, controller.signal)) {
        if (!await credit.spend()) break;
        this.#post({ t: "item", id, value });
      }
      this.#tryPost({ t: "end", id });
    } catch (thrown) {
      this.#tryPost({ t: "failure", id, error: encodeError(thrown) });
    } finally {
      this.#working.delete(id);
    }
  }

  /** @throws {DOMException} when the message can't be cloned, after `undo` */
  #post(message: LinkMessage, undo?: () => unknown): void {
    if (this.#closed !== undefined) return;
    try {
      this.#port.postMessage(message);
    } catch (thrown) {
      undo?.();
      throw thrown;
    }
  }

  /** For messages that are made of cloneable parts only. */
  #tryPost(message: LinkMessage): void {
    if (this.#closed === undefined) this.#port.postMessage(message);
  }
}

/** The producer's right to send, which the consumer renews. */
class Credit {
  readonly #signal: AbortSignal;
  #left: number;
  #wake: (() => void) | undefined;

  constructor(initial: number, signal: AbortSignal) {
    this.#left = initial;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  grant(count: number): void {
    this.#left += count;
    this.#wake?.();
  }

  /** @returns false when the stream was cancelled while waiting */
  async spend(): Promise<boolean> {
    while (this.#left === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}

/** The consumer's side of a stream. */
class IncomingStream implements AsyncIterable<unknown>, Pending {
  readonly #items = new BoundedQueue<{ readonly value: unknown }>({
    capacity: WINDOW,
    policy: "refuse",
  });
  readonly #to: {
    readonly credit: (count: number) => void;
    readonly cancel: () => void;
    readonly release: () => void;
  };
  #error: Error | undefined;
  #consumed = 0;
  #ended = false;

  constructor(to: { credit: (count: number) => void; cancel: () => void; release: () => void }) {
    this.#to = to;
  }

  answer(): void {}

  item(value: unknown): void {
    if (!this.#items.offer({ value })) this.fail(overrun());
  }

  fail(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#to.release();
    this.#items.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return {
      next: async (): Promise<IteratorResult<unknown>> => {
        const item = await this.#items.take();
        if (item !== undefined) return this.#consume(item.value);
        const error = this.#error;
        this.#error = undefined;
        if (error !== undefined) throw error;
        return { done: true, value: undefined };
      },
      return: (): Promise<IteratorResult<unknown>> => {
        if (!this.#ended) this.#to.cancel();
        this.fail(undefined);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #consume(value: unknown): IteratorResult<unknown> {
    this.#consumed += 1;
    if (this.#consumed >= WINDOW / 2 && !this.#ended) {
      this.#to.credit(this.#consumed);
      this.#consumed = 0;
    }
    return { done: false, value };
  }
}

function cancelled(): RpcError {
  const message = "Cannot finish the call as the caller cancelled it";
  return new RpcError({ kind: "cancelled", message });
}

function unknownName(name: string): TypeError {
  return new TypeError(`Cannot answer another thread as it asks for an unknown "${name}"`);
}

function overrun(): RangeError {
  return new RangeError("Cannot take an item of a stream as more than its window arrived");
}
