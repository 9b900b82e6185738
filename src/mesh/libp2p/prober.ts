/**
 * Probes of one link: a round trip five times a second, and the verdict that the link is dead.
 *
 * Either side opens one stream for its own probes and answers the other's on the stream it came on. A
 * message is a kind (1 byte: 1 asks, 2 answers) and a number (32 bits, big-endian). Anything heard on
 * the link breaks the silence, bulk data included, as an answer may queue behind it. Time in which
 * this side did not run is not silence of the other: after a blocked event loop a link has as long as
 * ever. It is not libp2p's connection monitor, which opens a stream per probe, measures in whole
 * milliseconds and counts what this side slept through.
 */
import type { Connection, Stream } from "@libp2p/interface";
import type { Clock } from "../../ports/mod.ts";
import {
  PROBE_INTERVAL_MS,
  PROBES_PER_INTERVAL_MAX,
  SILENCE_MS_MAX,
  SILENCE_ROUND_TRIPS,
} from "./limits.ts";
import { updateSeldom } from "./seldom_windows.ts";

/** The protocol's name; it is open to all that may have a link. */
export const PROBE_PROTOCOL = "/skep/probe/1";

const MESSAGE_BYTES = 5;
const KIND_ASK = 1;
const KIND_ANSWER = 2;

/** Share of the newest measurement in the smoothed round trip, as in RFC 6298 section 2. */
const SMOOTHING = 1 / 8;

/** Round trips that are kept for comparing. */
const RECENT_COUNT = 8;

/** What a prober is told, and tells. */
export interface ProberOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** Called once, with the first message of the other side: both have admitted each other. */
  readonly onProven: () => void;
  /** Silence that is too much on a fast link. */
  readonly silenceMs: () => number;
  /** Called once, when the link is silent or the other side breaks the rules. */
  readonly onDead: (why: string) => void;
  /** Called before that, when it was silent. */
  readonly onSilent: () => void;
}

/** Watches one link. */
export class Prober {
  /** Round trip of the last answered probe, in milliseconds. */
  roundTripMs: number | undefined;
  #smoothedMs: number | undefined;
  #recentMs: readonly number[] = [];
  readonly #options: ProberOptions;
  readonly #sentAtMs = new Map<number, number>();
  #stream: Stream | undefined;
  #nextNumber = 0;
  #silenceMs = 0;
  #lastTickMs: number;
  #asksInInterval = 0;
  #proven = false;
  #ended = false;

  /** @param options the link, and whom to tell */
  constructor(options: ProberOptions) {
    this.#options = options;
    this.#lastTickMs = options.clock.monotonicMs();
    this.#open();
  }

  /**
   * The shortest of the last round trips, by which links are compared: load only ever adds to it.
   * Undefined while there are too few to tell.
   */
  get shortestMs(): number | undefined {
    return this.#recentMs.length < RECENT_COUNT / 2 ? undefined : Math.min(...this.#recentMs);
  }

  /** Whether something came over the link since the last tick but one. */
  get isFresh(): boolean {
    return this.#proven && !this.#ended && this.#silenceMs <= 1.5 * PROBE_INTERVAL_MS;
  }

  /** Something came over the link. */
  heard(): void {
    this.#silenceMs = 0;
    if (this.#proven || this.#ended) return;
    this.#proven = true;
    this.#options.onProven();
  }

  /** Answers the other side's probes on the stream that it opened for them. */
  serve(stream: Stream): void {
    updateSeldom(stream);
    onMessages(stream, (kind, number) => {
      if (kind !== KIND_ASK || ++this.#asksInInterval > PROBES_PER_INTERVAL_MAX) {
        this.#die("it sent probes that make no sense, or too many");
        return;
      }
      this.heard();
      // Answers nobody waits for are not queued: the next one does as well.
      if (!stream.writableNeedsDrain && stream.writeStatus === "writable") {
        stream.send(message(KIND_ANSWER, number));
      }
    });
  }

  /** To be called each `PROBE_INTERVAL_MS`: counts the silence and asks again. */
  tick(): void {
    if (this.#ended) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#silenceMs += Math.min(nowMs - this.#lastTickMs, 1.5 * PROBE_INTERVAL_MS);
    this.#lastTickMs = nowMs;
    this.#asksInInterval = 0;
    if (this.#silenceMs > this.#silenceMsMax()) {
      this.#options.onSilent();
      this.#die(`it was silent for ${Math.round(this.#silenceMs)} ms`);
    } else this.#ask(nowMs);
  }

  /** Ends probing; repeatable. */
  end(): void {
    this.#ended = true;
    this.#sentAtMs.clear();
  }

  #silenceMsMax(): number {
    if (!this.#proven) return SILENCE_MS_MAX;
    const slowMs = SILENCE_ROUND_TRIPS * (this.#smoothedMs ?? 0);
    return Math.min(SILENCE_MS_MAX, Math.max(this.#options.silenceMs(), slowMs));
  }

  #open(): void {
    const opening = this.#options.connection.newStream(PROBE_PROTOCOL, {
      runOnLimitedConnection: true,
    });
    opening.then((stream) => {
      if (this.#ended) return stream.abort(new Error("Cannot probe as the link is closed"));
      this.#stream = stream;
      updateSeldom(stream);
      onMessages(stream, (kind, number) => this.#onAnswer(kind, number));
      // A closing link ends its streams first: what is left a moment later was meant.
      stream.addEventListener(
        "close",
        () => queueMicrotask(() => this.#die("it ended the probes")),
      );
      this.#ask(this.#options.clock.monotonicMs());
    }, (cause) => this.#die(`it takes no probes (${String(cause)})`));
  }

  #ask(nowMs: number): void {
    const stream = this.#stream;
    if (stream === undefined || stream.writeStatus !== "writable") return;
    // With the pipe full, what is under way will be answered.
    if (stream.writableNeedsDrain) return;
    const number = this.#nextNumber++; // 34 years of probes fit into 32 bits.
    this.#sentAtMs.set(number, nowMs);
    if (this.#sentAtMs.size > PROBES_PER_INTERVAL_MAX) {
      for (const oldest of this.#sentAtMs.keys()) {
        this.#sentAtMs.delete(oldest);
        break;
      }
    }
    stream.send(message(KIND_ASK, number));
  }

  #onAnswer(kind: number, number: number): void {
    if (kind !== KIND_ANSWER || number >= this.#nextNumber) {
      return this.#die("it answered what was not asked");
    }
    const sentAtMs = this.#sentAtMs.get(number);
    if (sentAtMs === undefined) return; // So late that it was given up.
    this.#sentAtMs.delete(number);
    const tripMs = this.#options.clock.monotonicMs() - sentAtMs;
    this.roundTripMs = tripMs;
    const smoothedMs = this.#smoothedMs ?? tripMs;
    this.#smoothedMs = smoothedMs + SMOOTHING * (tripMs - smoothedMs);
    this.#recentMs = [tripMs, ...this.#recentMs].slice(0, RECENT_COUNT);
    this.heard();
    // The first trips have work in them that later ones have not: a few more follow at once.
    if (this.#nextNumber < RECENT_COUNT) this.#ask(this.#options.clock.monotonicMs());
  }

  #die(why: string): void {
    if (this.#ended) return;
    this.end();
    this.#options.onDead(why);
  }
}

function message(kind: number, number: number): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, number);
  return bytes;
}

/** Calls back for each whole message; less than one is ever held. */
function onMessages(stream: Stream, onMessage: (kind: number, number: number) => void): void {
  const held = new Uint8Array(MESSAGE_BYTES);
  const view = new DataView(held.buffer);
  let length = 0;
  stream.addEventListener("message", ({ data }) => {
    for (const piece of data instanceof Uint8Array ? [data] : data) {
      for (const byte of piece) {
        held[length++] = byte;
        if (length < MESSAGE_BYTES) continue;
        length = 0;
        onMessage(held[0] ?? 0, view.getUint32(1));
      }
    }
  });
}
