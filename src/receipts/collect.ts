/**
 * Makes the receipt of an answer: has every stage sign for what it computed, and signs for the rest.
 */
import type { Clock, MeshNetwork } from "../ports/mod.ts";
import { ReceiptError } from "./errors.ts";
import { openReceipt, positionsOf } from "./receipt.ts";
import type { Receipt } from "./receipt.ts";
import { answerSchema, decodeJsonFrame, encodeFrame, receiptProtocol } from "./receipt_frames.ts";
import type { ReceiptAnswer, ReceiptAsk } from "./receipt_frames.ts";
import type { StatementSigner } from "./signing.ts";
import { stagesDigest } from "./stage_statement.ts";
import { signStatement } from "./statement.ts";
import type { RequestStatement } from "./statement.ts";
import { commitmentsOf } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";
import type { ReceiptWitness } from "./witness.ts";

/** What an answer was, and how it was asked for. */
export interface AnswerFacts {
  /** 64 hexadecimal digits, drawn for this request alone. */
  readonly request: string;
  readonly payer: string;
  readonly root: string;
  readonly numericClass: string;
  readonly layerCount: number;
  readonly transcript: Transcript;
  readonly seed: number;
  readonly sampling: RequestStatement["sampling"];
  readonly maxTokens: number;
  readonly contextMax: number;
  /** The session and who computed it, in the order of the layers; undefined for one node alone. */
  readonly stages?:
    | {
      readonly session: string;
      readonly peers: readonly string[];
      /** What stages have signed before, by their key: it stands in for who is gone. */
      readonly renewed?: ReadonlyMap<string, string>;
    }
    | undefined;
}

/** What collecting needs. */
export interface CollectOptions {
  /** Signs with this node's key. */
  readonly signer: StatementSigner;
  readonly clock: Clock;
  readonly mesh: MeshNetwork;
  /** Signs for this node's own stage. */
  readonly witness: ReceiptWitness;
  /** How long stages have to answer. @default 10 s */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const timeoutMsDefault = 10_000;

/**
 * Collects the stages' statements and signs the requester's. What comes back holds together: a stage
 * that signs for something else is named in the error.
 *
 * @throws {ReceiptError} "refused" when a stage does not sign, "mismatch", "signature", "malformed"
 * @throws {MeshError} when a stage can't be reached
 */
export async function collectReceipt(
  facts: AnswerFacts,
  options: CollectOptions,
): Promise<Receipt> {
  const { signer, clock, mesh } = options;
  const { transcript, stages } = facts;
  const counts = {
    promptTokens: transcript.promptTokens.length,
    outputTokens: transcript.outputTokens.length,
  };
  const to = positionsOf(counts);
  const signed = stages === undefined ? [] : await Promise.all(
    stages.peers.map(async (peer) => {
      const ask = { kind: "sign", session: stages.session, request: facts.request, to } as const;
      try {
        return await signatureOf(peer, { ask, options });
      } catch (thrown) {
        const before = stages.renewed?.get(peer);
        if (before === undefined) throw thrown;
        return before;
      }
    }),
  );
  const statement: RequestStatement = {
    kind: "skep-request/2",
    request: facts.request,
    requester: mesh.self,
    payer: facts.payer,
    root: facts.root,
    class: facts.numericClass,
    session: stages?.session ?? null,
    ...counts,
    ...commitmentsOf(transcript),
    seed: facts.seed,
    sampling: facts.sampling,
    maxTokens: facts.maxTokens,
    contextMax: facts.contextMax,
    stages: stagesDigest(signed),
    signedAtMs: clock.nowMs(),
  };
  const request = await signStatement(statement, signer);
  const receipt: Receipt = { kind: "skep-receipt/2", request, stages: signed };
  openReceipt(receipt, facts.layerCount);
  return receipt;
}

/**
 * Asks a stage something.
 *
 * @throws {ReceiptError} "refused", "malformed"; {MeshError}; the signal's reason
 */
export async function askStage(
  peer: string,
  ask: ReceiptAsk,
  options: Pick<CollectOptions, "mesh" | "clock" | "timeoutMs" | "signal">,
): Promise<Exclude<ReceiptAnswer, { kind: "refused" }>> {
  const { mesh, clock, timeoutMs = timeoutMsDefault, signal } = options;
  const stop = new AbortController();
  const timer = clock.after(timeoutMs, () =>
    stop.abort(
      new ReceiptError({
        code: "refused",
        message: `Cannot wait for ${peer.slice(0, 12)} to sign`,
      }),
    ));
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  try {
    const stream = await mesh.open(peer, receiptProtocol, ended);
    const onAbort = (): void => stream.reset();
    ended.addEventListener("abort", onAbort, { once: true });
    try {
      stream.send(encodeFrame(ask));
      for await (const bytes of stream.frames) return accepted(bytes, peer);
    } finally {
      ended.removeEventListener("abort", onAbort);
      stream.close().catch(() => stream.reset());
    }
    ended.throwIfAborted();
    throw new ReceiptError({
      code: "refused",
      message: `Cannot have ${peer.slice(0, 12)} sign as it ended the stream`,
    });
  } finally {
    timer.cancel();
  }
}

function accepted(
  bytes: Uint8Array,
  peer: string,
): Exclude<ReceiptAnswer, { kind: "refused" }> {
  const answer = decodeJsonFrame(answerSchema, bytes);
  if (answer.kind !== "refused") return answer;
  throw new ReceiptError({
    code: "refused",
    message: `Stage ${peer.slice(0, 12)} does not vouch: ${answer.why}`,
  });
}

/**
 * Has a stage sign.
 *
 * @throws {ReceiptError} "refused", "malformed"; {MeshError}; the signal's reason
 */
export async function signatureOf(
  peer: string,
  { ask, options }: {
    readonly ask: Extract<ReceiptAsk, { kind: "sign" }>;
    readonly options: CollectOptions;
  },
): Promise<string> {
  const { witness, mesh } = options;
  if (peer === mesh.self) return await witness.sign(ask, peer);
  const answer = await askStage(peer, ask, options);
  if (answer.kind === "signed") return answer.signed;
  throw new ReceiptError({
    code: "malformed",
    message: `Cannot take what ${peer.slice(0, 12)} answered as it is no signature`,
  });
}
