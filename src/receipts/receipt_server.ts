/** Answers peers who want what this node's stages computed for them signed, or shown. */
import { encodeHex } from "../hot/mod.ts";
import type { MeshNetwork, MeshStream } from "../ports/mod.ts";
import { ReceiptError } from "./errors.ts";
import {
  askBytesMax,
  askSchema,
  decodeJsonFrame,
  encodeFrame,
  receiptProtocol,
  whyCharactersMax,
} from "./receipt_frames.ts";
import type { ReceiptAnswer } from "./receipt_frames.ts";
import type { ReceiptWitness } from "./witness.ts";

/** Streams of one peer at most. */
const streamsPerPeerMax = 8;

/** What a server works with. */
export interface ReceiptServerOptions {
  readonly mesh: MeshNetwork;
  readonly witness: ReceiptWitness;
  /** Told of each question that was not answered. */
  readonly onRefused?: (refusal: { readonly peer: string; readonly why: string }) => void;
}

/** Serves the protocol from now on; the returned function ends that. */
export function serveReceipts(options: ReceiptServerOptions): () => void {
  const { mesh } = options;
  const handler = (stream: MeshStream): void => void serve(stream, options);
  return mesh.handle(receiptProtocol, handler, { streamsPerPeerMax });
}

async function serve(stream: MeshStream, options: ReceiptServerOptions): Promise<void> {
  try {
    for await (const bytes of stream.frames) {
      const answer = await answerTo(bytes, { peer: stream.peer, witness: options.witness });
      if (answer.kind === "refused") {
        options.onRefused?.({ peer: stream.peer, why: answer.why });
      }
      if (!stream.send(encodeFrame(answer))) await stream.drained();
    }
    await stream.close();
  } catch {
    // A broken link ends the questions; who asked sees it too.
    stream.reset();
  }
}

async function answerTo(
  bytes: Uint8Array,
  { peer, witness }: { readonly peer: string; readonly witness: ReceiptWitness },
): Promise<ReceiptAnswer> {
  try {
    if (bytes.length > askBytesMax) {
      return {
        kind: "refused",
        why: `Cannot read a question as it has more than ${askBytesMax} bytes`,
      };
    }
    const ask = decodeJsonFrame(askSchema, bytes);
    if (ask.kind === "sign") return { kind: "signed", signed: await witness.sign(ask, peer) };
    const { from, count, leaves, path } = await witness.leaves(ask, peer);
    return { kind: "leaves", from, count, leaves: encodeHex(leaves), path: encodeHex(path) };
  } catch (thrown) {
    if (!(thrown instanceof ReceiptError)) throw thrown;
    // What is wrong may be as long as the question.
    return { kind: "refused", why: thrown.message.slice(0, whyCharactersMax).toWellFormed() };
  }
}
