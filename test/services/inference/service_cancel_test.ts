// Goal: whoever goes away, at whatever point, gives back its slot and its pages, and changes nothing for
// those who stay. Method: random sets of requests to the real engine in few pages (so that some also
// lose theirs to others), each ended by its signal, by its reader, or not at all; when all are gone
// the meters read zero, and what was not ended is what one alone gets.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RpcError } from "../../../src/kernel/mod.ts";
import type { GenerateItem } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const runs = 5 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");
const slots = 3;
/** A request's own 128 positions are 4 pages of 40,960 bytes: not enough for two at once. */
const pagesMax = 5;
const inference = { threads: 2, slots, kvBytesMax: pagesMax * 40_960 };

const prompts = [
  "Once upon a time ",
  "Lily and her dog went to the big park. ",
  "a b a b a b a b ",
];

const request = fc.record({
  prompt: fc.constantFrom(...prompts),
  times: fc.integer({ min: 1, max: 4 }),
  maxTokens: fc.integer({ min: 1, max: 90 }),
  seed: fc.nat(3),
  isJson: fc.boolean(),
  startMs: fc.nat(3),
  /** Aborts its signal so long after it began; undefined: never. */
  abortMs: fc.option(fc.nat(40), { nil: undefined, freq: 2 }),
  /** Reads so many items and returns; undefined: all. */
  items: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 2 }),
});

type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

let requestCount = 0;

/** The whole answer, or undefined for one that was ended. */
async function ask(node: TestNode, one: Request): Promise<string | undefined> {
  await pause(one.startMs);
  const controller = new AbortController();
  const timer = one.abortMs === undefined
    ? undefined
    : setTimeout(() => controller.abort(), one.abortMs);
  const params = {
    requestId: `r${++requestCount}`,
    model: "stories260K",
    prompt: { kind: "text", text: one.prompt.repeat(one.times) },
    maxTokens: one.maxTokens,
    seed: one.seed,
    ...(one.isJson ? { format: { kind: "json" } } : {}),
  };
  const items = node.kernel.stream("inference", "generate", {
    params,
    signal: controller.signal,
  }) as AsyncIterable<GenerateItem>;
  let text = "";
  let left = one.items ?? Infinity;
  try {
    for await (const item of items) {
      if (item.type === "text") text += item.text;
      if (--left === 0) return undefined;
    }
    return text;
  } catch (thrown) {
    assert.ok(thrown instanceof RpcError && thrown.kind === "cancelled", String(thrown));
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function outcomes(node: TestNode): Promise<number> {
  let sum = 0;
  for (const outcome of ["stop", "length", "cancelled"]) {
    sum += await node.metric(`skep_inference_requests_total{outcome="${outcome}"}`);
  }
  return sum;
}

test("Requests that end at any point give everything back, and nobody else notices", async () => {
  const node = await startTestNode({ inference });
  let isOneCut = false;
  try {
    assert.equal(await node.metric("skep_inference_kv_pages"), pagesMax);
    const alone = new Map<string, string | undefined>();
    const one = async (asked: Request): Promise<string | undefined> => {
      const whole = { ...asked, startMs: 0, abortMs: undefined, items: undefined };
      const key = JSON.stringify(whole);
      if (!alone.has(key)) alone.set(key, await ask(node, whole));
      return alone.get(key);
    };
    const requests = fc.array(request, { minLength: 4, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(requests, async (asked) => {
        const before = { ended: await outcomes(node), asked: requestCount };
        const answers = await Promise.all(asked.map((each) => ask(node, each)));
        await node.until(
          "everything is given back",
          async () =>
            await node.metric("skep_inference_slots_active") === 0 &&
            await node.metric("skep_inference_queue_depth") === 0 &&
            await node.metric("skep_inference_kv_pages_used") === 0,
        );
        assert.equal(await outcomes(node) - before.ended, requestCount - before.asked);
        for (const [i, answer] of answers.entries()) {
          isOneCut ||= answer === undefined;
          const each = asked[i];
          if (answer !== undefined && each !== undefined) assert.equal(answer, await one(each));
        }
        const held = await node.metric("skep_inference_prefix_pages");
        assert.ok(held <= pagesMax, `${held} pages are kept`);
      }),
      { numRuns: runs },
    );
    assert.ok(isOneCut);
  } finally {
    await node.stop();
  }
});

test("A request whose reader waits lends its pages to another, and goes on as if it had not", async () => {
  const node = await startTestNode({ inference });
  const stream = (prompt: string): AsyncIterator<GenerateItem> => {
    const params = {
      requestId: `r${++requestCount}`,
      model: "stories260K",
      prompt: { kind: "text", text: prompt },
      maxTokens: 20,
      seed: 1,
    };
    const items = node.kernel.stream("inference", "generate", { params });
    return (items as AsyncIterable<GenerateItem>)[Symbol.asyncIterator]();
  };
  try {
    // Each prompt is more than two pages long, and they share none: five are too few for both.
    const prompts = ["Once upon a time ".repeat(20), "a b a b a b a b ".repeat(8)] as const;
    const first = stream(prompts[0]);
    const begun = [await first.next(), await first.next()];
    assert.deepEqual(begun.map(({ value }) => value.type), ["start", "text"]);
    assert.equal(await node.metric("skep_inference_preempted_total"), 0);
    const second = await rest(stream(prompts[1]));
    assert.equal(await node.metric("skep_inference_preempted_total"), 1);
    const text = begun[1]?.value.text + await rest(first);
    const alone = [await rest(stream(prompts[0])), await rest(stream(prompts[1]))];
    assert.deepEqual([text, second], alone);
    assert.ok(await node.metric("skep_inference_prefix_evicted_pages_total") > 0);
  } finally {
    await node.stop();
  }
});

/** The text of the items that are left. */
async function rest(items: AsyncIterator<GenerateItem>): Promise<string> {
  let text = "";
  for (let item = await items.next(); item.done !== true; item = await items.next()) {
    if (item.value.type === "text") text += item.value.text;
  }
  return text;
}
