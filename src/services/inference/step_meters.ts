/**
 * What is measured of steps, of the prefix cache and of speculation. The names are part of
 * docs/API.md.
 */
import type { ModelExecutor, PrefixCounters } from "../../engine/mod.ts";
import type { Metrics } from "../../kernel/mod.ts";
import type { StepReport } from "./batcher.ts";
import { batchBuckets, stepSecondsBuckets } from "./limits.ts";

type Counter = ReturnType<Metrics["counter"]>;
type Gauge = ReturnType<Metrics["gauge"]>;
type Histogram = ReturnType<Metrics["histogram"]>;

const noPrefixes: PrefixCounters = {
  hitPositions: 0,
  askedPositions: 0,
  heldPages: 0,
  evictedPages: 0,
};

/** The figures of one executor's steps. */
export class StepMeters {
  readonly #sequences: Histogram;
  readonly #seconds: Histogram;
  readonly #rows: Counter;
  readonly #preempted: Counter;
  readonly #broken: Counter;
  readonly #drafted: Counter;
  readonly #accepted: Counter;
  readonly #pagesUsed: Gauge;
  readonly #pagesTotal: Gauge;
  readonly #prefixPages: Gauge;
  readonly #prefixHits: Counter;
  readonly #prefixAsked: Counter;
  readonly #prefixEvicted: Counter;
  #prefixes = noPrefixes;

  constructor(metrics: Metrics) {
    const counter = (name: string, help: string, labels: readonly string[] = []): Counter =>
      metrics.counter({ name: `inference_${name}`, help, labels });
    const gauge = (name: string, help: string): Gauge =>
      metrics.gauge({ name: `inference_${name}`, help });
    this.#sequences = metrics.histogram({
      name: "inference_step_sequences",
      help: "Sequences that shared a step",
      buckets: batchBuckets,
    });
    this.#seconds = metrics.histogram({
      name: "inference_step_seconds",
      help: "Time of a step",
      buckets: stepSecondsBuckets,
    });
    this.#rows = counter("rows_total", "Rows of steps: of prompts, or decoding", ["kind"]);
    this.#preempted = counter(
      "preempted_total",
      "Sequences that gave their pages back to others and were computed again later",
    );
    this.#broken = counter(
      "executor_failures_total",
      "Executors that broke down and were replaced",
    );
    this.#drafted = counter("drafted_tokens_total", "Tokens that were guessed and computed");
    this.#accepted = counter("accepted_tokens_total", "Guessed tokens that were right");
    this.#pagesUsed = gauge("kv_pages_used", "Pages of the attention cache in use");
    this.#pagesTotal = gauge("kv_pages", "Pages of the attention cache in all");
    this.#prefixPages = gauge("prefix_pages", "Pages that are kept of earlier requests");
    this.#prefixHits = counter("prefix_hit_tokens_total", "Tokens that were found computed");
    this.#prefixAsked = counter("prefix_asked_tokens_total", "Tokens that were looked for");
    this.#prefixEvicted = counter("prefix_evicted_pages_total", "Kept pages given up for room");
  }

  /** A step that was computed. */
  step({ sequences, decodingRows, promptRows, ms }: StepReport): void {
    this.#sequences.observe(sequences);
    this.#seconds.observe(ms / 1000);
    if (decodingRows > 0) this.#rows.add(decodingRows, { kind: "decoding" });
    if (promptRows > 0) this.#rows.add(promptRows, { kind: "prompt" });
  }

  /** A sequence that lost its pages. */
  preempted(): void {
    this.#preempted.add(1);
  }

  /** An executor that can compute no more. */
  broken(): void {
    this.#broken.add(1);
  }

  /** A draft that has come to an end. */
  drafted(drafted: number, accepted: number): void {
    this.#drafted.add(drafted);
    this.#accepted.add(accepted);
  }

  /** Pages of the attention cache and what is known of prefixes. */
  pages(executor: ModelExecutor): void {
    const { used, total } = executor.pages();
    this.#pagesUsed.set(used);
    this.#pagesTotal.set(total);
    const [before, now] = [this.#prefixes, executor.prefixCounters()];
    this.#prefixes = now;
    this.#prefixPages.set(now.heldPages);
    this.#prefixHits.add(now.hitPositions - before.hitPositions);
    this.#prefixAsked.add(now.askedPositions - before.askedPositions);
    this.#prefixEvicted.add(now.evictedPages - before.evictedPages);
  }
}
