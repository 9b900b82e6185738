/**
 * The rules of the house, enforced: see CONTRIBUTING.md for the rules in words.
 *
 * Each rule is run over the repository, and over small trees that break it, so that a rule that has
 * stopped looking fails too.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_RULES } from "./tidy/all_rules.ts";
import { ratchetRule } from "./tidy/ratchet.ts";
import { describeFindings } from "./tidy/rule.ts";
import type { Finding } from "./tidy/rule.ts";
import { SNIPPETS } from "./tidy/snippets.ts";
import { readTree, Tree } from "./tidy/tree.ts";

const repository = readTree();

for (const rule of ALL_RULES) {
  test(`the repository keeps the rule ${rule.name}`, () => {
    const findings = rule.check(repository);
    assert.equal(findings.length, 0, describeFindings(rule, findings));
  });
}

for (const rule of ALL_RULES) {
  test(`the rule ${rule.name} finds what breaks it, and nothing else`, () => {
    const snippets = SNIPPETS.filter((snippet) => snippet.rule === rule.name);
    assert.ok(snippets.some(({ places }) => places.length > 0), "No snippet breaks this rule");
    for (const { files, places } of snippets) {
      const found = rule.check(new Tree(files)).map(placeOf).filter((place) => !isRatchet(place));
      assert.deepEqual(found, places);
    }
  });
}

test("a ratchet lets listed sizes shrink and never grow", () => {
  const tree = new Tree({});
  function findingsAt(size: number): readonly string[] {
    const measures = size === 0 ? [] : [{ key: "a.ts", path: "a.ts", line: 0, size }];
    const rule = ratchetRule({
      name: "demo",
      instead: "shrink",
      sizeMax: 10,
      unit: "lines",
      known: { "a.ts": 20 },
      measure: () => measures,
    });
    return rule.check(tree).map(({ what }) => what);
  }
  assert.deepEqual(findingsAt(20), []);
  assert.deepEqual(findingsAt(21), ["a.ts has 21 lines, above 20"]);
  assert.deepEqual(findingsAt(15), ["lower a.ts from 20 to 15"]);
  assert.deepEqual(findingsAt(10), ["remove a.ts"]);
  assert.deepEqual(findingsAt(0), ["remove a.ts"]);
});

test("the repository that the rules look at is this one", () => {
  assert.ok(repository.files.has("deno.json"));
  assert.ok(repository.files.has(".ci/run"));
  assert.ok(repository.sources("src/").length > 30);
  assert.equal([...repository.files.keys()].filter((path) => /node_modules/.test(path)).length, 0);
});

function placeOf({ path, line }: Finding): string {
  return `${path}:${line}`;
}

function isRatchet(place: string): boolean {
  return place.startsWith("test/tidy/ratchet.json");
}
