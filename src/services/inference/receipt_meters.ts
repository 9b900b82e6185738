/** Metrics of the receipts that this node makes, and of the leaves that it keeps for others. */
import type { Metrics } from "../../kernel/mod.ts";
import type { LeafStoreCounters, ReceiptWitness } from "../../receipts/mod.ts";

/** What happens to receipts. */
export type ReceiptMeterEvent = "made" | "missed" | "renewed" | "unrenewed" | "refused";

/** Why leaves that should have been kept are not. */
const dropped = ["evicted", "damaged", "unkept", "forgotten", "lapsed", "unrecorded"] as const;

/** The meters. */
export class ReceiptMeters {
  readonly #events: ReturnType<Metrics["counter"]>;
  readonly #bytes: ReturnType<Metrics["gauge"]>;
  readonly #dropped: ReturnType<Metrics["counter"]>;
  #counted: Partial<Record<(typeof dropped)[number], number>> = {};

  constructor(metrics: Metrics) {
    this.#events = metrics.counter({
      name: "inference_receipts_total",
      help: "Receipts: made for answers, missed; stages' statements renewed meanwhile, or not; " +
        "signatures and leaves refused to others",
      labels: ["event"],
    });
    this.#bytes = metrics.gauge({
      name: "inference_receipt_leaves_bytes",
      help: "Bytes on disk of the leaves of what this node has signed for.",
    });
    this.#dropped = metrics.counter({
      name: "inference_receipt_leaves_dropped_total",
      help: "Sessions whose leaves are not kept for a day, by reason.",
      labels: ["reason"],
    });
  }

  event(event: ReceiptMeterEvent, count = 1): void {
    this.#events.add(count, { event });
  }

  /** Notes what was counted so far. */
  leaves(kept: LeafStoreCounters, recorded: ReturnType<ReceiptWitness["counters"]>): void {
    this.#bytes.set(kept.bytes);
    const counted = { ...kept, ...recorded };
    for (const reason of dropped) {
      const more = counted[reason] - (this.#counted[reason] ?? 0);
      if (more > 0) this.#dropped.add(more, { reason });
    }
    this.#counted = counted;
  }
}
