// Goal: a model over several nodes computes the bits of one executor, whatever is lost meanwhile.
// Method: nodes of a mesh in memory with layers of a fixture, beside an executor that holds it whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelExecutor, StepEntry } from "../../src/engine/mod.ts";
import type { PipelineEvent } from "../../src/stages/mod.ts";
import { assertSameBits } from "../engine/_executor_contract.ts";
import { Cluster, splitOf } from "./_cluster.ts";
import type { NodePart } from "./_cluster.ts";

const tokens = Uint32Array.from({ length: 150 }, (_, i) => 1 + (i * 37) % 500);

/** Tokens that an executor chooses by itself, and the logits of each. */
async function decode(
  executor: ModelExecutor,
  options: { readonly prompt: Uint32Array; readonly count: number; readonly chunk?: number },
): Promise<Float32Array[]> {
  const { prompt, count, chunk = 50 } = options;
  const session = executor.openSession({ prefix: prompt });
  const rows: Float32Array[] = [];
  let next = prompt;
  while (next.length > 0) {
    const part = next.subarray(0, chunk);
    next = next.subarray(part.length);
    const logits = next.length === 0 ? "last" : "none";
    const row = await executor.step([{ session, tokens: part, logits }]);
    if (next.length > 0) continue;
    rows.push(row.slice());
    if (rows.length === count) break;
    next = Uint32Array.of(argmax(row));
  }
  session.drop();
  return rows;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

function assertSameRows(actual: readonly Float32Array[], expected: readonly Float32Array[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((row, i) => assertSameBits(row, expected[i] ?? new Float32Array(), `row ${i}`));
}

const layouts: readonly (readonly [string, (layers: number) => (NodePart | undefined)[]])[] = [
  ["two nodes, the requester with the first layers", (layers) => splitOf(layers, 2)],
  ["two others", (layers) => [undefined, ...splitOf(layers, 2)]],
  ["three nodes, the requester in the middle", (layers) => {
    const [first, second, third] = splitOf(layers, 3);
    return [second, first, third];
  }],
  ["five nodes", (layers) => splitOf(layers, 5)],
  ["two, the head and the embedding with the requester's layers", (layers) => [
    { from: 0, to: 2, embedding: true, head: true },
    { from: 2, to: layers, embedding: false, head: false },
  ]],
];

for (const [name, parts] of layouts) {
  test(`PipelineExecutor over ${name} computes the bits of one executor`, async () => {
    const cluster = await Cluster.create(parts(5));
    const whole = await cluster.load();
    const pipeline = cluster.pipeline();
    const options = { prompt: tokens.subarray(0, 100), count: 12 };
    assertSameRows(await decode(pipeline, options), await decode(whole, options));
    whole.close();
    await cluster.close();
  });
}

test("PipelineExecutor computes ragged batches, drafts that are taken back, and hidden rows", async () => {
  const cluster = await Cluster.create(splitOf(5, 3));
  const whole = await cluster.load();
  const pipeline = cluster.pipeline(0, { chunkRows: 7 });
  async function run(executor: ModelExecutor): Promise<Float32Array[]> {
    const [one, other] = [executor.openSession(), executor.openSession()];
    const steps: StepEntry[][] = [
      [
        { session: one, tokens: tokens.subarray(0, 33), logits: "last" },
        { session: other, tokens: tokens.subarray(50, 60), logits: "all" },
      ],
      [
        { session: other, tokens: tokens.subarray(3, 6), logits: "all" },
        { session: one, tokens: tokens.subarray(33, 34), logits: "all" },
      ],
    ];
    const rows: Float32Array[] = [];
    for (const step of steps) rows.push((await executor.step(step)).slice());
    other.truncate(11);
    one.truncate(20);
    rows.push((await executor.step([
      { session: one, tokens: tokens.subarray(90, 92), logits: "last" },
      { session: other, tokens: tokens.subarray(120, 121), logits: "last" },
    ])).slice());
    const fork = other.fork();
    rows.push(
      (await executor.step([{ session: fork, tokens: tokens.subarray(7, 9), logits: "all" }]))
        .slice(),
    );
    assert.equal(fork.positionCount, 14);
    const hidden = await executor.embed(tokens.subarray(40, 45));
    const { layerCount } = executor.shape;
    rows.push(
      await executor.forward({ from: 0, to: layerCount }, [{
        session: one,
        firstPosition: 22,
        positionCount: 5,
        tokens: tokens.subarray(40, 45),
      }], hidden),
    );
    for (const session of [one, other, fork]) session.drop();
    return rows;
  }
  assertSameRows(await run(pipeline), await run(whole));
  whole.close();
  await cluster.close();
});

test("PipelineExecutor replaces a stage that dies, wherever it is, and the bits stay", async () => {
  const bare = await Cluster.create([]);
  const whole = await bare.load();
  const options = { prompt: tokens.subarray(0, 70), count: 10 };
  const expected = await decode(whole, options);
  for (const victim of [1, 2, 3]) {
    const parts = splitOf(5, 4);
    const cluster = await Cluster.create([...parts, ...parts.slice(1)]);
    const events: PipelineEvent[] = [];
    const pipeline = cluster.pipeline(0, { events });
    const session = pipeline.openSession();
    const rows = [
      (await pipeline.step([{ session, tokens: options.prompt, logits: "last" }])).slice(),
    ];
    while (rows.length < options.count) {
      if (rows.length === 5) cluster.kill(victim);
      const next = Uint32Array.of(argmax(rows.at(-1) ?? new Float32Array()));
      rows.push((await pipeline.step([{ session, tokens: next, logits: "last" }])).slice());
    }
    assertSameRows(rows, expected);
    const kinds = events.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["route", "stage-lost", "route", "stage-replaced", "replayed"]);
    await cluster.close();
  }
  whole.close();
  await bare.close();
});
