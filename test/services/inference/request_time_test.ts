// Goal: a request that takes too long ends by itself, and says so. Method: an engine that never
// answers, behind the real service.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError } from "../../../src/kernel/mod.ts";
import { wasmEngine } from "../../../src/services/inference/mod.ts";
import type { Engine } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";

test("A request ends as late when its time is over, and what computes for it was told when", async () => {
  const dues: (number | undefined)[] = [];
  const engine: Engine = {
    ...wasmEngine,
    load: async (options) => {
      const executor = await wasmEngine.load(options);
      const openSession = executor.openSession.bind(executor);
      executor.openSession = (given) => {
        dues.push(given?.dueMs);
        return openSession(given);
      };
      executor.step = (_entries, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason as Error));
        });
      return executor;
    },
  };
  const node = await startTestNode({ engine, inference: { requestMsMax: 50 } });
  const params = {
    requestId: "r1",
    model: "stories260K",
    prompt: { kind: "text", text: "Once upon a time" },
    maxTokens: 8,
  };
  const asked = performance.now();
  await assert.rejects(
    Array.fromAsync(node.kernel.stream("inference", "generate", { params })),
    (thrown) =>
      thrown instanceof RpcError && thrown.kind === "deadline" && /50 ms/.test(thrown.message),
  );
  const [dueMs = NaN] = dues;
  // Timers may be early by less than a millisecond.
  assert.ok(dueMs >= asked + 50 && dueMs <= performance.now() + 1, `${dueMs} of ${asked}`);
  const ended = 'skep_inference_requests_total{outcome="deadline"}';
  await node.until("it is counted", async () => await node.metric(ended) === 1);
  await node.stop();
});
