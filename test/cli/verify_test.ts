/** Goal: `skep verify` tells a good receipt from an altered one and from one that it can't judge. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { blake3 } from "hash-wasm";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import { presetShape } from "../../bench/models/presets.ts";
import { loadExecutor } from "../../src/engine/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { openFixture } from "../engine/_fixtures.ts";
import { answer } from "../receipts/_parties.ts";
import type { Alteration, Answer } from "../receipts/_parties.ts";
import { skep } from "./_support.ts";
import type { CliResult } from "./_support.ts";

const folder = new URL("../fixtures/models/stories260K/", import.meta.url);
const model = fileURLToPath(new URL("stories260K-q8_0.gguf", folder));
const otherModel = fileURLToPath(new URL("stories260K-q4_0.gguf", folder));

interface Place {
  readonly directory: string;
  readonly verify: (...args: string[]) => Promise<CliResult>;
}

/** Writes a receipt, its transcript and its leaves, for `skep verify`. */
async function withAnswer(
  plan: {
    readonly alteration: Alteration;
    readonly seed?: number;
    readonly keyValueType?: "f32" | "f16";
  },
  run: (place: Place, made: Answer) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-verify-"));
  const { keyValueType = "f32" } = plan;
  const [executor, other] = await Promise.all(
    ["stories260K-q8_0", "stories260K-q4_0"].map(async (name) =>
      await loadExecutor({
        ...await openFixture(name),
        ...{ contextMax: 64, threads: 1, keyValueType },
      })
    ),
  );
  assert.ok(executor !== undefined && other !== undefined);
  try {
    const root = await blake3(readFileSync(model));
    const random = new SeededRandom(plan.seed ?? 1);
    const made = await answer({ executor, other, root, random, alteration: plan.alteration });
    writeFileSync(join(directory, "receipt.json"), JSON.stringify(made.receipt));
    writeFileSync(join(directory, "transcript.json"), JSON.stringify(made.transcript));
    mkdirSync(join(directory, "leaves"));
    for (const [i, record] of made.leaves.entries()) {
      for (const tree of ["input", "output", "logits"] as const) {
        const name = `${i + 1}-${tree}.leaves`;
        writeFileSync(join(directory, "leaves", name), record[tree].leaves());
      }
    }
    const verify = (...args: string[]): Promise<CliResult> =>
      skep([
        ...["verify", join(directory, "receipt.json")],
        ...["--transcript", join(directory, "transcript.json"), ...args],
      ], { environment: { SKEP_HOME: directory } });
    await run({ directory, verify }, made);
  } finally {
    executor.close();
    other.close();
    rmSync(directory, { recursive: true });
  }
}

test("a good receipt ends with 0 and names who computed what", () =>
  withAnswer({ alteration: "none" }, async ({ verify }, made) => {
    const good = await verify("--model", model);
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /^requester +skep_[0-9a-f]{12}, \d+ tokens asked, 6 answered\nstage 1 /);
    assert.match(good.out, /The receipt tells the truth\n$/);
    const json = JSON.parse((await verify("--model", model, "--json")).out);
    assert.equal(json.verdict, "good");
    assert.equal(json.stages.length, made.opened.stages.length);
    assert.equal(json.positions, json.promptTokens + json.outputTokens - 1);
  }));

test("keys and values in f16 are computed as the receipt's class says", () =>
  withAnswer({ alteration: "none", keyValueType: "f16" }, async ({ verify }, made) => {
    assert.equal(made.opened.request.class, "skep-q8a-kv16/1");
    const good = await verify("--model", model);
    assert.equal(good.code, 0, good.err);
  }));

test("an altered receipt ends with 1 and names who did it, and with leaves from where on", () =>
  withAnswer({ alteration: "flipped-bit", seed: 3 }, async ({ directory, verify }, made) => {
    assert.ok(made.guilty.length === 1);
    const bad = await verify("--model", model, "--json");
    assert.equal(bad.code, 1, bad.err);
    const { verdict, finding, why } = JSON.parse(bad.out);
    assert.equal(verdict, "bad");
    assert.deepEqual([finding.kind, finding.blamed], ["wrong-output", made.guilty[0]]);
    assert.equal(finding.position, undefined);
    assert.match(why, /was given the right numbers and signed for wrong activations$/);
    const leaves = join(directory, "leaves");
    const named = await verify("--model", model, "--leaves", leaves);
    assert.equal(named.code, 1);
    assert.match(named.out, /signed for wrong activations from position \d+ on\n$/);
  }));

test("a changed signature, and a stage that is left out, end with 1", () =>
  withAnswer({ alteration: "none" }, async ({ directory, verify }, { receipt }) => {
    const file = join(directory, "receipt.json");
    const changed = receipt.request.statement.replace(`"seed":`, `"seed":1`);
    writeFileSync(
      file,
      JSON.stringify({ ...receipt, request: { ...receipt.request, statement: changed } }),
    );
    const signed = await verify("--model", model);
    assert.equal(signed.code, 1);
    assert.match(signed.err, /the signature is not that of the requester/);
    writeFileSync(file, JSON.stringify({ ...receipt, stages: receipt.stages.slice(1) }));
    const json = await verify("--model", model, "--json");
    assert.equal(json.code, 1);
    assert.equal(JSON.parse(json.out).verdict, "bad");
  }));

test("another model, another transcript and missing files can't be judged and end with 5", () =>
  withAnswer({ alteration: "none" }, async ({ directory, verify }, { transcript }) => {
    const other = await verify("--model", otherModel);
    assert.equal(other.code, 5);
    assert.match(other.err, /its model has root [0-9a-f]{16} and ".*" has [0-9a-f]{16}/);
    // Even of another count of layers, which the receipt's stages can't agree with.
    const deeperModel = join(directory, "deeper.gguf");
    const shape = presetShape("15m");
    writeRandomModel({ shape, type: "q8_0", seed: 1, path: deeperModel, name: "deeper" });
    const deeper = await verify("--model", deeperModel);
    assert.equal(deeper.code, 5);
    assert.match(deeper.err, /its model has root [0-9a-f]{16} and ".*" has [0-9a-f]{16}/);
    const missing = await verify("--model", join(directory, "no.gguf"));
    assert.equal(missing.code, 5, missing.err);
    const file = join(directory, "transcript.json");
    writeFileSync(file, JSON.stringify({ ...transcript, salt: "00".repeat(32) }));
    const salted = await verify("--model", model, "--json");
    assert.equal(salted.code, 5);
    assert.match(JSON.parse(salted.out).why, /the transcript is another answer's/);
    writeFileSync(file, JSON.stringify({ ...transcript, more: 1 }));
    assert.equal((await verify("--model", model)).code, 5);
    rmSync(file);
    assert.equal((await verify("--model", model)).code, 5);
  }));
