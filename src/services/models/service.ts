/**
 * The service "models": what this node can answer with, at a socket of its own. It asks "inference",
 * which holds the model.
 */
import * as v from "valibot";
import { implement } from "../../kernel/mod.ts";
import type { Host, Service } from "../../kernel/mod.ts";
import { modelsContract } from "../inference/mod.ts";
import type { ModelEntry, ModelInfo } from "../inference/mod.ts";

/** The service. */
export const modelsService: Service = {
  name: "models",
  description: "Lists and describes the models that this node answers for.",
  config: v.strictObject({}),
  needs: ["inference"],
  critical: false,
  run: (_config, host) => run(host),
};

async function run(host: Host): Promise<void> {
  await host.serve(implement(modelsContract, {
    // The answers are of the same contract at the other service.
    "models.list": async (params, { signal }) =>
      await host.call("inference", "models.list", params, signal) as readonly ModelEntry[],
    "models.info": async (params, { signal }) =>
      await host.call("inference", "models.info", params, signal) as ModelInfo,
  }));
  host.ready();
  await new Promise<void>((resolve) => {
    if (host.signal.aborted) resolve();
    host.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
