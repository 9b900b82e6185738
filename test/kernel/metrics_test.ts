/** Metrics: one registry a node, the prefix, the same metric twice, and bounded series. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { register } from "prom-client";
import { createMetrics } from "../../src/kernel/mod.ts";

test("metrics are exposed with the prefix and never reach the process-wide registry", async () => {
  const metrics = createMetrics();
  metrics.counter({ name: "done_total", help: "Done.", labels: ["kind"] }).add(2, { kind: "a" });
  metrics.gauge({ name: "depth", help: "Deep." }).set(-1.5);
  metrics.histogram({ name: "took_seconds", help: "Took.", buckets: [1, 2] }).observe(1.5);
  const { contentType, text } = await metrics.expose();
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  assert.match(text, /# HELP skep_done_total Done\.\n# TYPE skep_done_total counter/);
  assert.match(text, /skep_done_total\{kind="a"\} 2/);
  assert.match(text, /skep_depth -1\.5/);
  assert.match(text, /skep_took_seconds_bucket\{le="1"\} 0/);
  assert.match(text, /skep_took_seconds_bucket\{le="2"\} 1/);
  assert.equal((await register.getMetricsAsJSON()).length, 0);
});

test("asking twice gives the same metric; asking differently is a mistake", async () => {
  const metrics = createMetrics();
  const options = { name: "n_total", help: "N." };
  metrics.counter(options).add();
  metrics.counter({ ...options }).add();
  assert.match((await metrics.expose()).text, /skep_n_total 2/);
  assert.throws(() => metrics.gauge(options), TypeError);
  assert.throws(() => metrics.counter({ ...options, help: "Other." }), TypeError);
  assert.throws(() => metrics.counter({ ...options, labels: ["a"] }), TypeError);
  assert.throws(() => metrics.counter({ name: "Bad-Name", help: "B." }), TypeError);
});

test("a label that takes any value can't make any number of series", async () => {
  const metrics = createMetrics();
  const counter = metrics.counter({ name: "c_total", help: "C.", labels: ["who"] });
  for (let i = 0; i < 1_500; i++) counter.add(1, { who: String(i) });
  counter.add(1, { who: "3" });
  const { text } = await metrics.expose();
  assert.equal(text.match(/skep_c_total\{/g)?.length, 1_000);
  assert.match(text, /skep_c_total\{who="3"\} 2/);
  assert.match(text, /skep_metric_series_dropped_total 500/);
});

test("onExpose() refreshes gauges just before they are read", async () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge({ name: "now", help: "Now." });
  let value = 0;
  metrics.onExpose(() => gauge.set(++value));
  assert.match((await metrics.expose()).text, /skep_now 1/);
  assert.match((await metrics.expose()).text, /skep_now 2/);
});
