/**
 * The real engine with another `step`, for tests of what goes wrong while computing.
 */
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { wasmEngine } from "../../src/services/inference/mod.ts";
import type { Engine } from "../../src/services/inference/mod.ts";

/** `step` is called in place of the executor's, which it gets as its first argument. */
export function engineWithStep(
  step: (
    executor: ModelExecutor,
    ...call: Parameters<ModelExecutor["step"]>
  ) => Promise<Float32Array>,
): Engine {
  return {
    ...wasmEngine,
    load: async (options): Promise<ModelExecutor> => {
      const executor = await wasmEngine.load(options);
      return {
        shape: executor.shape,
        numericClass: executor.numericClass,
        contextMax: executor.contextMax,
        layers: executor.layers,
        threadCount: executor.threadCount,
        closed: executor.closed,
        openSession: (options) => executor.openSession(options),
        embed: (tokens) => executor.embed(tokens),
        forward: (...call) => executor.forward(...call),
        head: (...call) => executor.head(...call),
        step: (...call) => step(executor, ...call),
        encode: (...call) => executor.encode(...call),
        prefixCounters: () => executor.prefixCounters(),
        pages: () => executor.pages(),
        close: () => executor.close(),
      };
    },
  };
}
