/** Says what was found about journals: to the bus, the log, the metrics, and this node's own journal. */
import type { SignedLogHead } from "../../journal/mod.ts";
import type { LogEvidence, LogFinding } from "../../mesh/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { NetworkEvent } from "./contract.ts";
import { hidOfKey, randomHex } from "./keys.ts";

/** Conflicts of this node's own journal that are told of, at most; each is counted. */
const conflictsMax = 8;

/** What reports are made with. */
export interface LogReportsParts {
  readonly host: Pick<Host, "metrics" | "log" | "journal" | "random">;
  readonly tell: (event: Omit<NetworkEvent, "atMs">) => void;
}

type Counter = ReturnType<Host["metrics"]["counter"]>;

/** Reports for one node. */
export class LogReports {
  readonly #parts: LogReportsParts;
  readonly #heads: Counter;
  readonly #forks: Counter;
  readonly #shrinks: Counter;
  readonly #conflicts: Counter;
  readonly #told = new Set<string>();

  constructor(parts: LogReportsParts) {
    this.#parts = parts;
    const { metrics } = parts.host;
    this.#heads = metrics.counter({
      name: "mesh_log_heads_total",
      help: "Heads of other nodes' journals, by what came of them.",
      labels: ["result"],
    });
    this.#forks = metrics.counter({
      name: "mesh_log_forks_total",
      help: "Heads that show that a peer's journal has another past than it had.",
    });
    this.#shrinks = metrics.counter({
      name: "mesh_log_shrinks_total",
      help: "Answers that show that a peer's journal was cut or restored.",
    });
    this.#conflicts = metrics.counter({
      name: "mesh_log_own_conflicts_total",
      help: "Heads that this node has signed and its journal does not contain.",
    });
    for (const counter of [this.#forks, this.#shrinks, this.#conflicts]) counter.add(0);
  }

  /** Counts a head. */
  count(result: LogFinding["kind"] | "first"): void {
    this.#heads.add(1, { result });
    if (result === "fork") this.#forks.add(1);
    if (result === "shrink") this.#shrinks.add(1);
  }

  /** A peer's journal is not what it was: both signed heads go into this node's own. */
  blamed(key: PeerKey, { kind, earlier, later, why }: LogEvidence): void {
    const { host: { log }, tell } = this.#parts;
    log.error("A peer's journal is not what it was", { peer: key, kind, why });
    tell({ kind: `log-${kind}`, key, detail: why });
    this.#journal(`mesh.log-${kind}`, { key, author: hidOfKey(key), earlier, later, why });
  }

  /** A peer can't show any more that its journal contains what it had. */
  unproved(key: PeerKey, sizes: { readonly known: number; readonly size: number }): void {
    const detail = `${sizes.known} to ${sizes.size} events: what the proof takes was removed`;
    this.#parts.host.log.warn("A peer's journal is unproved", { peer: key, ...sizes });
    this.#parts.tell({ kind: "log-unproved", key, detail });
  }

  /** A peer knows a head that this node has signed and its journal does not contain. */
  ownConflict(
    peer: PeerKey,
    about: {
      readonly known: SignedLogHead;
      readonly head: SignedLogHead;
      readonly kind: "fork" | "shrink";
    },
  ): void {
    const { known, head, kind } = about;
    this.#conflicts.add(1);
    const name = `${kind} ${known.size} ${known.root}`;
    if (this.#told.has(name) || this.#told.size >= conflictsMax) return;
    this.#told.add(name);
    const why = kind === "shrink"
      ? `it had ${known.size} events and has ${head.size}: it was cut, or restored from a copy`
      : `its ${head.size} events are others than the ${known.size} that it had: a copy went on`;
    this.#parts.host.log.error("This node's journal is not what a peer knows", { peer, why });
    this.#parts.tell({ kind: "log-behind", key: peer, detail: why });
    this.#journal("mesh.log-behind", { key: peer, known, head, why });
  }

  #journal(chi: string, body: Readonly<Record<string, unknown>>): void {
    const { host } = this.#parts;
    host.journal.append({ chi, rid: randomHex(host.random, 8), body }).catch((error) => {
      host.log.error("What was found about a journal was not journalled", { chi, error });
    });
  }
}
