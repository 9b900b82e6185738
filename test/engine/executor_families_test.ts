/**
 * Every family against the reference, on random models: threads, chunks, batches, windows, f16 keys
 * and values, and embeddings of texts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { familyNames, familyShape } from "../../bench/models/family_shapes.ts";
import type { ModelExtents } from "../../bench/models/family_shapes.ts";
import { createReferenceExecutor, loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor, Session, StepEntry } from "../../src/engine/mod.ts";
import { isLong } from "../_long.ts";
import { assertSameBits, hasCode } from "./_executor_contract.ts";
import { fixtureBytes, openBytes, randomModel } from "./_fixtures.ts";
import type { Fixture } from "./_fixtures.ts";

const extents: ModelExtents = {
  layerCount: 3,
  width: 64,
  ffnWidth: 96,
  headCount: 4,
  kvHeadCount: 2,
  headWidth: 20,
  vocabularySize: 361,
  contextMax: 96,
  tiedOutput: false,
};

const tokens = Uint32Array.from({ length: 75 }, (_, i) => (i * 59 + 1) % extents.vocabularySize);

interface Run {
  readonly keyValueType: "f32" | "f16";
  readonly threads: number;
}

const runs: Readonly<Record<"f32" | "q8_0", readonly Run[]>> = {
  f32: [{ keyValueType: "f32", threads: 2 }],
  q8_0: [...isLong ? [{ keyValueType: "f32", threads: 1 }] as const : [], {
    keyValueType: "f16",
    threads: 3,
  }],
};

for (const name of familyNames) {
  const shape = familyShape(name, extents);
  const isEncoder = shape.family.pooling !== undefined;
  for (const type of isLong ? ["f32", "q8_0"] as const : ["q8_0"] as const) {
    test(`loadExecutor() equals the reference on a ${name} model of ${type}`, async () => {
      const fixture = narrowed(await randomModel(type, shape));
      if (isEncoder) await compareEncoders(fixture);
      else for (const run of runs[type]) await compareDecoders(fixture, run);
    });
  }
}

/** Windows that are narrower than what the test computes, in every other layer. */
function narrowed(fixture: Fixture): Fixture {
  const { shape } = fixture;
  const layers = shape.family.layers.map((layer, i) => ({ ...layer, window: i % 2 ? 0 : 7 }));
  if (!shape.family.causal) return fixture;
  return { ...fixture, shape: { ...shape, family: { ...shape.family, layers } } };
}

async function compareDecoders(fixture: Fixture, run: Run): Promise<void> {
  const { keyValueType, threads } = run;
  const reference = await createReferenceExecutor({ ...fixture, keyValueType });
  const whole = { session: reference.openSession(), tokens, logits: "all" } as const;
  const expected = await reference.step([whole]);
  assert.ok(expected.some((value) => value !== expected[0]));
  const executor = await loadExecutor({ ...fixture, keyValueType, threads });
  assert.equal(executor.numericClass, reference.numericClass);
  const size = extents.vocabularySize;
  for (const chunk of [74, 6]) {
    const sessions = [executor.openSession(), executor.openSession()];
    for (let from = 0; from < tokens.length; from += chunk) {
      const part = tokens.slice(from, from + chunk);
      const rows = expected.slice(from * size, (from + part.length) * size);
      const what = `${keyValueType}, ${threads} threads, chunk of ${chunk} from ${from}`;
      const entries = sessions.map((session) =>
        ({ session, tokens: part, logits: "all" }) as const
      );
      // One alone, the other together with a fork of it, which is dropped.
      assertSameBits(await executor.step(entries.slice(0, 1)), rows, what);
      const [, other] = entries;
      if (other === undefined) continue;
      const fork = { ...other, session: other.session.fork() };
      const both = await executor.step([fork, other]);
      fork.session.drop();
      assertSameBits(both.slice(0, rows.length), rows, what);
      assertSameBits(both.slice(rows.length), rows, what);
    }
    for (const session of sessions) session.drop();
  }
  await compareSome(executor, expected, `${keyValueType}, ${threads} threads`);
  await assert.rejects(executor.encode([tokens]), hasCode("not-held"));
  executor.close();
}

/** Where few logits are wanted the last layer leaves rows out; what follows needs their keys and values. */
async function compareSome(
  executor: ModelExecutor,
  expected: Float32Array,
  what: string,
): Promise<void> {
  const size = extents.vocabularySize;
  const [a, b, c] = [executor.openSession(), executor.openSession(), executor.openSession()];
  const to = (session: Session, end: number, logits: StepEntry["logits"]): StepEntry => {
    return { session, tokens: tokens.slice(session.positionCount, end), logits };
  };
  const rows = (...positions: readonly number[]): Float32Array => {
    const parts = positions.map((at) => expected.subarray(at * size, (at + 1) * size));
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };
  const first = [to(a, 30, "none"), to(b, 21, "last"), to(c, 3, "all")];
  assertSameBits(await executor.step(first), rows(20, 0, 1, 2), `${what}, the first of some`);
  const second = [to(a, 60, "last"), to(b, 22, "none")];
  assertSameBits(await executor.step(second), rows(59), `${what}, the last of some`);
  assert.equal((await executor.step([to(c, 40, "none"), to(b, 23, "none")])).length, 0);
  const third = [to(a, 75, "last"), to(b, 24, "last"), to(c, 42, "all")];
  assertSameBits(await executor.step(third), rows(74, 23, 40, 41), `${what}, after some`);
  for (const session of [a, b, c]) session.drop();
}

async function compareEncoders(fixture: Fixture): Promise<void> {
  const reference = await createReferenceExecutor(fixture);
  const texts = [tokens, tokens.slice(3, 40), tokens.slice(0, 1), tokens.slice(20, 60)];
  const expected = await reference.encode(texts);
  const entry = { firstPosition: 0, positionCount: 37 };
  const rows = await reference.embed(tokens.slice(3, 40));
  const hidden = await reference.forward(
    reference.layers,
    [{ ...entry, session: reference.openSession() }],
    rows,
  );
  for (const threads of [1, 3]) {
    const executor = await loadExecutor({ ...fixture, threads });
    assertSameBits(await executor.encode(texts), expected, `${threads} threads`);
    assertSameBits(await executor.embed(tokens.slice(3, 40)), rows, "embed()");
    const session = executor.openSession();
    assertSameBits(
      await executor.forward(executor.layers, [{ ...entry, session }], rows),
      hidden,
      "forward()",
    );
    await assert.rejects(
      executor.forward(
        executor.layers,
        [{ session, firstPosition: 37, positionCount: 37 }],
        rows,
      ),
      RangeError,
    );
    session.drop();
    const read = executor.openSession();
    await executor.forward(executor.layers, [
      { session: read, ...entry, tokens: tokens.slice(3, 40) },
    ], rows);
    read.drop();
    const next = executor.openSession({ prefix: tokens.slice(3, 40) });
    assert.equal(next.positionCount, 0, "a text's keys and values depend on all of it");
    next.drop();
    assert.equal(executor.pages().used, 0);
    const short = Array.from(
      { length: executor.pages().total + 1 },
      (_, i) => tokens.slice(i, i + 2),
    );
    const many = await executor.encode(short);
    const { width } = fixture.shape;
    for (const at of [0, short.length - 1]) {
      const alone = await executor.encode(short.slice(at, at + 1));
      assertSameBits(many.slice(at * width, (at + 1) * width), alone, "more texts than pages");
    }
    await assert.rejects(executor.head(hidden), hasCode("not-held"));
    await assert.rejects(executor.encode([new Uint32Array()]), RangeError);
    await assert.rejects(executor.encode([new Uint32Array(97)]), hasCode("context-full"));
    assert.equal((await executor.encode([])).length, 0);
    executor.close();
  }
}

test("keys and values beyond f16 name their layer, in both executors", async () => {
  const bytes = fixtureBytes("stories260K-f32");
  const { file } = await openBytes("large", bytes);
  const { offset, sizeBytes } = file.tensors.get("blk.1.attn_v.weight") ?? assert.fail();
  const values = new DataView(bytes.buffer, bytes.byteOffset + offset, sizeBytes);
  for (let at = 0; at < sizeBytes; at += 4) {
    values.setFloat32(at, values.getFloat32(at, true) * 1e7, true);
  }
  const fixture = await openBytes("large", bytes);
  for (const create of [createReferenceExecutor, loadExecutor]) {
    const executor = await create({ ...fixture, keyValueType: "f16" });
    const session = executor.openSession();
    await assert.rejects(
      executor.step([{ session, tokens: Uint32Array.of(1, 2), logits: "last" }]),
      hasCode("not-a-number", /keys and values of layer 1 must fit f16/),
    );
    executor.close();
  }
});
