/**
 * The service "inference": owns the executor of one model, or of some of its layers, and answers for
 * it and for the models of the mesh. Its layers compute for other nodes too.
 *
 * It is ready when the model is loaded; progress is on the bus meanwhile. When the executor breaks,
 * its requests fail and so does the service, which loads the model again when the supervisor starts
 * it anew. It knows nothing of HTTP.
 */
import type * as v from "valibot";
import { implement } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import { inferenceContract } from "./contract.ts";
import { inferenceConfig } from "./config.ts";
import type { InferenceConfig } from "./config.ts";
import { wasmEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { loadModel } from "./loaded_model.ts";
import { modelInfo } from "./model_info.ts";
import { ModelTable } from "./model_table.ts";
import { checkTokens } from "./prompt.ts";
import type { GenerateItem } from "./schemas.ts";
import { StageDesk } from "./stage_desk.ts";

/**
 * Makes the service.
 *
 * @param options `engine` replaces the WASM engine, for tests
 */
export function createInferenceService(
  options: { readonly engine?: Engine } = {},
): Service<InferenceConfig> {
  const engine = options.engine ?? wasmEngine;
  return {
    name: "inference",
    description: "Generates text with one model.",
    config: inferenceConfig as v.GenericSchema<unknown, InferenceConfig>,
    needs: [],
    critical: true,
    run: (config, host) => run(config, { host, engine }),
  };
}

async function run(
  config: InferenceConfig,
  { host, engine }: { readonly host: Host; readonly engine: Engine },
): Promise<void> {
  const desk = new StageDesk(host, { ...config, memoryFree: engine.memoryFree });
  const following = desk.follow();
  try {
    const model = await loadModel(config, { host, engine, desk });
    const table = new ModelTable({ config, host, engine, desk, model });
    try {
      await serve(config, { host, desk, table });
    } finally {
      desk.leave();
      await table.close();
    }
  } finally {
    desk.close();
    await following;
  }
}

async function serve(
  config: InferenceConfig,
  { host, desk, table }: {
    readonly host: Host;
    readonly desk: StageDesk;
    readonly table: ModelTable;
  },
): Promise<void> {
  const { primary: { model, generator }, closing } = table;
  desk.freeSlots = () => generator.freeSlots;
  await host.serve(methodsOf(table, desk));
  host.log.info("Model loaded", { model: model.id, contextMax: model.contextMax });
  host.ready();
  void desk.serveModel(model);
  const broken = await Promise.race([aborted(host.signal), model.own?.closed]);
  if (broken === undefined) {
    desk.leave();
    return await closing.drain(config.drainMs, () => table.idle());
  }
  generator.broken();
  closing.break(broken);
  await table.idle();
  throw broken;
}

function methodsOf(table: ModelTable, desk: StageDesk): Methods {
  const { id } = table.primary.model;
  return implement(inferenceContract, {
    "models.list": () => table.list(),
    "models.info": async (params) => {
      const { model } = await table.find(params.model);
      const layerMs = params.measure && model.own !== undefined
        ? await desk.layerMs(model.own)
        : undefined;
      return modelInfo(model, layerMs);
    },
    "generate": async function* (params, context): AsyncGenerator<GenerateItem> {
      const { generator } = await table.findWhole(params.model);
      yield* generator.generate(params, context.signal);
    },
    "embed": async (params, context) => {
      const { embedder } = await table.findWhole(params.model);
      return await embedder.embed(params, context.signal);
    },
    "tokenize": async ({ model: name = id, text, addBos, parseSpecial }) => {
      const { model } = await table.find(name);
      const encoding = addBos === undefined ? { parseSpecial } : { parseSpecial, addBos };
      return { tokens: [...model.tokenizer.encode(text, encoding)] };
    },
    "detokenize": async ({ model: name = id, tokens }) => {
      const { model } = await table.find(name);
      checkTokens(tokens, model);
      return { text: model.tokenizer.decode(tokens) };
    },
    "receipts.leaves": (params, { signal }) => desk.receipts.leaves(params, signal),
  });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
