// Goal: the same request with the same seed gives the same tokens, whatever else the node does and
// however it is set up. Method: the real engine; one set of requests, alone and together, cold and
// warm, with one thread and two, with and without speculation and small chunks.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type * as v from "valibot";
import type { GenerateItem, inferenceConfig } from "../../../src/services/inference/mod.ts";
import { isLong } from "../../_long.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const text = "Once upon a time there was a little girl named Lily. She liked to play with her ";

/** Its longest text has some 60 characters. */
const schema = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 12, maxLength: 16 },
    age: { type: "integer", minimum: -5, maximum: 120 },
    likes: { type: "array", items: { enum: ["dogs", "ball", 1.5] }, minItems: 1, maxItems: 2 },
  },
  required: ["name", "age", "likes"],
  additionalProperties: false,
};

/**
 * Eight requests: greedy and drawn, with penalties and without, one that repeats itself; two are held
 * to a schema.
 */
const requests = Array.from({ length: 8 }, (_, i) => ({
  prompt: { kind: "text", text: text.repeat(1 + i % 2) + ["red ball", "dog", "mom"][i % 3] },
  ...(i % 4 === 1 ? { maxTokens: 80, format: { kind: "schema", schema } } : { maxTokens: 40 + i }),
  seed: 1000 + i,
  sampling: [
    { temperature: 0 },
    { temperature: 1, topP: 0.9 },
    { temperature: 0.8, repeatPenalty: 1.2, frequencyPenalty: 0.3 },
    { temperature: 0, presencePenalty: 0.5 },
  ][i % 4],
}));

/** Of the eight answers' tokens. */
const digest = "940f75c25139dbc7146dd7cce6236bf003eb099c53b93a2f271944892ffdecf8";

let requestCount = 0;

async function tokensOf(node: TestNode, request: (typeof requests)[number]): Promise<number[]> {
  const params = { requestId: `r${++requestCount}`, model: "stories260K", ...request };
  const items = await Array.fromAsync(
    node.kernel.stream("inference", "generate", { params }) as AsyncIterable<GenerateItem>,
  );
  return items.flatMap((item) => item.type === "start" ? [] : item.tokens);
}

/** All answers, alone and cold first; each set is from one node. */
async function answers(inference: v.InferInput<typeof inferenceConfig>): Promise<number[][][]> {
  const node = await startTestNode({ inference });
  try {
    const alone: number[][] = [];
    for (const request of requests) alone.push(await tokensOf(node, request));
    const together = await Promise.all(requests.map((one) => tokensOf(node, one)));
    if (inference.speculate !== 0) {
      assert.ok(await node.metric("skep_inference_accepted_tokens_total") > 0);
    }
    return [alone, together];
  } finally {
    await node.stop();
  }
}

test("A seed gives the same tokens alone and with seven others, cold and warm, however it is computed", async () => {
  const [expected, together] = await answers({ threads: 1, speculate: 0 });
  assert.ok(expected?.every((tokens, i) => tokens.length >= (i % 4 === 1 ? 20 : 40)));
  // The same on every runtime and machine: written once, by Node on x64.
  assert.equal(createHash("sha256").update(JSON.stringify(expected)).digest("hex"), digest);
  assert.deepEqual(together, expected);
  const setups = [
    ...isLong ? [{ threads: 2, speculate: 0 }] : [],
    { threads: 2, speculate: 7 },
    { threads: 1, speculate: 3, promptChunk: 5 },
    { threads: 1, speculate: 7, kvBytesMax: 14 * 40_960, slots: 8 },
  ];
  for (const setup of setups) {
    for (const actual of await answers(setup)) {
      assert.deepEqual(actual, expected, JSON.stringify(setup));
    }
  }
});
