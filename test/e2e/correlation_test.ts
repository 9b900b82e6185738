/**
 * The models that are compared with llama.cpp are what they say, and the measure can fail. The
 * comparison itself needs llama.cpp: `deno run -A bench/correlation/main.ts`.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { caseShape, caseTokens, gateOf, POSITIONS } from "../../bench/correlation/cases.ts";
import { correlationOptions } from "../../bench/correlation/options.ts";
import { correlation, cosine, worstRow } from "../../bench/correlation/similarity.ts";
import { familyNames } from "../../bench/models/family_shapes.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import { bytesSource, openGguf, readModelShape } from "../../src/model/mod.ts";

for (const name of familyNames) {
  test(`the compared ${name} is read as it was meant, and 64 positions meet its windows`, async () => {
    const shape = caseShape(name);
    const folder = mkdtempSync(join(tmpdir(), "skep-correlation-"));
    try {
      const path = join(folder, "m.gguf");
      writeRandomModel({ shape, type: "q6_k", seed: 1, path });
      const file = await openGguf(bytesSource(new Uint8Array(readFileSync(path)), "m"));
      assert.deepEqual(readModelShape(file), shape);
      assert.equal(file.tensors.get("blk.0.ffn_down.weight")?.type, "Q6_K");
    } finally {
      rmSync(folder, { recursive: true });
    }
    const windows = shape.family.layers.map(({ window }) => window).filter((window) => window > 0);
    assert.ok(windows.every((window) => window < POSITIONS));
    assert.equal(windows.length > 0, name.startsWith("gemma"));
    const tokens = caseTokens(shape);
    assert.ok(tokens.every((token) => token < shape.vocabularySize));
    assert.ok(new Set(tokens).size > POSITIONS / 2);
  });
}

test("gates are closer for formats that both sides compute alike", () => {
  const decoder = caseShape("llama");
  assert.equal(gateOf(decoder, "f32"), 0.9999);
  assert.equal(gateOf(decoder, "q8_0"), 0.9995);
  assert.equal(gateOf(caseShape("bert"), "f32"), 0.999);
});

test("correlation() sees differences, and not an offset or a scale", () => {
  const a = Float32Array.of(1, 2, 3, 5);
  assert.ok(Math.abs(correlation(a, a.map((value) => value * 2 + 7)) - 1) < 1e-12);
  assert.ok(correlation(a, Float32Array.of(5, 3, 2, 1)) < -0.8);
  assert.ok(Number.isNaN(correlation(a, Float32Array.of(1, 2, NaN, 5))));
  assert.ok(Number.isNaN(cosine(a, a.subarray(1))));
});

test("worstRow() is the row that is least alike", () => {
  const a = Float32Array.of(1, 2, 3, 1, 2, 3);
  assert.ok(worstRow(a, Float32Array.of(1, 2, 3, 3, 2, 1), 3) < 0);
  assert.ok(Number.isNaN(worstRow(a, Float32Array.of(1, 2, 3, 3, NaN, 1), 3)));
});

test("the arguments choose what is compared, and wrong ones are refused", () => {
  const all = correlationOptions([])?.cases ?? [];
  assert.equal(new Set(all.map(({ family, format }) => `${family} ${format}`)).size, all.length);
  const llama = correlationOptions(["--family", "llama", "--reference"]);
  assert.equal(llama?.reference, true);
  assert.deepEqual(llama?.cases, all.filter(({ family }) => family === "llama"));
  const small = correlationOptions(["--small"])?.cases ?? [];
  assert.ok(small.length < all.length);
  assert.deepEqual(new Set(small.map(({ family }) => family)), new Set(familyNames));
  assert.deepEqual(correlationOptions(["--model", "m.gguf"])?.cases, []);
  const wrong = [["--family", "x"], ["--format", "x"], ["x"], ["--nope"], ["--family"]];
  for (const args of [...wrong, ["--model", "m", "--small"]]) {
    assert.throws(() => correlationOptions(args), TypeError, args.join(" "));
  }
});

test("main.ts --help explains itself, and wrong arguments get a sentence and exit code 2", () => {
  const main = fileURLToPath(new URL("../../bench/correlation/main.ts", import.meta.url));
  const runtime = process.versions["deno"] === undefined ? [] : ["run", "-A"];
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [...runtime, main, ...args], { encoding: "utf8" });
  const helped = run("--help");
  assert.equal(helped.status, 0, helped.stderr);
  assert.match(helped.stdout, /--family F {5}one of .*llama.*bert/);
  const refused = run("--family", "x");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^Cannot compare as there must be a family "x"\n\nCompares/);
  assert.doesNotMatch(refused.stderr, /\n {4}at /);
});
