/** Goal: `skep model add`, `list` and `verify` on real files, as a person and a script see them. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { blake3 } from "hash-wasm";
import { skep } from "./_support.ts";
import type { CliResult } from "./_support.ts";

const MODEL = fileURLToPath(
  new URL("../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);

async function withHome(
  run: (place: {
    readonly home: string;
    readonly file: string;
    readonly model: (...args: string[]) => Promise<CliResult>;
  }) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "skep-model-"));
  try {
    const file = join(home, "tiny.gguf");
    copyFileSync(MODEL, file);
    const model = (...args: string[]): Promise<CliResult> =>
      skep(["model", ...args], { environment: { SKEP_HOME: home } });
    await run({ home, file, model });
  } finally {
    rmSync(home, { recursive: true });
  }
}

test("skep model add prints and stores a manifest, which list and verify find", async () => {
  await withHome(async ({ home, file, model }) => {
    const added = await model("add", file, "--json");
    assert.equal(added.code, 0, added.err);
    const manifest = JSON.parse(added.out);
    assert.equal(manifest.root, await blake3(readFileSync(file)));
    assert.deepEqual(manifest.numericClasses, ["skep-q8a/1", "skep-q8a-kv16/1"]);
    const stored = readFileSync(join(home, "data/models/tiny.manifest.json"), "utf8");
    assert.deepEqual(JSON.parse(stored), manifest);
    assert.match(
      (await model("list")).out,
      /^tiny {2}unchanged {2}379\.2 kB {2}[0-9a-f]{16} {2}\//,
    );
    for (const args of [[], ["tiny"], [file]]) {
      const verified = await model("verify", ...args);
      assert.equal(verified.code, 0, verified.err);
      assert.match(verified.out, /^tiny: intact, 379\.2 kB, .*\/s\n$/);
    }
    const again = await model("add", file);
    assert.match(again.out, /^name +tiny\nfile .*\nroot +[0-9a-f]{64}\n/);
  });
});

test("skep model verify ends with 1 and the offset of the first wrong group", async () => {
  await withHome(async ({ file, model }) => {
    await model("add", file);
    const bytes = readFileSync(file);
    bytes[200_000] = 1 ^ (bytes[200_000] ?? 0);
    bytes[300_000] = 1 ^ (bytes[300_000] ?? 0);
    writeFileSync(file, bytes);
    const damaged = await model("verify", "tiny");
    assert.equal(damaged.code, 1);
    assert.match(
      damaged.out,
      /tiny\.gguf is damaged, first at offset 196608 \(layer 1, layer 2\)\n$/,
    );
    const [row] = JSON.parse((await model("verify", "--json")).out);
    assert.deepEqual([row.state, row.offsetBytes], ["damaged", 196_608]);
    appendFileSync(file, "x");
    assert.match((await model("verify")).out, /another length than it had: 379169 bytes/);
    assert.match((await model("list")).out, /changed/);
    rmSync(file);
    const missing = await model("verify");
    assert.equal(missing.code, 1);
    assert.match(missing.out, /there is no file/);
    assert.match((await model("list", "--json")).out, /"state": "missing"/);
  });
});

test("skep model add copies, names, and refuses what is no model or no name", async () => {
  await withHome(async ({ home, file, model }) => {
    assert.equal((await model("add", file, "--copy", "--name", "mine")).code, 0);
    rmSync(file);
    assert.equal((await model("verify", "mine")).code, 0);
    assert.match((await model("add", file)).err, /no such file/);
    const text = join(home, "text.gguf");
    writeFileSync(text, "no model at all");
    assert.match((await model("add", text)).err, /'GGUF'/);
    assert.match((await model("add", MODEL, "--name", "a/b")).err, /it must be 1 to 128 letters/);
    const unknown = await model("verify", "other");
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /no manifest: run "skep model add" first/);
  });
});

test("skep model list and verify say when there is nothing, and what cannot be used", async () => {
  await withHome(async ({ home, model, file }) => {
    assert.match((await model("list")).err, /No model has a manifest yet/);
    assert.equal((await model("verify")).code, 0);
    await model("add", file);
    writeFileSync(join(home, "data/models/odd.manifest.json"), "{");
    assert.match((await model("list")).out, /^odd {2}unusable {2}Cannot use manifest .* no JSON/);
    const verified = await model("verify");
    assert.equal(verified.code, 1);
    assert.match(verified.err, /odd\.manifest\.json' as it is no JSON/);
    assert.equal((await model("verify", "tiny")).code, 0);
  });
});

test("skep chat --model takes the name of a model that was added", async () => {
  await withHome(async ({ home, file, model }) => {
    await model("add", file, "--name", "small");
    const environment = { SKEP_HOME: home, TMPDIR: tmpdir() };
    const args = ["chat", "Once", "--model", "small", "--seed", "1", "--max-tokens", "4", "--json"];
    const answer = await skep(args, { environment });
    assert.equal(answer.code, 0, answer.err);
    const wrong = await skep(["chat", "Once", "--model", "nothing"], { environment });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.err, /'nothing' .* added \(small\); .* --model \.\/nothing\n$/);
  });
});

test("skep model add refuses a model that cannot be run, unless it is told to", () =>
  withHome(async ({ file, model }) => {
    const bytes = readFileSync(file);
    bytes.write("other", bytes.indexOf("llama", bytes.indexOf("general.architecture")));
    writeFileSync(file, bytes);
    const refused = await model("add", file);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^Error: [^\n]*'other'[^\n]*--force\n$/);
    assert.deepEqual(JSON.parse((await model("list", "--json")).out), []);
    assert.equal((await model("add", file, "--force")).code, 0);
  }));

test("skep chat warns in one line when the file has changed since it was added", () =>
  withHome(async ({ home, file, model }) => {
    assert.equal((await model("add", file)).code, 0);
    utimesSync(file, 1, 1);
    const environment = { SKEP_HOME: home, TMPDIR: home };
    const chat = ["chat", "--max-tokens", "2", "--model", "tiny", "Hi"];
    const { code, err } = await skep(chat, { environment });
    assert.equal(code, 0, err);
    assert.match(err, /^Warning: [^\n]*tiny\.gguf has changed since it was added[^\n]*\n$/);
  }));
