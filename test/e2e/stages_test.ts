/**
 * Goal: a model split over processes computes the same bits as one process that holds it whole.
 * Method: processes of both runtimes, linked by libp2p over TCP; the tokens, a digest of every row of
 * logits and one of the prompt's last activations are compared, greedy and seeded, with and without
 * drafts.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { NodeAnswer, Text } from "../../bench/mesh/protocol.ts";
import { Ring, startNode } from "../../bench/mesh/ring.ts";
import type { Runtime } from "../../bench/mesh/ring.ts";
import { TOP } from "../../npm/tools.ts";
import { isLong } from "../_long.ts";

const layerCount = 5;
const path = join(TOP, "test/fixtures/models/stories260K/stories260K-q8_0.gguf");
const own: Runtime = process.versions["deno"] === undefined ? "Node" : "Deno";
const other: Runtime = own === "Node" ? "Deno" : "Node";

/** A prompt that passes a page's end, and goes on while it is computed. */
const prompt = Array.from({ length: 40 }, (_, i) => i === 0 ? 1 : 3 + (i * 79) % 500);
const greedy: Text = { prompt, count: 24, speculate: 0 };
const texts: readonly Text[] = [
  greedy,
  { ...greedy, speculate: 7, quotes: true },
  { ...greedy, seed: 7 },
  { ...greedy, prompt: [1], seed: 8 },
];

type Digests = Pick<NodeAnswer, "tokens" | "digests">;

/** What one process answers, by text; computed once. */
let whole: Promise<readonly Digests[]> | undefined;

async function digestsOf(
  ask: (question: { readonly op: "digest" } & Text) => Promise<NodeAnswer>,
): Promise<readonly Digests[]> {
  const all: Digests[] = [];
  for (const text of texts) {
    const { tokens, digests } = await ask({ op: "digest", ...text });
    assert.equal(tokens?.length, text.count + 1);
    assert.match(digests?.activations ?? "", /^[0-9a-f]{64}$/);
    if (digests !== undefined) all.push({ tokens, digests });
  }
  return all;
}

async function computeWhole(): Promise<readonly Digests[]> {
  const node = startNode(own);
  try {
    await node.ask({ op: "load", path, node: 99 });
    return await digestsOf((question) => node.ask(question));
  } finally {
    node.end();
  }
}

for (
  const [name, runtimes] of [
    ["2 processes", [own, other]],
    ...isLong
      ? [
        ["3 processes", [other, own, other]],
        ["5 processes", [other, own, other, own, other]],
      ] as const
      : [],
  ] as const
) {
  test(`a model over ${name} of both runtimes computes the bits of one process`, {
    timeout: 120_000,
  }, async () => {
    const expected = await (whole ??= computeWhole());
    const [plain, quoting, seeded] = expected;
    assert.notDeepEqual(plain?.tokens, seeded?.tokens);
    assert.notDeepEqual(plain?.tokens, quoting?.tokens);
    await using ring = await Ring.start({ path, layerCount, runtimes });
    assert.deepEqual(await digestsOf((question) => ring.ask(question)), expected);
  });
}
