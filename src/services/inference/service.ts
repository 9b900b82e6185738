/**
 * The service "inference": owns the executor of one model and answers for it.
 *
 * It is ready when the model is loaded; progress is on the bus meanwhile. When the executor breaks,
 * its requests fail and so does the service, which loads the model again when the supervisor starts
 * it anew. It knows nothing of HTTP.
 */
import type * as v from "valibot";
import { implement } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import { Closing } from "./closing.ts";
import { inferenceContract } from "./contract.ts";
import { inferenceConfig } from "./config.ts";
import type { InferenceConfig } from "./config.ts";
import { Embedder } from "./embedder.ts";
import { wasmEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { Generator } from "./generator.ts";
import { loadModel, modelEntry, modelInfo } from "./loaded_model.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { checkModel, checkTokens } from "./prompt.ts";

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
  options: { readonly host: Host; readonly engine: Engine },
): Promise<void> {
  const { host } = options;
  const model = await loadModel(config, options);
  try {
    const closing = new Closing(host);
    const generator = new Generator({ config, ...options, model, closing });
    const embedder = new Embedder({ config, host, model, closing });
    const idle = (): Promise<unknown> => Promise.all([generator.idle(), embedder.idle()]);
    await host.serve(methodsOf({ model, generator, embedder }));
    host.log.info("Model loaded", { model: model.id, contextMax: model.contextMax });
    host.ready();
    const broken = await Promise.race([aborted(host.signal), model.executor.closed]);
    if (broken === undefined) return await closing.drain(config.drainMs, idle);
    generator.broken();
    closing.break(broken);
    await idle();
    throw broken;
  } finally {
    model.executor.close();
  }
}

interface Parts {
  readonly model: LoadedModel;
  readonly generator: Generator;
  readonly embedder: Embedder;
}

function methodsOf({ model, generator, embedder }: Parts): Methods {
  return implement(inferenceContract, {
    "models.list": () => Promise.resolve([modelEntry(model)]),
    "models.info": (params) => {
      checkModel(params.model, model);
      return Promise.resolve(modelInfo(model));
    },
    "generate": (params, context) => generator.generate(params, context.signal),
    "embed": (params, context) => embedder.embed(params, context.signal),
    "tokenize": ({ model: name = model.id, text, addBos, parseSpecial }) => {
      checkModel(name, model);
      const encoding = addBos === undefined ? { parseSpecial } : { parseSpecial, addBos };
      return Promise.resolve({ tokens: [...model.tokenizer.encode(text, encoding)] });
    },
    "detokenize": ({ model: name = model.id, tokens }) => {
      checkModel(name, model);
      checkTokens(tokens, model);
      return Promise.resolve({ text: model.tokenizer.decode(tokens) });
    },
  });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
