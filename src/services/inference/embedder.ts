/**
 * Embeddings of texts, by a model that is an encoder.
 *
 * Texts are computed a few at a time, so that no request holds the executor for long. Requests wait
 * in a line of their own, as long as that of generation; who does not fit in is refused ("busy").
 */
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { encodeBase64 } from "./base64.ts";
import type { InferenceConfig } from "./config.ts";
import { engineFailure, stopping } from "./engine_failure.ts";
import { embedTokensMax } from "./limits.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { checkModel, checkTokens } from "./prompt.ts";
import type { Embeddings, EmbedParams } from "./schemas.ts";
import { Slots } from "./slots.ts";

/** The journal's name of the event. */
export const embeddedEvent = "inference.embedded";

/** What an embedder works with. */
export interface EmbedderOptions {
  readonly config: InferenceConfig;
  readonly host: Host;
  readonly model: LoadedModel;
}

/** Computes embeddings for many callers. */
export class Embedder {
  readonly #options: EmbedderOptions;
  readonly #slots: Slots;
  readonly #forced = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #texts;
  readonly #tokens;
  #draining = false;

  constructor(options: EmbedderOptions) {
    this.#options = options;
    const { metrics } = options.host;
    this.#slots = new Slots(options.config, () => {});
    this.#texts = metrics.counter({
      name: "inference_embedded_texts_total",
      help: "Texts whose embeddings were computed",
    });
    this.#tokens = metrics.counter({
      name: "inference_embedded_tokens_total",
      help: "Tokens of these texts",
    });
  }

  /**
   * The embeddings of texts.
   *
   * @throws {RpcError} "notFound", "invalidParams", "busy", "unavailable", "cancelled", "internal"
   */
  async embed(params: EmbedParams, caller: AbortSignal): Promise<Embeddings> {
    if (this.#draining) throw stopping();
    const texts = this.#prepare(params);
    const signal = AbortSignal.any([caller, this.#forced.signal]);
    const ticket = this.#slots.enter(signal);
    const computed = this.#compute(texts, { admitted: ticket.admitted, signal });
    this.#running.add(computed);
    try {
      const rows = await computed;
      return this.#finish(params, texts, rows);
    } catch (thrown) {
      throw this.#toRpcError(thrown, signal);
    } finally {
      this.#running.delete(computed);
      ticket.leave();
    }
  }

  /** Refuses new requests, lets the others finish within `drainMs`, then ends them. */
  async drain(drainMs: number): Promise<void> {
    this.#draining = true;
    const timer = this.#options.host.clock.after(drainMs, () => this.#forced.abort());
    await Promise.allSettled(this.#running);
    timer.cancel();
  }

  /** All that can refuse a request before it costs anything. */
  #prepare({ model: name, texts, dimensions }: EmbedParams): Uint32Array[] {
    const { model } = this.#options;
    const { shape } = model.executor;
    checkModel(name, model);
    if (shape.family.pooling === undefined) {
      throw invalid("model", `Cannot embed with ${JSON.stringify(name)} as it is no encoder`);
    }
    if (dimensions !== undefined && dimensions !== shape.width) {
      throw invalid(
        "dimensions",
        `Cannot give ${dimensions} dimensions as the model's embeddings have ${shape.width}: leave it out`,
      );
    }
    return texts.map((text, index) => this.#tokensOf(text, index));
  }

  #tokensOf(text: EmbedParams["texts"][number], index: number): Uint32Array {
    const { model } = this.#options;
    const { tokenizer } = model;
    if (typeof text !== "string") checkTokens(text, model);
    const tokens = typeof text === "string"
      ? tokenizer.encode(text, { addEos: tokenizer.addEos })
      : Uint32Array.from(text);
    if (tokens.length > 0 && tokens.length <= model.contextMax) return tokens;
    throw new RpcError({
      kind: "invalidParams",
      message: `Cannot embed text ${index} as it must have 1 to ${model.contextMax} tokens: ` +
        `it has ${tokens.length}`,
      data: { field: "texts", code: "context_length_exceeded" },
    });
  }

  async #compute(
    texts: readonly Uint32Array[],
    { admitted, signal }: { readonly admitted: Promise<void>; readonly signal: AbortSignal },
  ): Promise<Float32Array[]> {
    await admitted;
    const { executor } = this.#options.model;
    const rows: Float32Array[] = [];
    for (const group of groupsOf(texts)) {
      signal.throwIfAborted();
      rows.push(await executor.encode(group, signal));
    }
    return rows;
  }

  async #finish(
    params: EmbedParams,
    texts: readonly Uint32Array[],
    rows: readonly Float32Array[],
  ): Promise<Embeddings> {
    const { host, model } = this.#options;
    const promptTokens = texts.reduce((sum, tokens) => sum + tokens.length, 0);
    this.#texts.add(texts.length);
    this.#tokens.add(promptTokens);
    const body = {
      model: model.id,
      fingerprint: model.fingerprint,
      texts: texts.length,
      promptTokens,
    };
    await host.journal.append({ chi: embeddedEvent, rid: params.requestId, body });
    const { width } = model.executor.shape;
    const each = rows.flatMap((group) =>
      Array.from(
        { length: group.length / width },
        (_, i) => group.subarray(i * width, (i + 1) * width),
      )
    );
    return { model: model.id, embeddings: each.map(encodeFloats), promptTokens };
  }

  #toRpcError(thrown: unknown, signal: AbortSignal): RpcError {
    if (thrown instanceof RpcError) return thrown;
    if (this.#forced.signal.aborted) return stopping();
    if (signal.aborted) {
      return new RpcError({
        kind: "cancelled",
        message: "Cannot go on with the request as its caller has gone",
      });
    }
    this.#options.host.log.error("A request failed", { thrown });
    return engineFailure(thrown);
  }
}

/** Texts that are computed together; others get their turn in between. */
function* groupsOf(texts: readonly Uint32Array[]): Generator<Uint32Array[]> {
  let group: Uint32Array[] = [];
  let tokens = 0;
  for (const text of texts) {
    if (group.length > 0 && tokens + text.length > embedTokensMax) {
      yield group;
      group = [];
      tokens = 0;
    }
    group.push(text);
    tokens += text.length;
  }
  yield group;
}

/** f32, little endian, in base64. */
function encodeFloats(values: Float32Array): string {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => view.setFloat32(at * 4, value, true));
  return encodeBase64(bytes);
}

function invalid(field: string, message: string): RpcError {
  return new RpcError({ kind: "invalidParams", message, data: { field } });
}
