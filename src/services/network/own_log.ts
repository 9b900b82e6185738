/** This node's journal, as its journal service tells of it; nothing where that one does not run. */
import * as v from "valibot";
import type { SignedLogHead } from "../../journal/mod.ts";
import { logHeadSchema } from "../../mesh/mod.ts";
import type { LogAnswer } from "../../mesh/mod.ts";
import type { Host } from "../../kernel/mod.ts";

const proofSchema = v.object({ proof: v.nullable(v.array(v.string())) });
const statusSchema = v.object({ seq: v.number() });

/** The node's own journal. */
export class OwnLog {
  readonly #host: Pick<Host, "call" | "log">;
  /** Answers are made one after the other: each may read old days. */
  #answering: Promise<unknown> = Promise.resolve();

  constructor(host: Pick<Host, "call" | "log">) {
    this.#host = host;
  }

  /** Its head, freshly signed; null while there is none to be had. */
  async head(): Promise<SignedLogHead | null> {
    try {
      return v.parse(logHeadSchema, await this.#call("journal.head"));
    } catch (why) {
      this.#host.log.debug("The journal has no head to show", { why: String(why) });
      return null;
    }
  }

  /** Events that it has acknowledged; 0 while that is not known. */
  async size(): Promise<number> {
    try {
      return v.parse(statusSchema, await this.#call("journal.status")).seq;
    } catch {
      return 0;
    }
  }

  /** Its head, and proof for each head of before that it contains it. @throws {RpcError} */
  answer(known: readonly SignedLogHead[]): Promise<LogAnswer> {
    const answer = this.#answering.then(async () => {
      const head = v.parse(logHeadSchema, await this.#call("journal.head"));
      const proofs: (string[] | null)[] = [];
      for (const { size } of known) {
        if (size > head.size) proofs.push(null);
        else {
          const params = { kind: "consistency", boundary: size, size: head.size };
          proofs.push(v.parse(proofSchema, await this.#call("journal.prove", params)).proof);
        }
      }
      return { head, proofs };
    });
    this.#answering = answer.catch(() => {});
    return answer;
  }

  #call(method: string, params: unknown = {}): Promise<unknown> {
    return this.#host.call("journal", method, params);
  }
}
