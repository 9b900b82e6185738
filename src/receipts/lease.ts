/**
 * Has the stages of an answer that is being made sign for it from time to time: a lease that is
 * renewed. Each renewal's statements replace those before; where a stage is gone when the answer is
 * complete, its last one stands in, and says how far it goes.
 */
import type { Timer } from "../ports/mod.ts";
import { signatureOf } from "./collect.ts";
import type { CollectOptions } from "./collect.ts";
import { openStageStatement } from "./stage_statement.ts";
import type { StageStatement } from "./stage_statement.ts";

/** Where an answer is. */
export interface AnswerPlace {
  readonly session: string;
  /** Who computes it, in the order of the layers. */
  readonly peers: readonly string[];
  /** The position after the last one that is the answer's for good. */
  readonly to: number;
  /** Digest of the opening that statements are to be about. */
  readonly opening: string;
}

/** What a lease works with. */
export interface AnswerLeaseOptions extends CollectOptions {
  /** 64 hexadecimal digits, of this request alone. */
  readonly request: string;
  /** Where the answer is now; undefined while nobody computes it. */
  readonly place: () => AnswerPlace | undefined;
  /** How often stages sign. @default 60 s */
  readonly renewMs?: number;
  /** Told of each renewal: who signed, and who did not. */
  readonly onRenewed?: (renewal: { readonly signed: number; readonly missed: number }) => void;
}

const renewMsDefault = 60_000;

/** The lease of one answer. */
export class AnswerLease {
  readonly #options: AnswerLeaseOptions;
  /** Statements of `#session`'s stages, by the stage's key. */
  readonly #statements = new Map<string, string>();
  #session: string | undefined;
  #to = 0;
  #timer: Timer | undefined;
  #isOver = false;

  /** Renews from now on, until `end`. */
  constructor(options: AnswerLeaseOptions) {
    this.#options = options;
    this.#wait();
  }

  /** What stages of a session have signed at its last renewal that they answered, by their key. */
  statements(session: string): ReadonlyMap<string, string> {
    return session === this.#session ? this.#statements : new Map();
  }

  /** Renews no more; harmless when called twice. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    const { clock, renewMs = renewMsDefault } = this.#options;
    if (this.#isOver) return;
    this.#timer = clock.after(renewMs, () => void this.#renew().finally(() => this.#wait()));
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    const place = this.#options.place();
    if (place === undefined) return;
    if (place.session !== this.#session) this.#statements.clear();
    else if (place.to === this.#to) return;
    this.#session = place.session;
    this.#to = place.to;
    const signed = await Promise.all(place.peers.map((peer) => this.#ask(peer, place)));
    const missed = signed.filter((one) => one === undefined).length;
    for (const [i, peer] of place.peers.entries()) {
      const one = signed[i];
      if (one !== undefined) this.#statements.set(peer, one);
    }
    this.#options.onRenewed?.({ signed: signed.length - missed, missed });
  }

  /** A stage's statement; undefined where it has none to give, as while it is being replaced. */
  async #ask(peer: string, { session, to, opening }: AnswerPlace): Promise<string | undefined> {
    const { request } = this.#options;
    try {
      const ask = { kind: "sign", session, request, to } as const;
      const signed = await signatureOf(peer, { ask, options: this.#options });
      return isAbout(openStageStatement(signed), { peer, opening, to }) ? signed : undefined;
    } catch {
      // The next renewal asks again, and so does the end of the answer, which says why not.
      return undefined;
    }
  }
}

function isAbout(
  { stage, opening, positions }: StageStatement,
  asked: { readonly peer: string; readonly opening: string; readonly to: number },
): boolean {
  return stage === asked.peer && opening === asked.opening && positions.to === asked.to;
}
