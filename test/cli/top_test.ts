/** Goal: plan and top show a running node, end cleanly, fit their terminal, and colour only there. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../src/node/mod.ts";
import type { RunningNode } from "../../src/node/mod.ts";
import type { MeshOverview, PlacementPlans } from "../../src/services/placement/mod.ts";
import { skep } from "./_support.ts";

const home = mkdtempSync(join(tmpdir(), "skep-top-"));
let node: RunningNode;

before(async () => {
  node = await run({ api: { listen: "127.0.0.1:0" } }, { home, configFile: false });
});

after(async () => {
  await node.stop();
  rmSync(home, { recursive: true });
});

const at = ["--home", home];

test("skep plan says that a node by itself computes its model, and that nobody else reads", async () => {
  const { code, out } = await skep(["plan", ...at]);
  assert.equal(code, 0);
  assert.match(out, /^stories260K: 5 layers, skep-q8a\/1/);
  assert.match(out, /This node computes all of it/);
  assert.match(out, /Could read the prompt: nobody but this node\./);
  const json = await skep(["plan", "stories260K", "--json", ...at]);
  const { plans, rules } = JSON.parse(json.out) as PlacementPlans;
  assert.deepEqual([plans.length, plans[0]?.isSolo, rules.ownEdgeLayers], [1, true, 1]);
  const missing = await skep(["plan", "nothing", ...at]);
  assert.equal(missing.code, 1);
  assert.match(
    missing.err,
    /Cannot plan model "nothing" as it is none of those .* reaches: "stories260K"/,
  );
});

test("skep top --once prints one plain picture, and --json a line that scripts read", async () => {
  const { code, out } = await skep(["top", "--once", "--interval", "100", ...at]);
  assert.equal(code, 0);
  assert.match(out, /^skep skep_[0-9a-f]{12} {2}mesh: none, 0 members, 0 linked\n/);
  assert.match(out, /tokens\/s {2}0\.0/);
  assert.match(out, /slots {5}0\/8/);
  assert.match(out, /stories260K: whole on this node/);
  // deno-lint-ignore no-control-regex
  assert.ok(!/\x1b/.test(out), "No colours where nobody looks");
  const json = await skep(["top", "--once", "--json", "--interval", "100", ...at]);
  assert.equal(json.out.trim().split("\n").length, 1);
  const answer = JSON.parse(json.out) as MeshOverview & { rates: Record<string, number> };
  assert.equal(answer.rates["inference_completion_tokens_total"], 0);
  assert.equal(answer.hid, node.hid);
});

test("skep top draws in place on a terminal of any size, and gives it back at Ctrl-C", async () => {
  const size = { columns: 30, rows: 6 };
  let frames = 0;
  const { code, out } = await skep(["top", "--interval", "100", ...at], {
    terminal: true,
    size,
    onOutput: (text, signal) => {
      frames = text.split("\x1b[H").length - 1;
      if (frames === 2) Object.assign(size, { columns: 50, rows: 9 });
      if (frames === 3) signal("SIGINT");
    },
  });
  assert.equal(code, 0);
  assert.ok(out.startsWith("\x1b[?1049h\x1b[?25l"));
  assert.ok(out.endsWith("\x1b[?25h\x1b[?1049l"));
  // deno-lint-ignore no-control-regex
  assert.match(out, /\x1b\[1mskep \x1b\[0m/);
  for (const [i, frame] of out.split("\x1b[H").slice(1).entries()) {
    // deno-lint-ignore no-control-regex
    const lines = frame.replaceAll(/\x1b\[\??[0-9;]*[a-zA-Z]/g, "").split("\n");
    assert.ok(lines.length <= (i < 2 ? 6 : 9), `${lines.length} lines`);
    assert.ok(lines.every((line) => line.length <= (i < 2 ? 30 : 50)));
  }
});

test("skep top and plan say that no node runs", async () => {
  for (const command of ["top", "plan"]) {
    const { code, err } = await skep([command, "--home", join(home, "nobody")]);
    assert.equal(code, 3);
    assert.match(err, /No node is running/);
  }
});
