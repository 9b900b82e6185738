/** Goal: what `skep up --save` was told holds at the next `skep up`, and a flag wins for that start alone. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";
import type { CliResult } from "./_support.ts";

const file = fileURLToPath(
  new URL("../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);

/** Starts a node, asks it for its status, and stops it. */
async function upOnce(
  home: string,
  more: readonly string[],
): Promise<CliResult & { readonly status: Record<string, { readonly value: string }> }> {
  let asking: Promise<CliResult> | undefined;
  const ended = await skep(["up", "--home", home, "--listen", "127.0.0.1:0", ...more], {
    onOutput: (_out, signal) => {
      asking ??= skep(["status", "--json", "--home", home]).finally(() => signal("SIGTERM"));
    },
  });
  const told = await asking;
  return { ...ended, status: JSON.parse(told?.out ?? "{}").settings };
}

test("up --save is remembered by the next up; another --model holds for its start alone", {
  timeout: 60_000,
}, () =>
  withFolder(async (home) => {
    const path = join(home, "state/remembered.json");
    const first = await upOnce(home, ["--model", file, "--layers", "0-5", "--save"]);
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /stories260K-q8_0/);
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), {
      by: "skep up --save",
      model: { value: file, over: null },
      layers: { value: "0-5", over: null },
    });
    const from = `remembered since "skep up --save": ${path}`;
    const second = await upOnce(home, []);
    assert.match(second.out, /stories260K-q8_0/);
    assert.deepEqual(second.status, {
      model: { value: file, from },
      layers: { value: "0-5", from },
    });
    const other = await upOnce(home, ["--model", "embedded"]);
    assert.doesNotMatch(other.out, /q8_0/);
    assert.deepEqual(other.status, {
      model: { value: "embedded", from: "--model" },
      layers: { value: "all", from: "default" },
    });
    // A node that does not start with it is not made to have it again.
    const wrong = await upOnce(home, ["--model", "nosuch", "--save"]);
    assert.equal(wrong.code, 1);
    assert.match(readFileSync(path, "utf8"), /q8_0/);
    const nothing = await upOnce(home, ["--save"]);
    assert.match(nothing.err, /Note: Nothing is remembered as neither --model nor --layers/);
    assert(existsSync(path));
  }));
