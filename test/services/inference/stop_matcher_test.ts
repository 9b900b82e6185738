// Goal: the matcher's result depends on the text alone. Method: against indexOf over the whole text,
// with the text cut into random pieces of whole code points.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StopMatcher } from "../../../src/services/inference/stop_matcher.ts";

const runs = 300 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");

/** The plain definition: of all first occurrences the one that ends first, then the longer. */
function expected(text: string, stops: readonly string[]): { text: string; stop?: string } {
  const found = stops
    .map((stop) => ({ stop, start: text.indexOf(stop) }))
    .filter((match) => match.start >= 0)
    .sort((a, b) => a.start + a.stop.length - (b.start + b.stop.length) || a.start - b.start)[0];
  return found === undefined ? { text } : { text: text.slice(0, found.start), stop: found.stop };
}

function run(pieces: readonly string[], stops: readonly string[]): { text: string; stop?: string } {
  const matcher = new StopMatcher(stops);
  let text = "";
  for (const piece of pieces) {
    const step = matcher.push(piece);
    text += step.text;
    if (step.stop !== undefined) return { text, stop: step.stop };
  }
  return { text: text + matcher.flush() };
}

const symbol = fc.constantFrom("a", "b", "ab", "\n", "😀", "😁", "é", "👩‍🚀");
const stopStrings = fc.array(
  fc.array(symbol, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
  { maxLength: 4 },
);
const pieces = fc.array(
  fc.array(symbol, { maxLength: 3 }).map((parts) => parts.join("")),
  { maxLength: 20 },
);

test("StopMatcher finds what indexOf finds in the whole text, however the text is cut", () => {
  fc.assert(
    fc.property(pieces, stopStrings, (cut, stops) => {
      assert.deepEqual(run(cut, stops), expected(cut.join(""), stops));
    }),
    { numRuns: runs },
  );
});

test("StopMatcher gives one result for one text, whole, in two pieces at every cut, and by symbol", () => {
  const text = "ab😀ababa😀b\nend";
  const stops = ["aba😀b", "ba😀c", "\nx"];
  const symbols = [...text];
  const whole = run([text], stops);
  assert.deepEqual(run(symbols, stops), whole);
  for (let cut = 0; cut <= symbols.length; cut++) {
    const two = [symbols.slice(0, cut).join(""), symbols.slice(cut).join("")];
    assert.deepEqual(run(two, stops), whole);
  }
});

test("StopMatcher holds back no more than a possible beginning of a stop string", () => {
  const matcher = new StopMatcher(["</s>", "stop"]);
  assert.deepEqual(matcher.push("hello s"), { text: "hello " });
  assert.deepEqual(matcher.push("t"), { text: "" });
  assert.deepEqual(matcher.push("art<"), { text: "start" });
  assert.equal(matcher.flush(), "<");
});

test("StopMatcher drops the stop string and all that follows it", () => {
  const matcher = new StopMatcher(["\n\n"]);
  assert.deepEqual(matcher.push("one\n"), { text: "one" });
  assert.deepEqual(matcher.push("\ntwo"), { text: "", stop: "\n\n" });
});

test("StopMatcher prefers the match that ends first, and of two the longer", () => {
  assert.deepEqual(run(["xabcdx"], ["abcd", "bc"]), { text: "xa", stop: "bc" });
  assert.deepEqual(run(["xabcdx"], ["cd", "abcd"]), { text: "x", stop: "abcd" });
});

test("StopMatcher refuses an empty stop string and half of a surrogate pair", () => {
  assert.throws(() => new StopMatcher([""]), RangeError);
  assert.throws(() => new StopMatcher(["a\ud83d"]), RangeError);
});
