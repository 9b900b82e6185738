/** What the service "journal" promises: its methods, their parameters and their answers. */
import * as v from "valibot";
import { callContract } from "../../kernel/mod.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const noParams = v.optional(v.strictObject({}), {});

/** Events of one answer at most. */
export const EVENTS_MAX = 1_000;

/** How the journal is. */
export const journalStatus = v.object({
  state: v.picklist(["open", "recovering", "failed", "closed"]),
  author: v.pipe(v.string(), v.description("The node's own id, whose events are being written.")),
  seq: v.pipe(count, v.description("Number of the last event; 0 when there is none.")),
  hash: v.pipe(v.string(), v.description("SHA-256 of its signed bytes, in hex.")),
  tsMs: v.pipe(count, v.description("Its time, Unix milliseconds.")),
  file: v.optional(v.string()),
  recovered: v.object({ cutBytes: count }),
  pending: v.pipe(count, v.description("Events that wait to be written.")),
  counters: v.record(v.string(), count),
});

/** How the journal is, as a value. */
export type JournalStatusAnswer = v.InferOutput<typeof journalStatus>;

const event = v.object({
  author: v.string(),
  seq: count,
  ts_ms: count,
  chi: v.pipe(v.string(), v.description("The kind of event.")),
  sid: v.optional(v.string()),
  rid: v.pipe(v.string(), v.description("The request or cause.")),
  body: v.unknown(),
  prev_hash: v.string(),
  sig: v.string(),
});

const events = v.pipe(v.array(event), v.readonly());

/** A page of the journal. */
const page = v.object({
  events,
  next: v.pipe(
    v.nullable(count),
    v.description("Where the next page begins; null when there is none."),
  ),
});

const report = v.object({
  ok: v.boolean(),
  events: count,
  sizeBytes: count,
  tornBytes: count,
  authors: v.pipe(
    v.array(v.object({
      author: v.string(),
      events: count,
      firstSeq: count,
      lastSeq: count,
      lastHash: v.string(),
      root: v.pipe(
        v.string(),
        v.description("Root of the tree over all its events, in hex; empty when none is known."),
      ),
    })),
    v.readonly(),
  ),
  problems: v.pipe(
    v.array(v.object({ code: v.string(), file: v.string(), line: count, message: v.string() })),
    v.readonly(),
  ),
  problemCount: count,
});

const signedHead = v.object({
  size: v.pipe(count, v.description("Events.")),
  root: v.pipe(v.string(), v.description("Root of the RFC 6962 tree over their hashes, in hex.")),
  tsMs: v.pipe(count, v.description("When it was signed, Unix milliseconds.")),
  signature: v.pipe(
    v.string(),
    v.description(
      'Ed25519 for "journal-head" over the canonical JSON of author, root, size, tsMs.',
    ),
  ),
});

/** The contract. */
export const journalContract = {
  "journal.status": callContract({
    summary: "Tells how far the journal has come.",
    params: noParams,
    result: journalStatus,
  }),
  "journal.tail": callContract({
    summary: "Gives the last events, oldest first, as far as they fit into one answer.",
    params: v.optional(
      v.strictObject({
        count: v.pipe(
          v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(EVENTS_MAX)), 10),
          v.description("How many."),
        ),
      }),
      {},
    ),
    result: v.object({
      events,
      omitted: v.pipe(count, v.description("Older ones that did not fit.")),
    }),
  }),
  "journal.range": callContract({
    summary: "Gives events of one author by their numbers, a page at a time.",
    params: v.optional(
      v.strictObject({
        from: v.pipe(
          v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1)), 1),
          v.description("The first number."),
        ),
        to: v.pipe(
          v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
          v.description("The last number; without it, the newest."),
        ),
        limit: v.pipe(
          v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(EVENTS_MAX)), 100),
          v.description("Events of a page at most; a page holds fewer where they are large."),
        ),
        author: v.pipe(
          v.optional(v.pipe(v.string(), v.maxLength(128))),
          v.description("Whose events; without it, the node's own."),
        ),
      }),
      {},
    ),
    result: page,
  }),
  "journal.verify": callContract({
    summary: "Reads the whole journal and checks every line, chain and signature.",
    params: noParams,
    result: report,
  }),
  "journal.head": callContract({
    summary: "Signs how far the journal has come, as far as it survives a power cut.",
    params: noParams,
    result: signedHead,
  }),
  "journal.prove": callContract({
    summary:
      "Proves that one tree of the journal begins with another, or that an event is in one (RFC 6962).",
    params: v.strictObject({
      kind: v.picklist(["consistency", "inclusion"]),
      size: v.pipe(
        v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        v.description("Events of the tree."),
      ),
      boundary: v.pipe(
        v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        v.description("Events of the earlier tree, or the event's number less one."),
      ),
    }),
    result: v.object({
      proof: v.pipe(
        v.nullable(v.array(v.string())),
        v.description("Nodes in hex; null when retention has removed what it takes."),
      ),
    }),
  }),
};
