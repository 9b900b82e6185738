/**
 * Goal: what the service answered is chosen again from the logits of one pass over it, whatever it
 * was held to and however it was drawn; another seed, or another token, is noticed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadExecutor } from "../../../src/engine/mod.ts";
import type { ModelExecutor } from "../../../src/engine/mod.ts";
import { embeddedModel, loadTokenizer, openGguf, readModelShape } from "../../../src/model/mod.ts";
import type { GgufFile } from "../../../src/model/mod.ts";
import { realClock } from "../../../src/ports/mod.ts";
import { commitmentsOf, recompute } from "../../../src/receipts/mod.ts";
import type { Truth } from "../../../src/receipts/mod.ts";
import { replayChooser, ReplayError } from "../../../src/services/inference/mod.ts";
import type { GenerateItem } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";

interface Request {
  readonly maxTokens: number;
  readonly seed: number;
  readonly sampling: Readonly<Record<string, unknown>>;
  readonly format?: unknown;
  readonly stop?: readonly string[];
}

const text = "Once upon a time there was a little girl named Lily. She liked to play. ".repeat(2);
const schema = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 4, maxLength: 16 },
    likes: { type: "array", items: { enum: ["dogs", "ball", 1.5] }, minItems: 1, maxItems: 2 },
  },
  required: ["name", "likes"],
  additionalProperties: false,
};

const requests: readonly Request[] = [
  { maxTokens: 40, seed: 1, sampling: { temperature: 0 } },
  { maxTokens: 40, seed: 2, sampling: { temperature: 1, topP: 0.9, topK: 50, minP: 0.01 } },
  {
    maxTokens: 40,
    seed: 3,
    sampling: { temperature: 0.8, repeatPenalty: 1.2, frequencyPenalty: 0.3, presencePenalty: 0.1 },
  },
  { maxTokens: 80, seed: 4, sampling: { temperature: 1 }, format: { kind: "schema", schema } },
  { maxTokens: 60, seed: 5, sampling: { temperature: 1.2 }, format: { kind: "json" } },
  {
    maxTokens: 60,
    seed: 6,
    sampling: { temperature: 1, topP: 0, logitBias: { "5": 2, "9": -100 } },
    stop: ["the"],
  },
];

interface Loaded {
  readonly file: GgufFile;
  readonly executor: ModelExecutor;
}

async function load(): Promise<Loaded> {
  const source = embeddedModel();
  const file = await openGguf(source);
  const executor = await loadExecutor({
    file,
    source,
    shape: readModelShape(file),
    threads: 1,
  });
  return { file, executor };
}

/** What one pass says of an answer. */
async function replayed(
  { file, executor }: Loaded,
  { promptTokens, outputTokens, request }: {
    readonly promptTokens: readonly number[];
    readonly outputTokens: readonly number[];
    readonly request: Request;
  },
): Promise<Truth> {
  const { format, stop, sampling, seed, maxTokens } = request;
  const constraint = format === undefined && stop === undefined
    ? null
    : { ...format === undefined ? {} : { format }, ...stop === undefined ? {} : { stop } };
  const transcript = {
    kind: "skep-transcript/1" as const,
    salt: "00".repeat(32),
    promptTokens: [...promptTokens],
    outputTokens: [...outputTokens],
    constraint,
  };
  const { vocabularySize } = executor.shape;
  const choose = await replayChooser({
    ...{ file, vocabularySize, sampling, seed, promptTokens, outputTokens },
    tokenizer: loadTokenizer(file),
    clock: realClock(),
    heldTo: constraint,
  });
  const statement = {
    kind: "skep-request/2" as const,
    ...{ request: "00".repeat(32), requester: "", payer: "", root: "", class: "" },
    session: null,
    promptTokens: promptTokens.length,
    outputTokens: outputTokens.length,
    ...commitmentsOf(transcript),
    ...{ seed, sampling: {}, maxTokens, contextMax: 512, stages: "", signedAtMs: 0 },
  };
  return await recompute({
    receipt: { request: statement, stages: [] },
    transcript,
    executor,
    choose,
    chunkPositions: 37,
  });
}

test("An answer's tokens are chosen again, and no others", async () => {
  const node = await startTestNode({ inference: { speculate: 3 } });
  const loaded = await load();
  try {
    const tokenizer = loadTokenizer(loaded.file);
    const promptTokens = [...tokenizer.encode(text)];
    for (const [i, request] of requests.entries()) {
      const params = { requestId: `r${i}`, model: "stories260K", ...request };
      const prompt = { kind: "tokens", tokens: promptTokens };
      const items = await Array.fromAsync(
        node.kernel.stream("inference", "generate", {
          params: { ...params, prompt },
        }) as AsyncIterable<GenerateItem>,
      );
      const outputTokens = items.flatMap((item) => item.type === "start" ? [] : item.tokens);
      assert.ok(outputTokens.length > 5, `request ${i}`);
      const answer = { promptTokens, outputTokens, request };
      assert.equal((await replayed(loaded, answer)).wrongToken, undefined, `request ${i}`);
      const other = [...outputTokens];
      const at = Math.floor(other.length / 2);
      const right = other[at];
      other[at] = ((right ?? 0) + 1) % tokenizer.vocabularySize;
      const found = await replayed(loaded, { ...answer, outputTokens: other });
      assert.deepEqual(found.wrongToken, { index: at, chosen: right }, `request ${i}`);
      if (request.sampling["temperature"] === 0 || request.sampling["topP"] === 0) continue;
      const reseeded = { ...answer, request: { ...request, seed: request.seed + 100 } };
      assert.notEqual((await replayed(loaded, reseeded)).wrongToken, undefined, `request ${i}`);
    }
  } finally {
    loaded.executor.close();
    await node.stop();
  }
});

test("Settings that this release does not have are refused by name", async () => {
  const loaded = await load();
  try {
    const answer = { promptTokens: [1, 2], outputTokens: [3] };
    const base = { maxTokens: 4, seed: 1, sampling: {} };
    for (
      const [request, word] of [
        [{ ...base, sampling: { mirostat: 2 } }, /sampling/],
        [{ ...base, format: { kind: "xml" } }, /held to/],
      ] as const
    ) {
      await assert.rejects(
        replayed(loaded, { ...answer, request }),
        (thrown) => thrown instanceof ReplayError && word.test(thrown.message),
      );
    }
  } finally {
    loaded.executor.close();
  }
});
