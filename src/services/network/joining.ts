/** Both sides of `/skep/join/1`: asking to be let in with a ticket, and letting in. */
import {
  joinAcceptedFrame,
  joinProtocol,
  joinRefusedFrame,
  joinRequestFrame,
  MembershipError,
  parseJoinAnswer,
  parseJoinRequest,
} from "../../mesh/mod.ts";
import type { Ticket } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { Clock, MeshNetwork, MeshStream, PeerKey } from "../../ports/mod.ts";

/** How long either side waits for the other, in milliseconds. */
const answerMsMax = 15_000;

/** How often the issuer is asked, and the pause after the first time; each one after is longer by it. */
const attemptsMax = 3;
const pauseMs = 500;

/**
 * Asks the ticket's issuer to be let in.
 *
 * @returns the signed roster, still to be verified
 * @throws {MembershipError} the issuer's refusal
 * @throws {MeshError} when it can't be reached
 */
export async function askToJoin(
  ticket: Ticket,
  parts: {
    readonly mesh: Pick<MeshNetwork, "dial" | "open">;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  const { mesh, clock } = parts;
  const limit = new AbortController();
  const timer = clock.after(answerMsMax, () => {
    limit.abort(
      new MeshError({
        code: "unreachable",
        message: `Cannot join as the issuer does not answer within ${answerMsMax} ms at ${
          ticket.addresses.join(", ") || "any address"
        }`,
      }),
    );
  });
  const signal = AbortSignal.any([parts.signal, limit.signal]);
  try {
    for (let attempt = 1;; attempt++) {
      try {
        return await askOnce(ticket, { mesh, signal });
      } catch (thrown) {
        signal.throwIfAborted();
        if (!mayHaveBroken(thrown) || attempt === attemptsMax) throw thrown;
        await clock.sleep(attempt * pauseMs, signal);
      }
    }
  } catch (thrown) {
    limit.signal.throwIfAborted();
    if (thrown instanceof MeshError && thrown.code === "refused") throw notLetNear(thrown);
    throw thrown;
  } finally {
    timer.cancel();
  }
}

/** A link that breaks in its handshake looks like one that is refused, and asking again costs nothing. */
function mayHaveBroken(thrown: unknown): boolean {
  return thrown instanceof MeshError && (thrown.code === "refused" || thrown.code === "closed");
}

async function askOnce(
  ticket: Ticket,
  { mesh, signal }: {
    readonly mesh: Pick<MeshNetwork, "dial" | "open">;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  await mesh.dial(ticket.issuer, { addresses: ticket.addresses, signal });
  const stream = await mesh.open(ticket.issuer, joinProtocol, signal);
  signal.addEventListener("abort", () => stream.reset(), { once: true });
  try {
    stream.send(joinRequestFrame(ticket.secret));
    const { done, value } = await stream.frames[Symbol.asyncIterator]().next();
    signal.throwIfAborted();
    if (done !== true) return parseJoinAnswer(value);
    throw new MeshError({
      code: "closed",
      message: "Cannot join as the issuer ended the stream without an answer",
    });
  } finally {
    void stream.close().catch(() => {});
  }
}

function notLetNear(cause: MeshError): MembershipError {
  return new MembershipError({
    code: "invitation-unknown",
    message:
      "Cannot join as the issuer has no open invitation: the ticket was used, has expired, or this node was removed; ask for a new one",
    cause,
  });
}

/**
 * Answers one who asks to be let in.
 *
 * @param parts `redeem` gives the signed roster that names the asker, or throws a refusal
 * @returns the refusal that the asker got
 */
export async function answerJoin(
  stream: MeshStream,
  parts: {
    readonly clock: Clock;
    readonly redeem: (secret: Uint8Array, by: PeerKey) => Promise<Uint8Array>;
  },
): Promise<MembershipError | undefined> {
  const timer = parts.clock.after(answerMsMax, () => stream.reset());
  try {
    const { done, value } = await stream.frames[Symbol.asyncIterator]().next();
    if (done === true) return undefined;
    stream.send(joinAcceptedFrame(await parts.redeem(parseJoinRequest(value), stream.peer)));
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof MembershipError)) throw thrown;
    stream.send(joinRefusedFrame(thrown));
    return thrown;
  } finally {
    timer.cancel();
    await stream.close().catch(() => {});
  }
}
