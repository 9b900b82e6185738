/** The items of one stream as they come in frames, read no faster than they are taken. */
import { outcomeError, settle } from "./_answers.ts";
import type { Line } from "./_frame_line.ts";
import { WireError } from "./wire_error.ts";

/** Items that may wait before their connection is read no further. */
const ITEMS_WAITING_MAX = 64;

/** The items of one stream, as they come. */
export class IncomingItems {
  readonly #line: Line;
  readonly #unlink: () => void;
  readonly #items: unknown[] = [];
  #count = 0;
  #end: { readonly error: unknown } | "open" | "done" = "open";
  #wake: () => void = () => {};

  constructor(line: Line, signal: AbortSignal | undefined) {
    this.#line = line;
    line.handlers = {
      message: (value, text) => this.#receive(value, text),
      closed: (error) => this.#finish({ error }),
    };
    const onAbort = (): void => this.#finish({ error: signal?.reason });
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#unlink = (): void => signal?.removeEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
  }

  async *all(): AsyncGenerator<unknown, void, undefined> {
    for (;;) {
      while (this.#items.length > 0) {
        yield this.#items.shift();
        if (this.#items.length === 0) this.#line.stream.resume();
      }
      if (this.#end === "done") return;
      if (this.#end !== "open") throw this.#end.error;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.#unlink();
  }

  /** The final answer says how many items there were. */
  #isEnd(value: unknown): boolean {
    return typeof value === "object" && value !== null &&
      Reflect.get(value, "items") === this.#count;
  }

  #receive(value: Readonly<Record<string, unknown>>, text: string): void {
    if (value["method"] === "rpc.stream") {
      this.#count += 1;
      this.#items.push(Reflect.get(Object(value["params"]), "item"));
      if (this.#items.length >= ITEMS_WAITING_MAX) this.#line.stream.pause();
      return this.#wake();
    }
    if (value["id"] === null) return this.#finish({ error: outcomeError(text) });
    settle(
      {
        resolve: (value) => this.#finish(this.#isEnd(value) ? "done" : { error: notAStream() }),
        reject: (error) => this.#finish({ error }),
      },
      text,
      1,
    );
  }

  #finish(end: { readonly error: unknown } | "done"): void {
    if (this.#end === "open") this.#end = end;
    this.#wake();
  }
}

function notAStream(): WireError {
  const message =
    "Cannot take the answer as it does not end the stream with the count of its items";
  return new WireError({ code: "bad-response", message });
}
