/** A stream that a peer has opened to this stage. */
import type { MeshStream, PeerKey } from "../ports/mod.ts";
import { FramePipe } from "./_frame_pipe.ts";

/** The stage's end of it. */
export class StageConnection {
  readonly peer: PeerKey;
  readonly stream: MeshStream;
  readonly #pipe: FramePipe;
  /** Frames that could not be read. */
  malformedFrames = 0;
  isOpen = true;

  constructor(stream: MeshStream) {
    this.peer = stream.peer;
    this.stream = stream;
    this.#pipe = new FramePipe(stream);
  }

  /** Sends unless the stream is over; `onSent` is called when it is on its way. */
  send(frame: Uint8Array, onSent?: () => void): void {
    if (this.isOpen) this.#pipe.send(frame, onSent);
  }
}
