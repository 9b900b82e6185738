import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { loadExecutor } from "../../src/engine/mod.ts";
import type { Session } from "../../src/engine/mod.ts";
import {
  assertSameBits,
  hasCode,
  runTokens,
  storyTokens,
  testExecutorContract,
} from "./_executor_contract.ts";
import { isLong } from "../_long.ts";
import { digestsOf, readGolden } from "./_digests.ts";
import { fixtureBytes, openBytes, openFixture } from "./_fixtures.ts";
import { testRejectionContract } from "./_rejection_contract.ts";
import { fixtureRuns } from "./_runs.ts";

testExecutorContract(
  "loadExecutor()",
  (fixture, options) => loadExecutor({ ...fixture, ...options }),
);

testRejectionContract("loadExecutor()", (fixture) => loadExecutor(fixture));

test("loadExecutor() gives the golden digests with each probe answer and build forced", async () => {
  const { fixtures } = readGolden();
  const bytes = ["stories260K-q8_0", "babyllama-tok105-q8_0", "stories260K-iq4_nl"];
  for (const [name, expected] of Object.entries(fixtures)) {
    // Other formats fit the relaxed dot's seven bits: nothing about them can be forced.
    const all = ["unsigned", "signed", "neither"] as const;
    const builds = ["best", "plain"] as const;
    const probes = bytes.includes(name) ? all : all.slice(2);
    for (const probe of probes) {
      for (const build of isLong || probe === "neither" ? builds : builds.slice(0, 1)) {
        const executor = await loadExecutor({ ...await openFixture(name), probe, build });
        // Positions alone are another path, which does not depend on the probe; all of 32 is what the
        // contract's test does with the best build.
        const chunks = isLong ? [32, 1] : [probe === "neither" && build === "best" ? 1 : 32];
        for (const chunk of chunks) {
          const actual = await digestsOf(executor, expected.tokens, chunk);
          assert.deepEqual(actual, expected, `${probe} ${build} by ${chunk}`);
        }
        executor.close();
      }
    }
  }
});

test("forward() gives equal bits for random ragged schedules, forks and truncations", async () => {
  const fixture = await openFixture("stories260K-q4_0");
  const executor = await loadExecutor(fixture);
  const { width } = executor.shape;
  const expected = await runTokens(executor, executor.openSession(), storyTokens);
  const step = fc.record({
    counts: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 3, maxLength: 3 }),
    cut: fc.integer({ min: 0, max: 5 }),
    fork: fc.boolean(),
    split: fc.integer({ min: 1, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const sessions = [0, 1, 2].map(() => executor.openSession());
      for (const { counts, cut, fork, split } of steps) {
        const batch = sessions.flatMap((session, i) => {
          const firstPosition = session.positionCount;
          const positionCount = Math.min(counts[i] ?? 0, storyTokens.length - firstPosition);
          return positionCount > 0 ? [{ session, firstPosition, positionCount }] : [];
        });
        if (batch.length > 0) {
          const rows = batch.flatMap(({ firstPosition, positionCount }) =>
            storyTokens.slice(firstPosition, firstPosition + positionCount)
          );
          let hidden = await executor.embed(Uint32Array.from(rows));
          hidden = await executor.forward({ from: 0, to: split }, batch, hidden);
          if (split < 5) hidden = await executor.forward({ from: split, to: 5 }, batch, hidden);
          let row = 0;
          for (const { firstPosition, positionCount } of batch) {
            assertSameBits(
              hidden.slice(row * width, (row + positionCount) * width),
              expected.slice(firstPosition * width, (firstPosition + positionCount) * width),
              `positions ${firstPosition} + ${positionCount}`,
            );
            row += positionCount;
          }
        }
        const [first] = sessions;
        if (first !== undefined) first.truncate(Math.max(0, first.positionCount - cut));
        if (fork && first !== undefined) {
          sessions.pop()?.drop();
          sessions.push(first.fork());
        }
      }
      for (const session of sessions) session.drop();
      assert.equal(executor.pages().used, 3, "pages of the first run only");
    }),
    { numRuns: fixtureRuns(25) },
  );
  executor.close();
});

test("forward() refuses at the last page, and the session stays as it was", async () => {
  const fixture = await openFixture("stories260K-f32");
  const measured = await loadExecutor(fixture);
  const { pageBytes } = measured.pages();
  measured.close();
  const executor = await loadExecutor({ ...fixture, kvBytesMax: 3 * pageBytes });
  assert.deepEqual(executor.pages(), { used: 0, total: 3, pageBytes });
  const [a, b] = [executor.openSession(), executor.openSession()];
  const before = await runTokens(executor, a, storyTokens.slice(0, 40));
  await assert.rejects(
    runTokens(executor, b, storyTokens.slice(0, 33)),
    hasCode("no-memory", /needs 2 more pages than the 1 free/),
  );
  assert.equal(b.positionCount, 0);
  assert.equal(executor.pages().used, 2);
  await runTokens(executor, b, storyTokens.slice(0, 32));
  assert.throws(() => executor.openSession(), hasCode("no-memory"));
  const fork = a.fork();
  await assert.rejects(runTokens(executor, fork, [1]), hasCode("no-memory"), "copy on write");
  b.drop();
  await runTokens(executor, fork, [1]);
  a.truncate(39);
  const again = await runTokens(executor, a, storyTokens.slice(39, 40));
  assertSameBits(again, before.slice(39 * executor.shape.width), "after the refusals");
  executor.close();
});

test("forward() stops at the next layer when aborted, and goes on with others", async () => {
  const fixture = await openFixture("babyllama-tok105-f32");
  const executor = await loadExecutor(fixture);
  const tokens = Array.from({ length: 128 }, (_, i) => i % 105);
  const hidden = await executor.embed(Uint32Array.from(tokens));
  const session = executor.openSession();
  const entry = { session, firstPosition: 0, positionCount: 128 };
  const controller = new AbortController();
  const pending = executor.forward(executor.layers, [entry], hidden, controller.signal);
  const other = runTokens(executor, executor.openSession(), [1]);
  await new Promise((resolve) => setTimeout(resolve, 0));
  controller.abort(new RangeError("gone"));
  await assert.rejects(pending, /gone/);
  assert.equal(session.positionCount, 0);
  assert.equal((await other).length, executor.shape.width);
  assert.equal(executor.pages().used, 1);
  executor.close();
});

test("forward() lets timers fire and sockets be read", async () => {
  const fixture = await openFixture("babyllama-tok105-f32");
  const executor = await loadExecutor(fixture);
  let ticks = 0;
  let echoes = 0;
  // Either end may find the other gone when the test takes both down.
  const ignoreReset = (): void => undefined;
  const server = createServer((socket) => {
    socket.on("error", ignoreReset);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", ignoreReset);
  client.on("data", (chunk) => (echoes++, client.write(chunk)));
  client.write("x");
  const timer = setInterval(() => ticks++, 0);
  for (let i = 0; i < 4; i++) {
    const session = executor.openSession();
    await runTokens(executor, session, Array.from({ length: 128 }, (_, j) => j % 105));
    session.drop();
  }
  clearInterval(timer);
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  executor.close();
  assert.ok(ticks > 3 && echoes > 3, `${ticks} ticks, ${echoes} echoes`);
});

test("a session dropped while it computes ends the pass and gives its pages back", async () => {
  const fixture = await openFixture("babyllama-tok105-f32");
  const executor = await loadExecutor(fixture);
  const tokens = Array.from({ length: 128 }, (_, i) => i % 105);
  const hidden = await executor.embed(Uint32Array.from(tokens));
  const begin = (session: Session): Promise<Float32Array> =>
    executor.forward(
      executor.layers,
      [{ session, firstPosition: 0, positionCount: 128 }],
      hidden,
    );
  const session = executor.openSession();
  const pending = begin(session);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.throws(() => session.truncate(0), hasCode("busy"));
  assert.throws(() => session.fork(), hasCode("busy"));
  session.drop();
  await assert.rejects(pending, hasCode("closed"));
  assert.equal(executor.pages().used, 0);
  const cut = begin(executor.openSession());
  await new Promise((resolve) => setTimeout(resolve, 0));
  executor.close();
  await assert.rejects(cut, hasCode("closed", /executor/));
});

test("loadExecutor() reports progress in bytes and stops when aborted", async () => {
  const fixture = await openFixture("stories260K-f32");
  const seen: [number, number][] = [];
  const onProgress = (loaded: number, total: number): number => seen.push([loaded, total]);
  const executor = await loadExecutor({ ...fixture, onProgress });
  const total = [...fixture.file.tensors.values()].reduce(
    (sum, { sizeBytes }) => sum + sizeBytes,
    0,
  );
  assert.deepEqual(seen.at(-1), [total, total]);
  assert.ok(seen.every(([loaded], i) => i === 0 || loaded > (seen[i - 1]?.[0] ?? 0)));
  executor.close();
  const controller = new AbortController();
  const stop = (): void => controller.abort(new RangeError("never mind"));
  const { signal } = controller;
  await assert.rejects(loadExecutor({ ...fixture, onProgress: stop, signal }), /never mind/);
});

test("loadExecutor() reads sources that give a few bytes at a time", async () => {
  const fixture = await openFixture("stories260K-q8_0");
  const { source } = fixture;
  const slow = {
    ...source,
    read: (into: Uint8Array, position: number): Promise<number> =>
      source.read(into.subarray(0, 1009), position),
  };
  const executor = await loadExecutor({ ...fixture, source: slow });
  const expected = readGolden().fixtures["stories260K-q8_0"];
  assert.deepEqual(await digestsOf(executor, expected?.tokens ?? []), expected);
  executor.close();
});

test("loadExecutor() names the tensor that is cut short or not finite", async () => {
  const fixture = await openFixture("stories260K-f32");
  const empty = { ...fixture.source, read: (): Promise<number> => Promise.resolve(0) };
  await assert.rejects(
    loadExecutor({ ...fixture, source: empty }),
    hasCode("short-read", /"token_embd\.weight"/),
  );
  for (const [name, tensor, bytes] of spoiled) {
    const data = fixtureBytes(name);
    const { offset } = (await openFixture(name)).file.tensors.get(tensor) ?? { offset: 0 };
    data.set(bytes, offset);
    await assert.rejects(
      loadExecutor(await openBytes(name, data)),
      hasCode("not-a-number", new RegExp(`"${tensor}"`)),
      `${name} ${tensor}`,
    );
  }
});

const spoiled: readonly (readonly [string, string, readonly number[]])[] = [
  ["stories260K-f32", "blk.3.ffn_up.weight", [0, 0, 0xc0, 0x7f]],
  ["stories260K-f32", "blk.0.attn_norm.weight", [0, 0, 0x80, 0xff]],
  ["stories260K-f16", "token_embd.weight", [0, 0x7c]],
  ["stories260K-bf16", "blk.1.attn_k.weight", [0xc0, 0x7f]],
  ["stories260K-q8_0", "blk.1.attn_q.weight", [0, 0x7e]],
  ["stories260K-q4_0", "blk.2.attn_q.weight", [0, 0xfc]],
  ["stories260K-q4_1", "blk.2.attn_q.weight", [0, 0, 0, 0x7c]],
  ["rand256-q6_k", "output.weight", [...new Array<number>(208).fill(0), 0, 0x7c]],
  ["rand256-q4_k_m", "blk.0.attn_k.weight", [0, 0, 1, 0xfc]],
];

test("loadExecutor() refuses types and tensors outside the class by name", async () => {
  const fixture = await openFixture("stories260K-q8_0");
  const { file } = fixture;
  const tensors = new Map(file.tensors);
  const info = tensors.get("blk.0.ffn_gate.weight");
  const vector = tensors.get("blk.0.ffn_norm.weight");
  assert.ok(info !== undefined && vector !== undefined);
  tensors.set(vector.name, { ...vector, type: "Q6_K" });
  await assert.rejects(
    loadExecutor({ ...fixture, file: { ...file, tensors } }),
    hasCode("unsupported-type", /"blk\.0\.ffn_norm\.weight".*F32, F16, BF16 there.*Q6_K/),
  );
  tensors.set(vector.name, vector);
  tensors.set("blk.0.attn_q.bias", { ...info, name: "blk.0.attn_q.bias" });
  await assert.rejects(
    loadExecutor({ ...fixture, file: { ...file, tensors } }),
    hasCode("unsupported-tensor", /"blk\.0\.attn_q\.bias"/),
  );
  tensors.delete("blk.0.attn_q.bias");
  tensors.delete(info.name);
  await assert.rejects(
    loadExecutor({ ...fixture, file: { ...file, tensors } }),
    hasCode("missing-tensor", /"blk\.0\.ffn_gate\.weight"/),
  );
});

test("loadExecutor() says what is needed, what there is and what would fit, before it reads", async () => {
  const opened = await openFixture("stories260K-f32");
  const source = {
    ...opened.source,
    read: (): Promise<number> => assert.fail("nothing is to be read"),
  };
  const fixture = { ...opened, source };
  const shape = { ...fixture.shape, contextMax: 2 ** 20, kvHeadCount: 64 };
  await assert.rejects(
    loadExecutor({ ...fixture, shape, contextMax: 2 ** 20, memoryBytesMax: 2 ** 40 }),
    hasCode(
      "no-memory",
      /16 memories of 4294901760 bytes.* do not hold it: .*; a context of \d+ positions would fit/,
    ),
  );
  await assert.rejects(
    loadExecutor({ ...fixture, memoryBytesMax: 9_200_000 }),
    hasCode("no-memory", /the machine has 9200000 bytes: .*; [1-4] of its 5 layers would fit/),
  );
  await assert.rejects(
    loadExecutor({ ...fixture, kvBytesMax: 2 ** 40, memoryBytesMax: 2 ** 25 }),
    hasCode("no-memory", /"kvBytesMax" 1099511627776, .*; "kvBytesMax" of up to \d+ would fit/),
  );
  await assert.rejects(loadExecutor({ ...fixture, kvBytesMax: 1 }), /"kvBytesMax".*one page/);
  await assert.rejects(loadExecutor({ ...fixture, contextMax: 513 }), /"contextMax".*128/);
  await assert.rejects(loadExecutor({ ...fixture, layers: { from: 4, to: 6 } }), /"layers".*5/);
});

test("a context that nobody asked for is what fits", async () => {
  const fixture = await openFixture("stories260K-f32");
  const shape = { ...fixture.shape, contextMax: 2 ** 18 };
  const memoryBytesMax = 2 ** 26;
  const executor = await loadExecutor({ ...fixture, shape, memoryBytesMax });
  const { total, pageBytes } = executor.pages();
  assert.ok(executor.contextMax >= 2048 && executor.contextMax < 2 ** 18);
  assert.equal(executor.contextMax, total * 32);
  assert.ok(total * pageBytes < memoryBytesMax);
  executor.close();
  const all = await loadExecutor({ ...fixture, shape });
  assert.equal(all.contextMax, 2 ** 18);
  all.close();
});

test("an executor of some layers refuses the others, the embedding and the head", async () => {
  const fixture = await openFixture("stories260K-f32");
  const executor = await loadExecutor({ ...fixture, layers: { from: 1, to: 3 } });
  const hidden = new Float32Array(executor.shape.width);
  const entry = { session: executor.openSession(), firstPosition: 0, positionCount: 1 };
  await assert.rejects(executor.embed(Uint32Array.of(1)), hasCode("not-held", /embedding/));
  await assert.rejects(executor.head(hidden), hasCode("not-held", /head/));
  await assert.rejects(executor.forward({ from: 0, to: 2 }, [entry], hidden), hasCode("not-held"));
  executor.close();
});
