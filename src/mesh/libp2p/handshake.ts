/**
 * What both sides of a new stream say before its first frame: the side that was asked sends one
 * byte, so that the asking one knows whether it is served, refused, or too many.
 */
import type { Stream } from "@libp2p/interface";
import { MeshError } from "../../ports/mod.ts";
import type { Clock } from "../../ports/mod.ts";
import { REFUSAL_MS } from "./limits.ts";

/** Answers to a new stream, as the one byte on the wire. */
export const STREAM_ANSWERS = { accepted: 1, refused: 2, busy: 3 } as const;

/** Accepts a stream. @throws whatever libp2p does for a stream that is gone */
export function acceptStream(stream: Stream): void {
  stream.send(Uint8Array.of(STREAM_ANSWERS.accepted));
}

/**
 * Says why a stream is not served, and ends it: the other side resets it on reading that, or else this
 * one does a moment later. Reset at once, it would arrive before what was said.
 */
export function refuseStream(
  stream: Stream,
  { answer, clock }: { readonly answer: "refused" | "busy"; readonly clock: Clock },
): void {
  const timer = clock.after(REFUSAL_MS, () => stream.abort(new Error(`Cannot serve as ${answer}`)));
  stream.addEventListener("close", () => timer.cancel());
  try {
    stream.send(Uint8Array.of(STREAM_ANSWERS[answer]));
  } catch {
    return; // It is gone already, which is what was wanted.
  }
  Promise.all([stream.closeRead(), stream.close()]).catch(() => {});
}

/**
 * Waits for the other side's answer and returns what came after it.
 *
 * @throws {MeshError} "refused", "busy"; "unreachable" when the link broke; the signal's reason
 */
export async function awaitAnswer(
  stream: Stream,
  { signal, linkIsOpen }: { readonly signal: AbortSignal; readonly linkIsOpen: () => boolean },
): Promise<readonly Uint8Array[]> {
  const first = await firstPieces(stream, signal);
  const [answer] = first[0] ?? [];
  if (answer === STREAM_ANSWERS.accepted) {
    return first.map((piece, at) => at === 0 ? piece.subarray(1) : piece);
  }
  stream.abort(new Error("Cannot go on as the stream was not accepted"));
  if (answer === STREAM_ANSWERS.busy) throw failure("busy", stream);
  throw failure(answer === undefined && !linkIsOpen() ? "unreachable" : "refused", stream);
}

function failure(code: "busy" | "refused" | "unreachable", stream: Stream): MeshError {
  const why = { busy: "has too many", refused: "refused", unreachable: "is gone" }[code];
  return new MeshError({
    code,
    message: `Cannot open a stream of "${stream.protocol}" as the peer ${why}`,
  });
}

/** The first bytes of a stream, none when it ended before; libp2p holds the next till they are listened for. */
function firstPieces(stream: Stream, signal: AbortSignal): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const onMessage = ({ data }: { readonly data: Uint8Array | Iterable<Uint8Array> }): void => {
      stop();
      resolve(data instanceof Uint8Array ? [data] : [...data]);
    };
    const onClose = (): void => {
      stop();
      resolve([]);
    };
    const onAbort = (): void => {
      stop();
      stream.abort(new Error("Cannot go on as opening was aborted"));
      reject(signal.reason);
    };
    const stop = (): void => {
      stream.removeEventListener("message", onMessage);
      stream.removeEventListener("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    stream.addEventListener("message", onMessage);
    stream.addEventListener("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    else if (stream.status !== "open" && stream.readBufferLength === 0) onClose();
  });
}
