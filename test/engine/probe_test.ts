/**
 * The probe on other kinds of hardware: V8 without its VNNI instructions answers as older x86 does.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import process from "node:process";
import { probeMode } from "../../src/engine/mod.ts";
import { fixtureNames } from "./_fixtures.ts";

test("probeMode() answers one of the three, and the same again", () => {
  assert.ok(["unsigned", "signed", "neither"].includes(probeMode()));
  assert.equal(probeMode(), probeMode());
});

test("the golden digests hold on V8 with its wide instructions switched off", {
  skip: "deno" in process.versions && "needs Node's V8 flags",
}, async () => {
  const main = fileURLToPath(new URL("./digest_main.ts", import.meta.url));
  for (const flags of [["--no-enable-avx-vnni"], ["--no-enable-avx2"], ["--liftoff-only"]]) {
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, main], {
      env: { PATH: process.env["PATH"] ?? "" },
    });
    const equal = stdout.match(/^equal /gm)?.length;
    assert.equal(equal, 2 * fixtureNames.length, `${flags}: ${stdout}`);
    const older = flags.includes("--no-enable-avx-vnni") && process.arch === "x64";
    if (older) assert.match(stdout, /probe neither/);
  }
});
