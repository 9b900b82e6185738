import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelExecutor } from "../../../src/engine/mod.ts";
import { createMetrics } from "../../../src/kernel/metrics.ts";
import { StepMeters } from "../../../src/services/inference/step_meters.ts";

async function samples(metrics: ReturnType<typeof createMetrics>): Promise<Map<string, number>> {
  const { text } = await metrics.expose();
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
      const [name = "", value] = line.split(" ");
      return [name, Number(value)];
    }),
  );
}

/** Only what the meters ask for. */
function executorWith(hitPositions: number, heldPages: number): ModelExecutor {
  return {
    pages: () => ({ used: 3, total: 10, pageBytes: 1 }),
    prefixCounters: () => ({ hitPositions, askedPositions: 100, heldPages, evictedPages: 1 }),
  } as Partial<ModelExecutor> as ModelExecutor;
}

test("StepMeters counts an executor's totals once, and goes on with the next executor's", async () => {
  const metrics = createMetrics();
  const meters = new StepMeters(metrics);
  meters.pages(executorWith(32, 4));
  meters.pages(executorWith(96, 5));
  const known = await samples(metrics);
  assert.equal(known.get("skep_inference_prefix_hit_tokens_total"), 96);
  assert.equal(known.get("skep_inference_prefix_asked_tokens_total"), 100);
  assert.equal(known.get("skep_inference_prefix_pages"), 5);
  assert.equal(known.get("skep_inference_prefix_evicted_pages_total"), 1);
  assert.equal(known.get("skep_inference_kv_pages_used"), 3);
  new StepMeters(metrics).pages(executorWith(32, 1));
  assert.equal((await samples(metrics)).get("skep_inference_prefix_hit_tokens_total"), 128);
});

test("StepMeters tells rows of prompts and of answers apart, and drafts that were right", async () => {
  const metrics = createMetrics();
  const meters = new StepMeters(metrics);
  meters.step({ sequences: 3, decodingRows: 2, promptRows: 40, ms: 20 });
  meters.step({ sequences: 2, decodingRows: 2, promptRows: 0, ms: 10 });
  meters.drafted(7, 3);
  const known = await samples(metrics);
  assert.equal(known.get('skep_inference_rows_total{kind="prompt"}'), 40);
  assert.equal(known.get('skep_inference_rows_total{kind="decoding"}'), 4);
  assert.equal(known.get("skep_inference_step_seconds_count"), 2);
  assert.equal(known.get("skep_inference_drafted_tokens_total"), 7);
  assert.equal(known.get("skep_inference_accepted_tokens_total"), 3);
});
