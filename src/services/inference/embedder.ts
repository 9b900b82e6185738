/**
 * Embeddings of texts, by a model that is an encoder.
 *
 * Texts are computed a few at a time, so that no request holds the executor for long. Requests wait
 * in a line of their own, as long as that of generation; who does not fit in is refused ("busy").
 */
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { encodeBase64 } from "./base64.ts";
import type { Closing } from "./closing.ts";
import type { InferenceConfig } from "./config.ts";
import { embedTokensMax } from "./limits.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { outcomeOf } from "./meters.ts";
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
  readonly closing: Closing;
}

/** Computes embeddings for many callers. */
export class Embedder {
  readonly #options: EmbedderOptions;
  readonly #slots: Slots;
  readonly #running = new Set<Promise<Embeddings>>();
  readonly #requests;
  readonly #texts;
  readonly #tokens;

  constructor(options: EmbedderOptions) {
    this.#options = options;
    const { metrics } = options.host;
    const queue = metrics.gauge({
      name: "inference_embed_queue_depth",
      help: "Requests for embeddings that wait for their turn",
    });
    this.#slots = new Slots(options.config, ({ waiting }) => queue.set(waiting));
    this.#requests = metrics.counter({
      name: "inference_embed_requests_total",
      help: "Requests for embeddings, by how they ended",
      labels: ["outcome"],
    });
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
    const { closing } = this.#options;
    const signal = AbortSignal.any([caller, closing.signal]);
    try {
      const embeddings = await this.#run(params, signal);
      this.#requests.add(1, { outcome: "done" });
      return embeddings;
    } catch (thrown) {
      const error = closing.failure(thrown, signal);
      this.#requests.add(1, { outcome: outcomeOf(error) });
      throw error;
    }
  }

  /** Waits until no request is left. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #run(params: EmbedParams, signal: AbortSignal): Promise<Embeddings> {
    this.#options.closing.assertOpen();
    const texts = this.#prepare(params);
    const ticket = this.#slots.enter(signal);
    const answered = this.#compute(texts, { admitted: ticket.admitted, signal })
      .then((rows) => this.#finish(params, texts, rows));
    this.#running.add(answered);
    try {
      return await answered;
    } finally {
      this.#running.delete(answered);
      ticket.leave();
    }
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
