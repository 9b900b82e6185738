import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { thrumVersion, version, versionLine } from "../../src/node/version.ts";

test("version is the one of deno.json", async () => {
  const manifest: unknown = JSON.parse(
    await readFile(new URL("../../deno.json", import.meta.url), "utf8"),
  );
  assert.equal(Reflect.get(Object(manifest), "version"), version);
});

test("versionLine has the documented form", () => {
  assert.equal(versionLine, `skep ${version} (thrum ${thrumVersion})`);
  assert.equal(thrumVersion, "0.7.0");
});
