/**
 * The service "journal": lets others read and check the node's signed log. It writes nothing; services
 * append through their host.
 */
import * as v from "valibot";
import { encodeHex } from "../../hot/mod.ts";
import { implement, RpcError } from "../../kernel/mod.ts";
import type { Host, Service } from "../../kernel/mod.ts";
import type { Journal, JournalEvent, JournalReader, ProofRequest } from "../../journal/mod.ts";
import { journalContract } from "./contract.ts";
import type { JournalStatusAnswer } from "./contract.ts";

/** The journal, as this service needs it. */
export interface ReadableJournal
  extends Pick<JournalReader, "tail" | "range" | "verify">, Pick<Journal, "head" | "prove"> {
  status(): JournalStatusAnswer;
}

/** UTF-16 units of one answer's events; a frame holds more than twice so many bytes. */
const ANSWER_UNITS_MAX = 2 ** 20;

/** Makes the service for one journal. */
export function createJournalService(journal: ReadableJournal): Service {
  return {
    name: "journal",
    description: "Reads and verifies the node's signed log.",
    config: v.strictObject({}),
    needs: [],
    critical: false,
    run: (_config, host) => run(host, journal),
  };
}

async function run(host: Host, journal: ReadableJournal): Promise<void> {
  await host.serve(implement(journalContract, {
    "journal.status": () => Promise.resolve(journal.status()),
    "journal.tail": async ({ count }) => {
      const events = await journal.tail(count);
      const kept = events.slice(events.length - fitting(events.toReversed()));
      return { events: kept, omitted: events.length - kept.length };
    },
    "journal.range": async ({ from, to, limit, author }) => {
      const range = { from, author: author ?? journal.status().author };
      return await pageOf(journal.range(to === undefined ? range : { ...range, to }), limit);
    },
    "journal.verify": () => journal.verify(),
    "journal.head": () => Promise.resolve(journal.head()),
    "journal.prove": async ({ kind, size, boundary }) => {
      const proof = await proofOf(journal, { kind, size, boundary });
      return { proof: proof?.map((node) => encodeHex(node)) ?? null };
    },
  }));
  host.ready();
  await aborted(host.signal);
}

/** A proof; a tree that is not there is the caller's mistake. */
async function proofOf(
  journal: Pick<Journal, "prove">,
  request: ProofRequest,
): Promise<readonly Uint8Array[] | undefined> {
  try {
    return await journal.prove(request);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RpcError({ kind: "invalidParams", message: cause.message, cause });
  }
}

/** The first events, and the number of the one behind them. */
async function pageOf(
  range: AsyncIterable<JournalEvent>,
  limit: number,
): Promise<{ events: readonly JournalEvent[]; next: number | null }> {
  const events: JournalEvent[] = [];
  let units = 0;
  for await (const event of range) {
    units += JSON.stringify(event).length;
    const isFull = events.length === limit || (events.length > 0 && units > ANSWER_UNITS_MAX);
    if (isFull) return { events, next: event.seq };
    events.push(event);
  }
  return { events, next: null };
}

/** How many of the events, from the first on, fit into one answer: one at least. */
function fitting(events: readonly JournalEvent[]): number {
  let units = 0;
  const tooMany = events.findIndex((event) => {
    units += JSON.stringify(event).length;
    return units > ANSWER_UNITS_MAX;
  });
  return tooMany < 0 ? events.length : Math.max(1, tooMany);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
