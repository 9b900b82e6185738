import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseScript, parseTime } from "../../src/simulation/mod.ts";

test("parseScript() reads every verb, in the order of the times", () => {
  const text = `
    # two halves
    70s heal
    10s  partition 1-2 | 3, 5
    1.5m crash 3   # alone
    2m cut 4,1-2
    2m stop 5
    150s restart 3,4
    3m churn every 20s down 500ms until 1h
    4m check
    2h end`;
  assert.deepEqual(parseScript(text, 5), [
    { kind: "partition", atMs: 10_000, groups: [[1, 2], [3, 5]] },
    { kind: "heal", atMs: 70_000 },
    { kind: "crash", atMs: 90_000, nodes: [3] },
    { kind: "cut", atMs: 120_000, nodes: [4, 1, 2] },
    { kind: "stop", atMs: 120_000, nodes: [5] },
    { kind: "restart", atMs: 150_000, nodes: [3, 4] },
    { kind: "churn", atMs: 180_000, everyMs: 20_000, downMs: 500, untilMs: 3_600_000 },
    { kind: "check", atMs: 240_000 },
    { kind: "end", atMs: 7_200_000 },
  ]);
});

test("parseScript() names the line and what is wrong with it", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["\n10s explode 3", /line 2 .*one of crash, cut.*"10s explode 3"/],
    ["10 crash 3", /like 250ms.*"10".*in line 1/],
    ["31d crash 3", /"31d"/],
    ["800h crash 3", /at most 30 days.*"800h"/],
    ["1s crash", /line 1/],
    ["1s crash 6", /from 1 to 5.*"6", in line 1/],
    ["1s crash 3-2", /"3-2"/],
    ["1s crash 1 2", /"1 2", in line 1: write it like "10s crash 3,5-7"/],
    ["1s partition 1-2 3-4", /"1-2 3-4", in line 1: write it like "10s partition 1-5 \| 6-10"/],
    ["1s partition 1-2 |", /"", in line 1/],
    ["1s partition 1-5", /all 5 are in one group: put a "\|" between .*, in line 1/],
    ["\n1s partition", /line 2 of the script as it must be written like "10s partition 1-5 \| 6/],
    ["1s crash 0", /"0"/],
    ["1s partition 1-3|3-4", /in one group only: name node 3 once, in line 1/],
    ["1s heal 3", /line 1/],
    ["1s churn every 20s", /line 1/],
    ["1s churn every 0s down 1s until 1m", /line 1/],
    ["\n".repeat(10_000), /at most 10000 lines/],
  ];
  for (const [text, sentence] of wrong) {
    assert.throws(() => parseScript(text, 5), (thrown) => {
      assert.ok(thrown instanceof SyntaxError, String(thrown));
      assert.match(thrown.message, sentence);
      return true;
    });
  }
});

test("parseScript() reads any text or refuses it by a SyntaxError", () => {
  const word = fc.constantFrom(
    ...["10s", "1h", "crash", "churn", "every", "down", "until", "partition", "|", "1-3", "9", "#"],
  );
  const line = fc.oneof(fc.string(), fc.array(word, { maxLength: 8 }).map((all) => all.join(" ")));
  fc.assert(fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
    try {
      const actions = parseScript(lines.join("\n"), 5);
      actions.forEach(({ atMs }, i) => assert.ok(atMs >= (actions[i - 1]?.atMs ?? 0)));
    } catch (thrown) {
      assert.ok(thrown instanceof SyntaxError, String(thrown));
    }
  }));
});

test("parseTime() knows milliseconds, seconds, minutes and hours", () => {
  assert.deepEqual(["250ms", "1.5s", "2m", "1h"].map(parseTime), [250, 1_500, 120_000, 3_600_000]);
});
