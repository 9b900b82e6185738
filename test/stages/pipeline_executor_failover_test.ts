// Goal: whatever happens to stages, and whenever, a pipeline's bytes are those of one executor.
// Method: random steps (prompts, drafts, batches) over nodes with a standby each, with kills, partitions
// and stops in between and within; SKEP_TEST_RUNS makes it longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ModelExecutor, Session, StepEntry } from "../../src/engine/mod.ts";
import { createSampler } from "../../src/engine/mod.ts";
import type { PipelineEvent } from "../../src/stages/mod.ts";
import { assertSameBits } from "../engine/_executor_contract.ts";
import { Cluster, splitOf } from "./_cluster.ts";

const runs = 3 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

/** One step of the two sessions. */
interface RandomStep {
  readonly tokens: readonly [readonly number[], readonly number[]];
  readonly logits: "none" | "last" | "all";
  /** How many tokens the first takes back before it. */
  readonly back: number;
  /** What happens, to which stage, and after how long within the step. */
  readonly fault: "none" | "kill" | "part" | "leave" | "disconnect";
  readonly victim: number;
  readonly afterMs: number;
}

const token = fc.integer({ min: 1, max: 500 });
const step: fc.Arbitrary<RandomStep> = fc.record({
  tokens: fc.tuple(
    fc.array(token, { maxLength: 30 }),
    fc.oneof(fc.array(token, { maxLength: 3 }), fc.array(token, { maxLength: 30 })),
  ),
  logits: fc.constantFrom("none", "last", "all"),
  back: fc.nat(5),
  fault: fc.constantFrom("none", "none", "kill", "part", "leave", "disconnect"),
  victim: fc.integer({ min: 1, max: 3 }),
  afterMs: fc.nat(12),
});

async function compute(
  executor: ModelExecutor,
  sessions: readonly [Session, Session],
  { tokens, logits, back }: RandomStep,
): Promise<Float32Array> {
  const [first] = sessions;
  first.truncate(Math.max(0, first.positionCount - back));
  const entries = sessions.flatMap((session, i): StepEntry[] => {
    const mine = Uint32Array.from(tokens[i] ?? []);
    return mine.length === 0 ? [] : [{ session, tokens: mine, logits }];
  });
  return entries.length === 0 ? new Float32Array() : (await executor.step(entries)).slice();
}

test("PipelineExecutor gives one executor's bytes whatever stage is lost, and whenever", async () => {
  const bare = await Cluster.create([]);
  const whole = await bare.load();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
      const events: PipelineEvent[] = [];
      const parts = splitOf(5, 4);
      const cluster = await Cluster.create([...parts, ...parts.slice(1)], { detectMs: 60 });
      const pipeline = cluster.pipeline(0, { chunkRows: 16, events });
      try {
        const [ours, theirs] = [pipeline, whole].map((one): [Session, Session] => [
          one.openSession(),
          one.openSession(),
        ]);
        if (ours === undefined || theirs === undefined) return;
        const spared = new Set<number>();
        for (const [i, one] of steps.entries()) {
          const harm = harmOf(cluster, one, spared);
          const pending = compute(pipeline, ours, one);
          await new Promise((resolve) => setTimeout(resolve, one.afterMs));
          harm();
          assertSameBits(await pending, await compute(whole, theirs, one), `step ${i}`);
        }
        for (const session of theirs) session.drop();
      } finally {
        await cluster.close();
      }
    }),
    { numRuns: runs, endOnFailure: true },
  );
  whole.close();
  await bare.close();
});

/** A fault of which somebody is left to take over: each part is held twice, and lost once. */
function harmOf(
  cluster: Cluster,
  { fault, victim }: RandomStep,
  spared: Set<number>,
): () => void {
  const used = [victim, victim + 3].filter((index) => cluster.node(index).isUp);
  const index = used[0] ?? victim;
  if (fault === "none" || spared.has(victim)) return () => {};
  spared.add(victim);
  if (fault === "kill") return () => cluster.kill(index);
  const { key, mesh, server } = cluster.node(index);
  if (fault === "leave") return () => server.leave();
  const requester = cluster.node(0);
  // Without a new link the registry has it no more.
  if (fault === "disconnect") return () => void mesh.disconnect(requester.key);
  return () => cluster.medium.partition([[key]]);
}

test("PipelineExecutor decodes with a seed through the loss of every stage in turn", async () => {
  const bare = await Cluster.create([]);
  const whole = await bare.load();
  const parts = splitOf(5, 4);
  const cluster = await Cluster.create([...parts, ...parts.slice(1)]);
  const events: PipelineEvent[] = [];
  const pipeline = cluster.pipeline(0, { events });
  const prompt = Uint32Array.from({ length: 40 }, (_, i) => 1 + (i * 11) % 500);
  async function decode(
    executor: ModelExecutor,
    onToken: (count: number) => void,
  ): Promise<number[]> {
    const { vocabularySize } = executor.shape;
    const sampler = createSampler({ temperature: 0.9, topP: 0.95, seed: 99, vocabularySize });
    const session = executor.openSession();
    const chosen: number[] = [];
    let next = prompt;
    for (let position = prompt.length; chosen.length < 30; position++) {
      const logits = await executor.step([{ session, tokens: next, logits: "last" }]);
      const token = sampler.sample(logits.slice(), { position });
      chosen.push(token);
      next = Uint32Array.of(token);
      onToken(chosen.length);
    }
    session.drop();
    return chosen;
  }
  const expected = await decode(whole, () => {});
  const actual = await decode(pipeline, (count) => {
    if (count === 5 || count === 10 || count === 15) cluster.kill(count / 5);
  });
  assert.deepEqual(actual, expected);
  const lost = events.filter(({ kind }) => kind === "stage-lost");
  assert.equal(lost.length, 3);
  // Whoever was taken back for a replay learns the names of its blocks again, and all of them.
  for (const { server } of cluster.nodes) assert.deepEqual(server.counters().refusals, {});
  whole.close();
  await bare.close();
  await cluster.close();
});

test("PipelineExecutor notices a stage that is silent though its link stands, and replaces it", async () => {
  const parts = splitOf(5, 3);
  const cluster = await Cluster.create([...parts, ...parts.slice(1)], { detectMs: 60_000 });
  const events: PipelineEvent[] = [];
  const pipeline = cluster.pipeline(0, { events });
  const whole = await cluster.load();
  const tokens = Uint32Array.from({ length: 60 }, (_, i) => 1 + i);
  const [ours, theirs] = [pipeline.openSession(), whole.openSession()];
  await pipeline.step([{ session: ours, tokens, logits: "none" }]);
  await whole.step([{ session: theirs, tokens, logits: "none" }]);
  cluster.medium.partition([[cluster.node(2).key]]);
  const next = { tokens: Uint32Array.of(9), logits: "last" } as const;
  const actual = await pipeline.step([{ ...next, session: ours }]);
  assertSameBits(actual, await whole.step([{ ...next, session: theirs }]), "the next token");
  const lost = events.find((event) => event.kind === "stage-lost");
  assert.match(lost?.kind === "stage-lost" ? lost.why : "", /no sign of life for [0-9]+ ms/);
  const replayed = events.find((event) => event.kind === "replayed");
  assert.equal(replayed?.kind === "replayed" && replayed.positions, 60);
  whole.close();
  await cluster.close();
});

test("PipelineExecutor says which layers nobody has any more, and goes on when they are back", async () => {
  const parts = splitOf(5, 2);
  const cluster = await Cluster.create(parts);
  const pipeline = cluster.pipeline(0, { rebuildMs: 300 });
  const session = pipeline.openSession();
  const tokens = Uint32Array.from({ length: 40 }, (_, i) => 1 + i);
  await pipeline.step([{ session, tokens, logits: "last" }]);
  cluster.kill(1);
  const next = { session, tokens: Uint32Array.of(7), logits: "last" } as const;
  await assert.rejects(pipeline.step([next]), (thrown) => {
    return thrown instanceof Error && "code" in thrown && thrown.code === "lost" &&
      /layers 3 to 4 were lost with peer skep_[0-9a-f]{12} and nobody else has them/.test(
        thrown.message,
      );
  });
  assert.equal(session.positionCount, 40);
  await cluster.add(parts[1], 9);
  const whole = await cluster.load();
  const other = whole.openSession();
  await whole.step([{ session: other, tokens, logits: "none" }]);
  const expected = await whole.step([{ ...next, session: other }]);
  assertSameBits(await pipeline.step([next]), expected, "the next token");
  whole.close();
  await cluster.close();
});

test("PipelineExecutor gives pages back at every stage when a step is aborted or a session dropped", async () => {
  const cluster = await Cluster.create([undefined, ...splitOf(5, 3)]);
  const pipeline = cluster.pipeline(0, { chunkRows: 8 });
  const tokens = Uint32Array.from({ length: 120 }, (_, i) => 1 + i);
  for (const afterMs of [0, 3, 8, 15]) {
    const session = pipeline.openSession();
    const stop = new AbortController();
    const pending = pipeline.step([{ session, tokens, logits: "last" }], stop.signal);
    setTimeout(() => stop.abort(new RangeError("enough")), afterMs);
    await pending.then(() => {}, (thrown: unknown) => assert.match(String(thrown), /enough/));
    const count = session.positionCount;
    assert.ok(count === 0 || count === 120);
    session.drop();
    await untilEmpty(cluster);
  }
  const session = pipeline.openSession();
  const rows = await pipeline.step([{ session, tokens, logits: "last" }]);
  const whole = await cluster.load();
  const other = whole.openSession();
  assertSameBits(
    rows,
    await whole.step([{ session: other, tokens, logits: "last" }]),
    "afterwards",
  );
  assert.ok(cluster.usedPages().slice(1).every((used) => used >= 4));
  pipeline.close();
  await untilEmpty(cluster);
  whole.close();
  await cluster.close();
});

test("PipelineExecutor takes over what stages still hold of a beginning, after a reconnect too", async () => {
  const cluster = await Cluster.create([undefined, ...splitOf(5, 2)]);
  const tokens = Uint32Array.from({ length: 100 }, (_, i) => 1 + i);
  const first = cluster.pipeline();
  const one = first.openSession({ prefix: tokens });
  const expected = (await first.step([{ session: one, tokens, logits: "last" }])).slice();
  // A broken link ends the session at once; its full pages stay known.
  await cluster.node(0).mesh.disconnect(cluster.node(1).key);
  await cluster.node(0).mesh.disconnect(cluster.node(2).key);
  first.close();
  await untilEmpty(cluster);
  const signal = new AbortController().signal;
  for (const index of [1, 2]) {
    await cluster.node(0).mesh.dial(cluster.node(index).key, { addresses: [], signal });
  }
  const rowsBefore = cluster.node(1).server.counters().rows;
  const second = cluster.pipeline();
  const other = second.openSession({ prefix: tokens });
  const actual = await second.step([{ session: other, tokens, logits: "last" }]);
  assertSameBits(actual, expected, "the last row");
  assert.equal(cluster.node(1).server.counters().rows - rowsBefore, 4);
  assert.equal(second.prefixCounters().hitPositions, 96);
  await cluster.close();
});

async function untilEmpty(cluster: Cluster): Promise<void> {
  for (let i = 0; i < 400 && cluster.usedPages().some((used) => used > 0); i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.deepEqual(cluster.usedPages().map((used) => used), cluster.usedPages().map(() => 0));
}
