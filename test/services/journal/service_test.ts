/** Pages of the journal: bounded by count and by size, none lost between them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalEvent, JournalStatus, VerifyReport } from "../../../src/journal/mod.ts";
import type { Kernel } from "../../../src/kernel/mod.ts";
import { createJournalService } from "../../../src/services/journal/mod.ts";
import { world } from "../../kernel/_world.ts";

const author = `skep_${"a".repeat(64)}`;

function eventsOf(sizes: readonly number[]): JournalEvent[] {
  return sizes.map((size, i) => ({
    ...{ author, seq: i + 1, ts_ms: i, chi: "test", rid: "r", prev_hash: "0", sig: "0" },
    body: "x".repeat(size),
  }));
}

async function withJournal(
  events: readonly JournalEvent[],
  use: (kernel: Kernel) => Promise<void>,
): Promise<void> {
  const { kernel } = world([
    createJournalService({
      status: () => ({ author, seq: events.length }) as JournalStatus,
      tail: (count) => Promise.resolve(events.slice(-count)),
      range: async function* (
        { from = 1, to = Infinity, author: whose } = {},
      ): AsyncGenerator<JournalEvent> {
        yield* events.filter(({ seq, author }) => seq >= from && seq <= to && author === whose);
      },
      verify: () => Promise.resolve({ ok: true } as VerifyReport),
      head: () => ({ size: 0, root: "", tsMs: 0, signature: "" }),
      prove: () => Promise.resolve(undefined),
    }),
  ]);
  await kernel.start();
  await use(kernel);
  await kernel.stop();
}

interface Page {
  readonly events: readonly JournalEvent[];
  readonly next: number | null;
}

test("pages follow each other without a gap, whatever bounds them", async () => {
  const sizes = [10, 600_000, 600_000, 2_000_000, 5, 5, 5, 5, 1_100_000, 1];
  await withJournal(eventsOf(sizes), async (kernel) => {
    const pages: number[][] = [];
    for (let from: number | null = 1; from !== null;) {
      const params = { from, limit: 3 };
      const page = await kernel.call("journal", "journal.range", { params }) as Page;
      pages.push(page.events.map(({ seq }) => seq));
      from = page.next;
    }
    assert.deepEqual(pages, [[1, 2], [3], [4], [5, 6, 7], [8], [9], [10]]);
    const params = { from: 5, to: 6 };
    const part = await kernel.call("journal", "journal.range", { params }) as Page;
    assert.deepEqual([part.events.map(({ seq }) => seq), part.next], [[5, 6], null]);
    const other = await kernel.call("journal", "journal.range", {
      params: { author: "b" },
    }) as Page;
    assert.deepEqual(other, { events: [], next: null });
  });
});

test("the tail is the newest that fits, and says what it left out", async () => {
  await withJournal(eventsOf([5, 600_000, 600_000, 5]), async (kernel) => {
    const tail = await kernel.call("journal", "journal.tail", { params: [10] }) as {
      events: JournalEvent[];
      omitted: number;
    };
    assert.deepEqual(tail.events.map(({ seq }) => seq), [3, 4]);
    assert.equal(tail.omitted, 2);
    await assert.rejects(kernel.call("journal", "journal.tail", { params: [0] }), {
      kind: "invalidParams",
    });
  });
});
