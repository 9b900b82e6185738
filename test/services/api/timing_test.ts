/** Goal: an answer says how long it took and who computed it, in a form that clients can read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerTiming } from "../../../src/services/api/timing.ts";

const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 3 };

function timed(places: number): AnswerTiming {
  let nowMs = 100;
  const timing = new AnswerTiming({ monotonicMs: () => nowMs }, 90);
  const start = { model: "m", fingerprint: "f", promptTokens: 1, seed: 1 };
  timing.note({ index: 0, item: { type: "start", ...start } });
  nowMs = 130;
  timing.note({ index: 0, item: { type: "text", text: "a", tokens: [1, 2] } });
  nowMs = 150.26;
  const route = Array.from({ length: places }, (_, i) => {
    return { peer: `${i % 10}`.repeat(64), from: i, to: i + 1 };
  });
  const end = { finishReason: "stop", usage, tokens: [3] } as const;
  const how = places === 0 ? {} : { route };
  timing.note({ index: 0, item: { type: "end", ...end, ...how } });
  nowMs = 999;
  return timing;
}

const times =
  'first;desc="until the first text";dur=40.0, rest;desc="3 tokens in all";dur=20.3, total;dur=60.3';

test("headers() gives Server-Timing, and the route where others computed", () => {
  assert.deepEqual(timed(0).headers(), { "server-timing": times });
  assert.deepEqual(timed(2).headers(), {
    "server-timing": times,
    "x-skep-route": "000000000000 0-1, 111111111111 1-2",
  });
});

test("comment() is one line that clients of event streams pass over", () => {
  assert.equal(timed(0).comment(), `: server-timing ${times}\n\n`);
  assert.equal(timed(1).comment(), `: server-timing ${times}; route 000000000000 0-1\n\n`);
});

test("a long route is cut, and says so", () => {
  const route = timed(200).headers()["x-skep-route"] ?? "";
  assert.ok(route.endsWith(", and 136 more"));
  assert.ok(route.length < 2_000);
});

test("an answer without text has times too", () => {
  const timing = new AnswerTiming({ monotonicMs: () => 5 }, 2);
  assert.match(timing.headers()["server-timing"] ?? "", /total;dur=3\.0$/);
});
