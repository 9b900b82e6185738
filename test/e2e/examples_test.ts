/** Goal: every example runs as it stands and prints an answer. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bootIn, withFolder } from "../node/_support.ts";

const folder = fileURLToPath(new URL("../../examples", import.meta.url));

const runner = process.versions["deno"] === undefined ? [] : [
  "run",
  "--no-prompt",
  "--unstable-lazy-dynamic-imports",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
];

/** Runs one example to its end; gives what it printed. */
function runExample(name: string, args: readonly string[] = []): Promise<string> {
  const child = spawn(process.execPath, [...runner, `${folder}/${name}`, ...args], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new TypeError(`${name} ended with ${code}:\n${err}`));
    });
  });
}

const tests: Readonly<Record<string, () => Promise<void>>> = {
  "embed_a_node.ts": async () => assert.match(await runExample("embed_a_node.ts"), /\w{3}.*\n$/s),
  "own_service.ts": async () =>
    assert.match(await runExample("own_service.ts"), /^Once there was Lily\W.+\n$/s),
  "openai_client.ts": () =>
    withFolder(async (home) => {
      await using node = await bootIn(home);
      const out = await runExample("openai_client.ts", [node.addresses["api"] ?? ""]);
      assert.match(out, /\w{3}.*\n$/s);
    }),
};

test("every example has a test", () => {
  assert.deepEqual(readdirSync(folder).sort(), Object.keys(tests).sort());
});

for (const [name, run] of Object.entries(tests)) {
  test(`examples/${name} runs and prints an answer`, run);
}
