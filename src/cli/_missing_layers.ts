/** Which layers of its own model a node that has just started can have nobody compute. */
import { dirname } from "node:path";
import type { PlacementPlans } from "../services/placement/mod.ts";
import { openService } from "./_service_sockets.ts";
import type { CliIo } from "./cli_io.ts";

/** What members say that they compute takes a moment to arrive: so often, and so far apart, it asks. */
const triesMax = 5;
const retryMs = 300;

/**
 * Asks a node for its plan of a model.
 *
 * @param about `control`: the path of the socket of its control service
 * @returns layers in ascending order; none where all are computed, or nothing is known of it
 * @throws the signal's reason when it aborts
 */
export async function missingLayers(
  io: CliIo,
  { control, model, signal }: {
    readonly control: string;
    readonly model: string;
    readonly signal: AbortSignal;
  },
): Promise<readonly number[]> {
  const at = { sockets: dirname(dirname(control)), name: "placement" };
  // A node without the service, or with a model that no other may know, has no plan.
  const connection = await openService(io, at).catch(() => undefined);
  if (connection === undefined) return [];
  try {
    for (let tries = 1;; tries++) {
      // A node of this release answers with this shape, as its own tests show.
      const answer = await connection.call("placement.plan", { model }, signal)
        .catch(() => undefined) as PlacementPlans | undefined;
      signal.throwIfAborted();
      const [plan] = answer?.plans ?? [];
      const missing = plan === undefined || plan.stages !== null ? [] : plan.missing;
      if (missing.length === 0 || tries === triesMax) return missing;
      await io.clock.sleep(retryMs, signal);
    }
  } finally {
    connection.close();
  }
}
