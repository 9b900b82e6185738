/**
 * Yamux streams that tell the sender of new room when half of it is used up, not after every frame.
 *
 * A window update is a frame of its own: encrypted, written, read and decrypted before the frame that
 * it thanks for is looked at. A token's row of activations takes a hundredth of a window. A sender
 * always has half a window left, or an update is on its way.
 */
import type { Stream } from "@libp2p/interface";

/** What of a yamux stream says how much the other side may send; its fields are not in its types. */
interface Windowed {
  /** Room of a whole window, and what is left of it, in bytes. */
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}

/** Makes updates seldom; other muxers' streams stay as they are. */
export function updateSeldom(stream: Stream): void {
  if (!isWindowed(stream)) return;
  const update = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = (): void => {
    if (stream.recvWindowCapacity * 2 <= stream.recvWindow) update();
  };
}

function isWindowed(stream: Stream): stream is Stream & Windowed {
  return "sendWindowUpdate" in stream && typeof stream.sendWindowUpdate === "function" &&
    "recvWindow" in stream && typeof stream.recvWindow === "number" &&
    "recvWindowCapacity" in stream && typeof stream.recvWindowCapacity === "number";
}
