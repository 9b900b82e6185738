/**
 * One long-lived stream to a peer, opened when the first frame is sent: an edge of a pipeline.
 */
import type { MeshNetwork, MeshStream, PeerKey } from "../ports/mod.ts";
import { MeshError } from "../ports/mod.ts";
import { FramePipe } from "./_frame_pipe.ts";
import { stageProtocol } from "./limits.ts";

/** Who uses a link. */
export interface StageLinkOptions {
  readonly mesh: Pick<MeshNetwork, "open" | "dial">;
  readonly peer: PeerKey;
  readonly onFrame: (frame: Uint8Array) => void;
  /** The stream ended or could not be opened; called once, unless it was closed from here. */
  readonly onLost: (why: string) => void;
}

/** A stream that is opened, or about to be. */
export class StageLink {
  readonly peer: PeerKey;
  readonly #options: StageLinkOptions;
  readonly #early: Uint8Array[] = [];
  readonly #abort = new AbortController();
  #stream: MeshStream | undefined;
  #pipe: FramePipe | undefined;
  #isOver = false;

  constructor(options: StageLinkOptions) {
    this.peer = options.peer;
    this.#options = options;
    void this.#run();
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends, or keeps until the stream is open; nothing after the end. */
  send(frame: Uint8Array): void {
    if (this.#pipe !== undefined) this.#pipe.send(frame);
    else if (!this.#isOver) this.#early.push(frame);
  }

  /** Ends it, once what was sent is on its way. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abort.abort();
    this.#stream?.close().catch(() => {});
  }

  async #run(): Promise<void> {
    try {
      const stream = await this.#open();
      this.#stream = stream;
      if (this.#isOver) return stream.reset();
      this.#pipe = new FramePipe(stream);
      for (const frame of this.#early.splice(0)) this.#pipe.send(frame);
      for await (const frame of stream.frames) {
        if (this.#isOver) return;
        this.#options.onFrame(frame);
      }
      this.#lose("its stream was closed");
    } catch (thrown) {
      this.#stream?.reset();
      this.#lose(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  async #open(): Promise<MeshStream> {
    const { mesh, peer } = this.#options;
    const { signal } = this.#abort;
    try {
      return await mesh.open(peer, stageProtocol, signal);
    } catch (thrown) {
      if (!(thrown instanceof MeshError) || thrown.code !== "unreachable") throw thrown;
      // Members need not be linked before they compute together.
      await mesh.dial(peer, { addresses: [], signal });
      return await mesh.open(peer, stageProtocol, signal);
    }
  }

  #lose(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#early.length = 0;
    this.#options.onLost(why);
  }
}
