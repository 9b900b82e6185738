/** One question about a journal and its answer, from either side of the stream. */
import { isHeadOf } from "../../journal/mod.ts";
import type { SignedLogHead } from "../../journal/mod.ts";
import {
  bytesOfKey,
  logAnswerFrame,
  logProtocol,
  logRequestFrame,
  MembershipError,
  parseLogAnswer,
  parseLogRequest,
} from "../../mesh/mod.ts";
import type { LogAnswer } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { Clock, MeshNetwork, MeshStream, PeerKey } from "../../ports/mod.ts";

/** How long a question may take, and the answer to one: reading old days takes a while. */
const exchangeMsMax = 20_000;

/**
 * Asks a peer how far its journal has come.
 *
 * @param known heads of the peer's, 1..4
 * @returns its answer, signed by it, with a proof or null for each of the heads
 * @throws {MeshError} when it can't be asked; {MembershipError} when what it says has no form
 */
export async function askForLog(
  about: {
    readonly mesh: Pick<MeshNetwork, "open">;
    readonly clock: Pick<Clock, "after">;
    readonly key: PeerKey;
  },
  known: readonly SignedLogHead[],
): Promise<LogAnswer> {
  const stream = await about.mesh.open(about.key, logProtocol);
  const timer = about.clock.after(exchangeMsMax, () => stream.reset());
  try {
    stream.send(logRequestFrame(known));
    const answer = parseLogAnswer(await onlyFrame(stream));
    if (answer.proofs.length !== known.length) {
      throw refusal("malformed", "it does not answer what was asked");
    }
    if (!isHeadOf(answer.head, bytesOfKey(about.key))) {
      throw refusal("signature", "its head is not signed by it");
    }
    return answer;
  } finally {
    timer.cancel();
    stream.reset();
  }
}

/**
 * Answers one question.
 *
 * @param answer is given the heads that the other knows, all signed by this node
 * @throws {MembershipError} for a question that has no form, or about heads of others; {MeshError}
 */
export async function answerForLog(
  stream: MeshStream,
  about: {
    readonly clock: Pick<Clock, "after">;
    readonly self: PeerKey;
    readonly answer: (known: readonly SignedLogHead[]) => Promise<LogAnswer>;
  },
): Promise<void> {
  const timer = about.clock.after(exchangeMsMax, () => stream.reset());
  try {
    const known = parseLogRequest(await onlyFrame(stream));
    if (!known.every((head) => isHeadOf(head, bytesOfKey(about.self)))) {
      throw refusal("signature", "it asks about heads that this node has not signed");
    }
    stream.send(logAnswerFrame(await about.answer(known)));
    await stream.close();
    await stream.closed;
  } finally {
    timer.cancel();
    stream.reset();
  }
}

async function onlyFrame(stream: MeshStream): Promise<Uint8Array> {
  const { done, value } = await stream.frames[Symbol.asyncIterator]().next();
  if (done !== true) return value;
  const message = `Cannot talk of journals with ${stream.peer.slice(0, 12)} as it ended the stream`;
  throw new MeshError({ code: "closed", message });
}

function refusal(code: "malformed" | "signature", why: string): MembershipError {
  return new MembershipError({ code, message: `Cannot take a frame about journals as ${why}` });
}
