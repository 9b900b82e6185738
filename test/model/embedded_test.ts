/** The embedded model is the fixture, byte for byte, and its module is not stale. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { embeddedModule } from "../../npm/make_embedded.ts";
import { embeddedModel, inspectModel, openGguf } from "../../src/model/mod.ts";
import { fixture } from "./_vectors.ts";

const FIXTURE = "models/stories260K/stories260K-q8_0.gguf";

test("embeddedModel() gives the bytes of the fixture, and a model that can be executed", async () => {
  const source = embeddedModel();
  const bytes = new Uint8Array(source.sizeBytes);
  assert.equal(await source.read(bytes, 0), bytes.length);
  assert.deepEqual(bytes, fixture(FIXTURE));
  assert.equal(inspectModel(await openGguf(source)).executable, true);
});

test("src/model/embedded_bytes.ts is what npm/make_embedded.ts would write", () => {
  const licence = new TextDecoder().decode(fixture("models/stories260K/LICENSE"));
  const current = readFileSync(
    new URL("../../src/model/embedded_bytes.ts", import.meta.url),
    "utf8",
  );
  assert.ok(
    current === embeddedModule(fixture(FIXTURE), licence),
    "run deno run -A npm/make_embedded.ts",
  );
});
