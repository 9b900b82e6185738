/**
 * Says hello over a fresh stream, in either role, and tells what came of it. It ends in a verified
 * hello, or in a refusal that the other has been told, or in a broken stream.
 */
import {
  commonVersion,
  greetingFrame,
  helloFrame,
  MembershipError,
  openHello,
  parseHelloFrame,
  verdictFrame,
} from "../../mesh/mod.ts";
import type { Hello, HelloFrame } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { MeshStream, PeerKey } from "../../ports/mod.ts";

/** What a hello is said with. */
export interface HelloExchange {
  readonly stream: MeshStream;
  /** The stream's frames, of which the exchange takes the first ones. */
  readonly frames: AsyncIterator<Uint8Array>;
  readonly self: PeerKey;
  readonly mesh: PeerKey;
  /** Versions that this node speaks. */
  readonly versions: readonly number[];
  /** 64 hex digits, fresh. */
  readonly nonce: string;
  /** Unix milliseconds, asked when the other's hello is looked at. */
  readonly nowMs: () => number;
  /** What this node says of itself, now. */
  readonly say: () => Promise<
    Omit<Hello, "version" | "to" | "nonce" | "mesh" | "signedAtMs" | "key">
  >;
  readonly sign: (purpose: string, bytes: Uint8Array) => Promise<Uint8Array>;
  /** Called with a verified hello, before the other learns so; throws to refuse. */
  readonly onVerified: (hello: Hello) => void | Promise<void>;
}

/** A refusal that the other side has spoken, not this one. */
export class RefusedByPeer extends MembershipError {}

/**
 * Exchanges hellos.
 *
 * @returns the other's hello, once both have said that they take it
 * @throws {MembershipError} when this node refuses (the other has been told), or {RefusedByPeer}
 * @throws {MeshError} "closed" when the stream ends before
 */
export async function exchangeHello(exchange: HelloExchange): Promise<Hello> {
  try {
    return await converse(exchange);
  } catch (thrown) {
    if (thrown instanceof MembershipError && !(thrown instanceof RefusedByPeer)) {
      const { code, message } = thrown;
      const sentence = message.slice(0, 400).toWellFormed();
      trySend(exchange.stream, verdictFrame({ ok: false, code, sentence }));
    }
    throw thrown;
  }
}

async function converse(exchange: HelloExchange): Promise<Hello> {
  const { stream, self, mesh, versions, nonce } = exchange;
  stream.send(greetingFrame({ versions: [...versions], nonce }));
  const first = await next(exchange);
  if (first.kind !== "greeting") throw unexpected(first.kind);
  const version = commonVersion(versions, first.greeting.versions);
  const said = {
    ...await exchange.say(),
    ...{ key: self, to: stream.peer, nonce: first.greeting.nonce, mesh, version },
    signedAtMs: exchange.nowMs(),
  };
  stream.send(await helloFrame(said, exchange.sign));
  const second = await next(exchange);
  if (second.kind !== "hello") throw unexpected(second.kind);
  const nowMs = exchange.nowMs();
  const expected = { from: stream.peer, to: self, nonce, mesh, version, nowMs };
  const hello = openHello(second.bytes, expected);
  await exchange.onVerified(hello);
  stream.send(verdictFrame({ ok: true }));
  const third = await next(exchange);
  if (third.kind !== "verdict") throw unexpected(third.kind);
  return hello;
}

/** The next frame; a refusal is thrown. */
async function next({ frames, stream }: HelloExchange): Promise<HelloFrame> {
  const { done, value } = await frames.next();
  if (done === true) {
    const message = `Cannot say hello to ${stream.peer.slice(0, 12)} as it ended the stream`;
    throw new MeshError({ code: "closed", message });
  }
  const frame = parseHelloFrame(value);
  if (frame.kind !== "verdict" || frame.verdict.ok) return frame;
  const { code, sentence } = frame.verdict;
  throw new RefusedByPeer({ code, message: sentence });
}

function unexpected(kind: string): MembershipError {
  return new MembershipError({
    code: "malformed",
    message: `Cannot go on with hello as a ${kind} is not due`,
  });
}

function trySend(stream: MeshStream, frame: Uint8Array): void {
  try {
    stream.send(frame);
  } catch {
    // It is broken; there is nobody to tell.
  }
}
