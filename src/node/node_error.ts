/** Why a node could not start, or stopped by itself; each code has an exit status of its own kind. */
import type { Violation } from "./violation.ts";

/**
 * The kinds: `config` (nothing was created), `unknown-service` (one was named that the node hasn't),
 * `already-running` (somebody else holds the state), `unsupported` (this platform or release cannot do
 * it), `port-taken` (somebody else listens there), `paths`, `identity`, `store`, `journal`,
 * `runtime-file`, `service` (the step that failed; what came before was undone), `stopped-itself` (a
 * critical service of a running node failed for good).
 */
export type NodeErrorCode =
  | "config"
  | "unknown-service"
  | "already-running"
  | "unsupported"
  | "paths"
  | "identity"
  | "store"
  | "journal"
  | "runtime-file"
  | "port-taken"
  | "service"
  | "stopped-itself";

/** A node that did not start, or that stopped by itself. */
export class NodeError extends Error {
  override readonly name = "NodeError";
  /** The kind of failure. */
  readonly code: NodeErrorCode;
  /** Every violation of the configuration, when `code` is "config"; otherwise empty. */
  readonly violations: readonly Violation[];

  /** @param options `message` is one sentence; `cause` is what the failing step threw */
  constructor(
    options: {
      readonly code: NodeErrorCode;
      readonly message: string;
      readonly violations?: readonly Violation[];
      readonly cause?: unknown;
    },
  ) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.violations = options.violations ?? [];
  }

  /** Turns what a boot step threw into a `NodeError` of `code`; one that already is stays itself. */
  static from(thrown: unknown, step: { code: NodeErrorCode; doing: string }): NodeError {
    if (thrown instanceof NodeError) return thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const doing = `Cannot ${step.doing}`;
    return new NodeError({
      code: step.code,
      // Some areas begin with the very same words.
      message: reason.startsWith(doing) ? reason : `${doing}: ${reason}`,
      cause: thrown,
    });
  }
}
