// Goal: whatever sessions do, each position holds what its own tokens make of it, and the pool's books
// balance. Method: pages of 32 numbers instead of keys and values, each a digest of all tokens up to
// it, written as an executor would write; random sessions over few tokens, so that they often meet.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PagePool } from "../../src/engine/_pages.ts";
import { PagedSession } from "../../src/engine/_session.ts";
import type { SessionHome } from "../../src/engine/_session.ts";
import { EngineError, hashTokenBlocks, tokenChainSeed } from "../../src/engine/mod.ts";
import { PrefixCache } from "../../src/engine/prefix_cache.ts";
import { fixtureRuns } from "./_runs.ts";

const layers = { from: 0, to: 2 };
const seed = tokenChainSeed({ numericClass: "test/1", root: "0".repeat(64) });

class Bench {
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  readonly pool: PagePool;
  readonly prefixes: PrefixCache;
  readonly home: SessionHome;

  constructor(pageCountMax: number) {
    this.pool = new PagePool(this.memory, { pagesPtr: 256, pageBytes: 128, pageCountMax });
    this.prefixes = new PrefixCache(this.pool, seed);
    this.home = { layers, pool: this.pool, prefixes: this.prefixes, assertOpen: () => {} };
  }

  open(tokens?: readonly number[]): Sheet {
    const session = PagedSession.open(
      this.home,
      tokens === undefined ? {} : { prefix: Uint32Array.from(tokens) },
    );
    const positions = session.positionCount;
    return new Sheet(this, session, tokens?.slice(0, positions) ?? []);
  }

  slots(): Int32Array {
    return new Int32Array(this.memory.buffer);
  }
}

/** A session with the tokens that it should hold. */
class Sheet {
  readonly bench: Bench;
  readonly session: PagedSession;
  readonly tokens: number[];

  constructor(bench: Bench, session: PagedSession, tokens: readonly number[]) {
    this.bench = bench;
    this.session = session;
    this.tokens = [...tokens];
  }

  /** Computes tokens; throws what `reserve` throws. */
  extend(tokens: readonly number[], sure = tokens.length): void {
    const first = this.tokens.length;
    this.bench.pool.reserve(this.session.pagesNeeded(first, tokens.length));
    this.session.enter(first, tokens.length);
    this.tokens.push(...tokens);
    for (let position = first; position < this.tokens.length; position++) {
      const at = this.session.pagePtr(position) / 4 + (position & 31);
      this.bench.slots()[at] = digest(this.tokens, position);
    }
    this.session.counts.set(layers, this.tokens.length);
    this.session.learn(first, { tokens: Uint32Array.from(tokens), sure });
    this.session.leave();
  }

  truncate(count: number): void {
    this.session.truncate(count);
    this.tokens.length = count;
  }

  check(): void {
    assert.equal(this.session.positionCount, this.tokens.length);
    this.tokens.forEach((_, position) => {
      const at = this.session.pagePtr(position) / 4 + (position & 31);
      assert.equal(this.bench.slots()[at], digest(this.tokens, position), `position ${position}`);
    });
  }
}

function digest(tokens: readonly number[], position: number): number {
  let sum = 7;
  for (let i = 0; i <= position; i++) sum = (Math.imul(sum, 31) + (tokens[i] ?? 0)) | 0;
  return sum;
}

/** `count` tokens; few kinds, so that beginnings are often equal. */
function row(kind: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => i < 40 ? 1 : (i * kind) % 11);
}

const operation = fc.record({
  verb: fc.constantFrom("open", "open", "extend", "extend", "draft", "truncate", "fork", "drop"),
  which: fc.nat(7),
  kind: fc.nat(3),
  count: fc.integer({ min: 1, max: 130 }),
});

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function act(sheets: Sheet[], bench: Bench, step: Operation): void {
  const { verb, which, kind, count } = step;
  if (verb === "open") {
    if (sheets.length < 6) sheets.push(bench.open(row(kind, count)));
    return;
  }
  const sheet = sheets[which % Math.max(1, sheets.length)];
  if (sheet === undefined) return;
  const rest = row(kind, sheet.tokens.length + count).slice(sheet.tokens.length);
  if (verb === "extend") sheet.extend(rest);
  if (verb === "draft") {
    sheet.extend(rest, 1);
    sheet.truncate(sheet.tokens.length - rest.length + 1);
  }
  if (verb === "truncate") sheet.truncate(Math.min(sheet.tokens.length, count));
  if (verb === "fork" && sheets.length < 6) {
    sheets.push(new Sheet(bench, PagedSession.of(sheet.session.fork(), bench.home), sheet.tokens));
  }
  if (verb === "drop") {
    sheet.session.drop();
    sheets.splice(sheets.indexOf(sheet), 1);
  }
}

test("PrefixCache gives every session what its own tokens make, and the pool's books balance", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), fc.integer({ min: 1, max: 24 }), (
      steps,
      pageCountMax,
    ) => {
      const bench = new Bench(pageCountMax);
      const sheets: Sheet[] = [];
      for (const step of steps) {
        try {
          act(sheets, bench, step);
        } catch (thrown) {
          assert.ok(thrown instanceof EngineError && thrown.code === "no-memory", String(thrown));
        }
        for (const sheet of sheets) sheet.check();
        assert.ok(bench.pool.used + bench.pool.idle <= pageCountMax);
      }
      for (const sheet of sheets) sheet.session.drop();
      assert.equal(bench.pool.used, 0);
      bench.pool.reserve(pageCountMax);
      assert.equal(bench.prefixes.counters().heldPages + bench.pool.used, bench.pool.idle);
    }),
    { numRuns: fixtureRuns(150) },
  );
});

test("PrefixCache.take() finds whole pages of a dropped session, and never the last token's", () => {
  const bench = new Bench(16);
  const first = bench.open(row(3, 70));
  assert.equal(first.session.positionCount, 0);
  first.extend(row(3, 70));
  first.session.drop();
  assert.deepEqual([bench.pool.used, bench.pool.idle], [0, 2]);
  const lengths = [70, 65, 64, 33, 32, 1];
  const sheets = lengths.map((length) => bench.open(row(3, length)));
  assert.deepEqual(sheets.map(({ tokens }) => tokens.length), [64, 64, 32, 32, 0, 0]);
  for (const sheet of sheets) sheet.check();
  assert.deepEqual(bench.prefixes.counters(), {
    hitPositions: 192,
    askedPositions: 70 + lengths.reduce((sum, length) => sum + length),
    heldPages: 0,
    evictedPages: 0,
  });
});

test("PrefixCache.register() joins sessions that computed the same page at the same time", () => {
  const bench = new Bench(16);
  const sheets = [bench.open(row(2, 64)), bench.open(row(2, 64))];
  for (const sheet of sheets) sheet.extend(row(2, 64));
  assert.equal(bench.pool.used, 2);
  sheets[0]?.truncate(40);
  sheets[0]?.extend([5, 5, 5]);
  assert.equal(bench.pool.used, 3);
  for (const sheet of sheets) sheet.check();
});

test("PrefixCache gives up what was idle for longest, ends of chains first", () => {
  const bench = new Bench(4);
  const old = bench.open();
  old.extend(row(3, 64));
  old.session.drop();
  const recent = bench.open();
  recent.extend(row(2, 64)); // the first page is the same, the second is not
  recent.session.drop();
  assert.equal(bench.pool.idle, 3);
  const other = bench.open();
  other.extend(new Array(64).fill(9));
  assert.equal(bench.prefixes.counters().evictedPages, 1);
  assert.equal(bench.open(row(3, 65)).tokens.length, 32);
  assert.equal(bench.open(row(2, 65)).tokens.length, 64);
});

test("PrefixCache knows nothing of positions whose tokens it was not told", () => {
  const bench = new Bench(8);
  const sheet = bench.open();
  bench.pool.reserve(2);
  sheet.session.enter(0, 40);
  sheet.session.counts.set(layers, 40);
  sheet.session.leave();
  sheet.tokens.push(...row(1, 40));
  sheet.extend(row(1, 40));
  sheet.session.drop();
  assert.equal(bench.pool.idle, 0);
});

test("PrefixCache links pages as section 7.2 of the numeric class does", () => {
  const bench = new Bench(8);
  const sheet = bench.open();
  for (const token of row(3, 70)) sheet.extend([token]);
  const trail = bench.prefixes.trail();
  trail.push(0, { tokens: Uint32Array.from(row(3, 70)), sure: 70 });
  const links = hashTokenBlocks(Uint32Array.from(row(3, 70)), { blockTokens: 32, seed });
  assert.equal(trail.pageCount, 2);
  assert.deepEqual([...trail.link(0), ...trail.link(1)], [...links]);
});
