/** `skep service` and `skep call` against a node of the same process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bootIn, withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

test(
  "service list and info show what runs, and call calls it",
  { timeout: 60_000 },
  () =>
    withFolder(async (home) => {
      const node = await bootIn(home);
      const place = ["--home", home];
      const list = await skep(["service", "list", "--json", ...place]);
      const names = JSON.parse(list.out).map(({ name }: { name: string }) => name);
      assert.deepEqual(names, [
        "api",
        "control",
        "inference",
        "journal",
        "models",
        "network",
        "parts",
        "placement",
      ]);
      const people = await skep(["service", "list", ...place]);
      assert.match(people.out, /^journal +6 methods\. Reads and verifies/m);
      const info = await skep(["service", "info", "inference", ...place]);
      assert.match(info.out, /^ {2}generate\(requestId, model, prompt, .*\)\* +Generates text/m);
      assert.match(info.out, /^ {2}tokenize\(text, model\?, addBos\?, parseSpecial\?\)/m);
      const document = await skep(["service", "info", "inference", "--json", ...place]);
      assert.equal(JSON.parse(document.out).openrpc, "1.3.2");
      const hid = await skep(["call", "control", "node.status", ...place]);
      assert.equal(JSON.parse(hid.out).hid, node.hid);
      const tokens = await skep(["call", "inference", "tokenize", '["Once"]', "--json", ...place]);
      assert.match(tokens.out, /^\{"tokens":\[[\d,]+\]\}\n$/);
      await node.stop();
    }),
);

test(
  "call prints a line for each item of a stream",
  { timeout: 60_000 },
  () =>
    withFolder(async (home) => {
      const node = await bootIn(home);
      const params = {
        requestId: "r",
        model: "stories260K",
        prompt: { kind: "text", text: "Once" },
        maxTokens: 5,
      };
      const line = ["call", "inference", "generate", JSON.stringify(params), "--home", home];
      const { code, out } = await skep(line);
      assert.equal(code, 0);
      const items = out.trimEnd().split("\n").map((text) => JSON.parse(text).type);
      assert.equal(items[0], "start");
      assert.equal(items.at(-1), "end");
      await node.stop();
    }),
);

test(
  "call says by its exit code what went wrong",
  { timeout: 60_000 },
  () =>
    withFolder(async (home) => {
      const place = ["--home", home];
      const nobody = await skep(["call", "control", "node.status", ...place]);
      assert.equal(nobody.code, 3);
      const node = await bootIn(home, { only: ["journal"] });
      const cases: [string[], number, RegExp][] = [
        [
          ["journal", "no.such"],
          1,
          /Cannot call "no\.such" as service "journal" has no such method/,
        ],
        [["journal", "journal.tail", '{"count":0}'], 1, /count: /],
        [["journal", "journal.tail", "7"], 2, /an object or an array/],
        [["journal", "journal.tail", "{"], 2, /an object or an array/],
        [
          ["inference", "models.list"],
          3,
          /No service "inference" runs: there are control, journal/,
        ],
        [["../control", "node.status"], 3, /No service/],
      ];
      for (const [args, code, pattern] of cases) {
        const result = await skep(["call", ...args, ...place]);
        assert.equal(result.code, code, args.join(" "));
        assert.match(result.err, pattern);
      }
      await node.stop();
    }),
);

test(
  "service NAME runs one service and what it needs, until a signal",
  { timeout: 60_000 },
  () =>
    withFolder(async (home) => {
      let stopped = false;
      const { code, out } = await skep(["service", "models", "--home", home, "--json"], {
        onOutput: (_out, signal) => {
          if (stopped) return;
          stopped = true;
          signal("SIGINT");
        },
      });
      assert.equal(code, 0);
      const names = JSON.parse(out).services.map(({ name }: { name: string }) => name);
      assert.deepEqual(names, ["control", "inference", "models"]);
      const none = await skep(["service", "nonsense", "--home", home]);
      assert.equal(none.code, 2);
      assert.match(none.err, /the node has api, control, inference, journal, models/);
    }),
);
