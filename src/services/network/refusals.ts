/** What was refused, by name: counted, told to the bus, and logged without letting anybody flood it. */
import { MembershipError, refusalCodes } from "../../mesh/mod.ts";
import type { RefusalCode } from "../../mesh/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { NetworkEvent } from "./contract.ts";

/** Between two log lines about one kind of refusal: 10 s. */
const logPauseMs = 10_000;

/** Counts refusals. */
export class Refusals {
  readonly #host: Pick<Host, "clock" | "log">;
  readonly #tell: (event: Omit<NetworkEvent, "atMs">) => void;
  readonly #counter: ReturnType<Host["metrics"]["counter"]>;
  readonly #counts = new Map<RefusalCode, number>();
  readonly #loggedMs = new Map<RefusalCode, number>();

  /** @param tell gets an event for each refusal that is logged */
  constructor(
    host: Pick<Host, "clock" | "log" | "metrics">,
    tell: (event: Omit<NetworkEvent, "atMs">) => void,
  ) {
    this.#host = host;
    this.#tell = tell;
    this.#counter = host.metrics.counter({
      name: "mesh_refusals_total",
      help: "What was refused to peers of the mesh, by name.",
      labels: ["reason"],
    });
    for (const reason of refusalCodes) this.#counter.add(0, { reason });
  }

  /** Counts by name, those that happened. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Counts one. */
  count(code: RefusalCode, about: { readonly key?: PeerKey; readonly sentence: string }): void {
    const { key, sentence } = about;
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    this.#counter.add(1, { reason: code });
    const nowMs = this.#host.clock.monotonicMs();
    if (nowMs - (this.#loggedMs.get(code) ?? -Infinity) < logPauseMs) return;
    this.#loggedMs.set(code, nowMs);
    const peer = key === undefined ? {} : { peer: key };
    this.#host.log.warn("Refused a peer", { reason: code, ...peer, sentence });
    this.#tell({ kind: "refused", detail: `${code}: ${sentence}`, ...(key ? { key } : {}) });
  }

  /** Counts what was thrown, if it is a refusal. @returns the refusal that a peer may see */
  take(thrown: unknown, key: PeerKey): MembershipError | undefined {
    if (!(thrown instanceof MembershipError)) return undefined;
    this.count(thrown.code, { key, sentence: thrown.message });
    return thrown;
  }
}
