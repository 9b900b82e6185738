/**
 * Requests on one model: admission, the loop, and the books kept of each request.
 *
 * A request is counted once, whatever becomes of it; its slot and its pages are given back when its
 * stream ends, however it ends.
 */
import type { Host } from "../../kernel/mod.ts";
import { Batcher } from "./batcher.ts";
import type { Closing } from "./closing.ts";
import type { InferenceConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { generateText } from "./generation.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { Meters, outcomeOf } from "./meters.ts";
import { prepareRequest } from "./prompt.ts";
import type { PreparedRequest } from "./prompt.ts";
import { doneEvent, RequestRecord } from "./record.ts";
import { RequestTime } from "./request_time.ts";
import type { AnsweredRequest, ReceiptDesk } from "./receipt_desk.ts";
import { penalises, samplerOptions } from "./sampling.ts";
import type { GenerateItem, GenerateParams } from "./schemas.ts";
import { Sequence } from "./sequence.ts";
import { Slots } from "./slots.ts";
import { StepMeters } from "./step_meters.ts";
import type { Ticket } from "./slots.ts";

/** What a generator works with. */
export interface GeneratorOptions {
  readonly config: InferenceConfig;
  readonly host: Host;
  readonly engine: Engine;
  readonly model: LoadedModel;
  readonly closing: Closing;
  /** Makes receipts of answers; none are made without it. */
  readonly receipts?: ReceiptDesk;
}

/** Generates text for many callers. */
export class Generator {
  readonly #options: GeneratorOptions;
  readonly #meters: Meters;
  readonly #stepMeters: StepMeters;
  readonly #slots: Slots;
  readonly #batcher: Batcher;
  /** Journal writes under way; awaited by `idle`. */
  readonly #writes = new Set<Promise<void>>();
  #whenIdle: (() => void) | undefined;

  constructor(options: GeneratorOptions) {
    const { config, host, model } = options;
    this.#options = options;
    this.#meters = new Meters(host, config.slots);
    this.#stepMeters = new StepMeters(host.metrics);
    this.#stepMeters.pages(model.executor);
    this.#batcher = new Batcher({
      executor: model.executor,
      clock: host.clock,
      promptChunk: config.promptChunk,
      isLayered: model.spread === undefined,
      onStep: (step) => this.#stepMeters.step(step),
      onPages: () => this.#stepMeters.pages(model.executor),
      onPreempted: () => this.#stepMeters.preempted(),
    });
    this.#slots = new Slots(config, (load) => {
      this.#meters.load(load);
      if (load.active === 0 && load.waiting === 0) this.#whenIdle?.();
    });
  }

  /**
   * Streams one request.
   *
   * @throws {RpcError} "busy", "unavailable", "invalidParams", "notFound", "cancelled", "internal"
   */
  async *generate(params: GenerateParams, caller: AbortSignal): AsyncGenerator<GenerateItem> {
    const { host, model, config, closing } = this.#options;
    const time = new RequestTime(host.clock, config.requestMsMax);
    const signal = AbortSignal.any([caller, closing.signal, time.signal]);
    const { request, ticket } = this.#admit(params, { signal, time });
    const record = new RequestRecord(request, { model, random: host.random });
    const receipt = this.#options.receipts?.newId(model);
    const { dueMs } = time;
    const items = this.#answer(request, { record, signal, dueMs, ticket, receipt });
    // Closing takes effect at once while the caller holds an item, and else at the next layer.
    const end = once(() => {
      items.return(undefined).catch(() => {});
      ticket.leave();
      time.end();
      this.#meters.ended(record.outcome);
      this.#keep(request, record);
    });
    let held = false;
    const onAbort = (): void => void (held && end());
    signal.addEventListener("abort", onAbort);
    try {
      for await (const item of items) {
        if (item.type === "text") record.addText(item.text);
        if (item.type === "end") record.outcome = item.finishReason;
        held = true;
        yield item.type === "end" ? this.#withRoute(item) : item;
        held = false;
      }
      if (record.outcome === "cancelled") throw this.#options.closing.failure(undefined, signal);
    } catch (thrown) {
      const error = this.#options.closing.failure(thrown, signal);
      record.outcome = outcomeOf(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      end();
    }
  }

  /** Says who computed what, where it was not this node alone. */
  #withRoute(item: GenerateItem & { readonly type: "end" }): GenerateItem {
    const { spread } = this.#options.model;
    if (spread === undefined) return item;
    return { ...item, route: spread.route.map(({ peer, from, to }) => ({ peer, from, to })) };
  }

  /** Waits until no request is left and all have been journalled. */
  async idle(): Promise<void> {
    const { active, waiting } = this.#slots.load;
    if (active + waiting > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await Promise.all(this.#writes);
  }

  /** Requests that it would take now. */
  get freeSlots(): number {
    const { config: { slots, queueMax } } = this.#options;
    const { active, waiting } = this.#slots.load;
    return Math.max(0, slots + queueMax - active - waiting);
  }

  /** Whether nothing is asked of it. */
  get isIdle(): boolean {
    const { active, waiting } = this.#slots.load;
    return active + waiting === 0;
  }

  /** Counts that the executor broke. */
  broken(): void {
    this.#stepMeters.broken();
  }

  /** All that can refuse a request before it costs anything. */
  #admit(
    params: GenerateParams,
    { signal, time }: { readonly signal: AbortSignal; readonly time: RequestTime },
  ): { readonly request: PreparedRequest; readonly ticket: Ticket } {
    try {
      this.#options.closing.assertOpen();
      const request = prepareRequest(params, {
        model: this.#options.model,
        clock: this.#options.host.clock,
        random: this.#options.host.random,
        maxTokensDefault: this.#options.config.maxTokens,
      });
      return { request, ticket: this.#slots.enter(signal) };
    } catch (thrown) {
      time.end();
      const error = this.#options.closing.failure(thrown, signal);
      this.#meters.ended(outcomeOf(error));
      throw error;
    }
  }

  async *#answer(request: PreparedRequest, context: AnswerContext): AsyncGenerator<GenerateItem> {
    const { model } = this.#options;
    yield {
      type: "start",
      model: model.id,
      fingerprint: model.fingerprint,
      promptTokens: request.promptTokens.length,
      seed: request.seed,
      ...(context.receipt === undefined ? {} : { receipt: context.receipt }),
      ...(request.constraint?.toolFormat === undefined
        ? {}
        : { toolFormat: request.constraint.toolFormat }),
    };
    await context.ticket.admitted;
    yield* this.#compute(request, context);
  }

  async *#compute(request: PreparedRequest, context: AnswerContext): AsyncGenerator<GenerateItem> {
    const { promptTokens } = request;
    if (request.maxTokens === 0) {
      const usage = { promptTokens: promptTokens.length, cachedTokens: 0, completionTokens: 0 };
      yield { type: "end", finishReason: "length", usage, tokens: [] };
      return;
    }
    const { config, engine, model: { contextMax, executor, tokenizer } } = this.#options;
    this.#meters.begun({ promptTokens: promptTokens.length });
    const watch = this.#meters.tokenWatch();
    const sequence = new Sequence({
      batcher: this.#batcher,
      speculate: config.speculate,
      contextMax,
      signal: context.signal,
      dueMs: context.dueMs,
      onDrafted: (drafted, accepted) => this.#stepMeters.drafted(drafted, accepted),
    });
    const outputTokens: number[] = [];
    const lease = this.#leaseOf(request, { context, sequence });
    try {
      const items = generateText({
        ...request,
        sequence,
        tokenizer,
        sampler: engine.createSampler(samplerOptions(request, executor.shape.vocabularySize)),
        penalises: penalises(request),
        onToken: () => {
          context.record.completionTokens++;
          watch();
        },
      });
      for await (const item of items) {
        if (item.type !== "start") outputTokens.push(...item.tokens);
        if (item.type === "end") {
          this.#takeReceipt(request, { context, sequence, outputTokens, lease });
        }
        yield item;
      }
    } finally {
      lease?.end();
      sequence.close();
    }
  }

  /** Has the answer signed for while it is made. */
  #leaseOf(
    { promptTokens }: PreparedRequest,
    { context: { receipt: id, record }, sequence }: {
      readonly context: AnswerContext;
      readonly sequence: Sequence;
    },
  ): AnsweredRequest["lease"] {
    const { receipts, model } = this.#options;
    if (id === undefined) return undefined;
    return receipts?.lease({
      ...{ id, model, promptTokens: promptTokens.length },
      outputTokens: () => record.completionTokens,
      session: () => sequence.session,
    });
  }

  #takeReceipt(
    request: PreparedRequest,
    { context: { receipt: id }, sequence, outputTokens, lease }: {
      readonly context: AnswerContext;
      readonly sequence: Sequence;
      readonly outputTokens: readonly number[];
      readonly lease: AnsweredRequest["lease"];
    },
  ): void {
    const { receipts, model } = this.#options;
    if (receipts === undefined || id === undefined) return;
    const { session } = sequence;
    const write = receipts.take({ id, request, model, outputTokens, session, lease })
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }

  #keep(request: PreparedRequest, record: RequestRecord): void {
    const { journal, log } = this.#options.host;
    const body = record.body();
    const write = journal.append({ chi: doneEvent, rid: request.id, body }).then(
      () => {},
      (thrown: unknown) =>
        log.error("Cannot journal a finished request", { rid: request.id, thrown }),
    ).finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }
}

interface AnswerContext {
  readonly record: RequestRecord;
  readonly signal: AbortSignal;
  readonly dueMs: number;
  readonly ticket: Ticket;
  readonly receipt: string | undefined;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
