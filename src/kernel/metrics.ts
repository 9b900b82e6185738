/**
 * A node's metrics over a prom-client registry of its own; the process-wide one is never touched.
 *
 * Names get the prefix "skep_". Asking twice for a metric gives the same one; asking for it with
 * another type, help or labels is a mistake of the caller.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Labels, MetricOptions, Metrics } from "./service.ts";

/** The prefix of every name. */
export const METRIC_PREFIX = "skep_";

/** Label values of one metric; further combinations are counted and dropped. */
const SERIES_MAX = 1_000;

const METRIC_NAME = /^[a-z][a-z0-9_]*$/;

/** A node's metrics, plus gauges that are read when they are asked for. */
export interface NodeMetrics extends Metrics {
  /** Calls `refresh` before each exposition; it sets gauges and must not throw. */
  onExpose(refresh: () => void): void;
}

interface Made {
  readonly identity: string;
  readonly metric: unknown;
}

/** Makes an empty set of metrics. */
export function createMetrics(): NodeMetrics {
  return new PromMetrics();
}

class PromMetrics implements NodeMetrics {
  readonly #registry = new Registry();
  readonly #made = new Map<string, Made>();
  readonly #refreshers: (() => void)[] = [];
  readonly #dropped: Counter;

  constructor() {
    const registers = [this.#registry];
    this.#dropped = new Counter({
      name: `${METRIC_PREFIX}metric_series_dropped_total`,
      help: `Samples that were dropped as their metric has ${SERIES_MAX} series already.`,
      registers,
    });
  }

  counter(options: MetricOptions): ReturnType<Metrics["counter"]> {
    return this.#once("counter", options, (base) => {
      const counter = new Counter({ ...base, registers: [this.#registry] });
      const admit = this.#bound();
      return {
        add: (amount = 1, labels: Labels = {}): void => {
          if (admit(labels)) counter.inc({ ...labels }, amount);
        },
      };
    });
  }

  gauge(options: MetricOptions): ReturnType<Metrics["gauge"]> {
    return this.#once("gauge", options, (base) => {
      const gauge = new Gauge({ ...base, registers: [this.#registry] });
      const admit = this.#bound();
      return {
        set: (value: number, labels: Labels = {}): void => {
          if (admit(labels)) gauge.set({ ...labels }, value);
        },
      };
    });
  }

  histogram(
    options: MetricOptions & { readonly buckets: readonly number[] },
  ): ReturnType<Metrics["histogram"]> {
    const buckets = [...options.buckets];
    return this.#once(`histogram ${buckets.join(" ")}`, options, (base) => {
      const histogram = new Histogram({ ...base, buckets, registers: [this.#registry] });
      const admit = this.#bound();
      return {
        observe: (value: number, labels: Labels = {}): void => {
          if (admit(labels)) histogram.observe({ ...labels }, value);
        },
      };
    });
  }

  onExpose(refresh: () => void): void {
    this.#refreshers.push(refresh);
  }

  async expose(): Promise<{ contentType: string; text: string }> {
    for (const refresh of this.#refreshers) refresh();
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #once<M>(
    type: string,
    options: MetricOptions,
    make: (base: { name: string; help: string; labelNames: string[] }) => M,
  ): M {
    const { name, help, labels = [] } = options;
    const identity = JSON.stringify([type, help, labels]);
    const made = this.#made.get(name);
    if (made?.identity === identity) return made.metric as M;
    if (made !== undefined) {
      throw new TypeError(
        `Cannot make metric "${name}" as it exists with another type, help or labels`,
      );
    }
    if (!METRIC_NAME.test(name)) {
      throw new TypeError(
        `Cannot make a metric as its name must be in snake_case: current value is "${name}"`,
      );
    }
    const metric = make({ name: METRIC_PREFIX + name, help, labelNames: [...labels] });
    this.#made.set(name, { identity, metric });
    return metric;
  }

  /** Admits samples of up to SERIES_MAX different label values. */
  #bound(): (labels: Labels) => boolean {
    const seen = new Set<string>();
    return (labels) => {
      const series = JSON.stringify(Object.entries(labels).sort());
      if (seen.has(series)) return true;
      if (seen.size >= SERIES_MAX) {
        this.#dropped.inc();
        return false;
      }
      seen.add(series);
      return true;
    };
  }
}
