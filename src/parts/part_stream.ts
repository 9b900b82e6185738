/**
 * The asking side of one `/skep/parts/1` stream: requests go out as they come, answers are matched to
 * them in order. A peer that is silent for too long is given up.
 */
import type { Clock, MeshNetwork, MeshStream, PeerKey } from "../ports/mod.ts";
import { PartsError } from "./errors.ts";
import { decodePartAnswer, encodePartRequest, partsProtocol } from "./part_frames.ts";
import type { PartAnswer, PartRequest } from "./part_frames.ts";

/** How long the next answer may take. */
const answerMsMax = 15_000;

interface Waiting {
  readonly bytesWanted: { readonly from: number; readonly to: number };
  readonly resolve: (answer: PartAnswer) => void;
  readonly reject: (reason: unknown) => void;
}

/** A stream to one holder. */
export class PartStream {
  readonly peer: PeerKey;
  readonly #stream: MeshStream;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #timer: { cancel(): void } | undefined;
  #failure: unknown;

  /** @param stream a stream of the protocol that nobody else uses */
  constructor(stream: MeshStream, clock: Clock) {
    this.peer = stream.peer;
    this.#stream = stream;
    this.#clock = clock;
    void this.#read();
  }

  /** Opens a stream. @throws {MeshError} */
  static async open(
    mesh: Pick<MeshNetwork, "open">,
    to: { readonly peer: PeerKey; readonly clock: Clock; readonly signal?: AbortSignal },
  ): Promise<PartStream> {
    return new PartStream(await mesh.open(to.peer, partsProtocol, to.signal), to.clock);
  }

  /**
   * Asks for something.
   *
   * @param bytesWanted how long a good answer may be
   * @throws {PartsError} "malformed" or "unavailable"; {MeshError} when the link breaks
   */
  async ask(request: PartRequest, bytesWanted: Waiting["bytesWanted"]): Promise<PartAnswer> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<PartAnswer>();
    this.#waiting.push({ bytesWanted, resolve, reject });
    if (this.#waiting.length === 1) this.#watch();
    try {
      this.#stream.send(encodePartRequest(request));
    } catch (thrown) {
      this.#fail(thrown);
    }
    return await promise;
  }

  /** Ends the stream; what is still asked for is not answered. */
  end(): void {
    this.#fail(unavailable(this.peer, "it is not wanted any longer"));
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of this.#stream.frames) {
        const waiting = this.#waiting.shift();
        if (waiting === undefined) throw unavailable(this.peer, "it answers what nobody asked");
        this.#watch();
        try {
          waiting.resolve(decodePartAnswer(frame, waiting.bytesWanted));
        } catch (thrown) {
          waiting.reject(thrown);
          throw thrown;
        }
      }
      throw unavailable(this.peer, "it has ended the stream");
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #watch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    this.#timer = this.#clock.after(answerMsMax, () => {
      this.#fail(unavailable(this.peer, `it has said nothing for ${answerMsMax} ms`));
    });
  }

  #fail(failure: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#timer?.cancel();
    this.#stream.reset();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(failure);
  }
}

function unavailable(peer: PeerKey, why: string): PartsError {
  const message = `Cannot get parts from peer ${peer.slice(0, 12)} as ${why}`;
  return new PartsError({ code: "unavailable", message });
}
