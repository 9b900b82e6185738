/**
 * What the journal keeps of a request: figures, and salted digests of prompt and answer. The text
 * itself is never kept; who has the text can show that it is the one.
 */
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { encodeHex } from "../../hot/mod.ts";
import type { Random } from "../../ports/mod.ts";
import type { PreparedRequest } from "./prompt.ts";
import type { LoadedModel } from "./loaded_model.ts";
import type { Outcome } from "./meters.ts";

/** The journal's name of the event. */
export const doneEvent = "inference.done";

/** The event's body. */
export interface DoneBody {
  readonly model: string;
  readonly fingerprint: string;
  readonly finish: Outcome;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Below 2^53. */
  readonly seed: number;
  /** 16 bytes in hexadecimal, drawn for this request. */
  readonly salt: string;
  /** sha256(salt bytes, UTF-8 of the rendered prompt), hexadecimal. */
  readonly promptDigest: string;
  /** sha256(salt bytes, UTF-8 of the answer as far as it was given), hexadecimal. */
  readonly outputDigest: string;
}

/** Gathers what the event needs while a request runs. */
export class RequestRecord {
  readonly #request: PreparedRequest;
  readonly #model: LoadedModel;
  readonly #salt: Uint8Array;
  readonly #output: Hash;
  completionTokens = 0;
  /** How it ended; "cancelled" until something else is known. */
  outcome: Outcome = "cancelled";

  constructor(request: PreparedRequest, options: { model: LoadedModel; random: Random }) {
    this.#request = request;
    this.#model = options.model;
    this.#salt = options.random.fill(new Uint8Array(16));
    this.#output = createHash("sha256").update(this.#salt);
  }

  /** Text that went to the caller. */
  addText(text: string): void {
    this.#output.update(text);
  }

  /** The body of the event; call once, at the end. */
  body(): DoneBody {
    const prompt = createHash("sha256").update(this.#salt).update(this.#request.promptText);
    return {
      model: this.#model.id,
      fingerprint: this.#model.fingerprint,
      finish: this.outcome,
      promptTokens: this.#request.promptTokens.length,
      completionTokens: this.completionTokens,
      seed: this.#request.seed,
      salt: encodeHex(this.#salt),
      promptDigest: prompt.digest("hex"),
      outputDigest: this.#output.digest("hex"),
    };
  }
}
