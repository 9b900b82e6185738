/** What `skep up` prints once its node is ready, in the terminal as in the background. */
import type { NodeStatus } from "../node/mod.ts";
import { banner } from "./_banner.ts";
import { missingLayers } from "./_missing_layers.ts";
import { modelOf } from "./_chat_client.ts";
import type { ServedModel } from "./_chat_client.ts";
import type { CliIo } from "./cli_io.ts";
import { sentenceOf } from "./exit_code.ts";

/**
 * Asks the node for its model and prints the banner. Never rejects: a node that is ready does not
 * depend on its greeting. Nothing is printed once `signal` aborts, as the node is on its way down.
 */
export async function greet(
  io: CliIo,
  about: {
    readonly status: NodeStatus;
    readonly logFile?: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { signal } = about;
  const baseUrl = about.status.addresses["api"];
  let model: ServedModel | undefined;
  let modelUnknown: string | undefined;
  let missing: readonly number[] = [];
  try {
    signal.throwIfAborted();
    if (baseUrl !== undefined) {
      model = await modelOf({ network: io.network, baseUrl, signal });
      const control = about.status.addresses["control"];
      if (control !== undefined) {
        missing = await missingLayers(io, { control, model: model.id, signal });
      }
    }
  } catch (thrown) {
    if (signal.aborted) return;
    modelUnknown = sentenceOf(thrown);
  }
  io.stdout.write(banner(io, { ...about, model, modelUnknown, missing }));
}
