/** Goal: a manifest comes back as it was, and one that is wrong anywhere is refused, with its place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isModelName, manifestFile, modelNameOf, parseManifest } from "../../src/model/mod.ts";
import type { ModelManifest } from "../../src/model/mod.ts";
import { encodeManifest } from "../../src/model/manifest.ts";
import { isModelError, runs } from "./_files.ts";

const manifest: ModelManifest = {
  format: "skep-model/1",
  name: "small-1.5b",
  file: { path: "/models/small.gguf", sizeBytes: 50_000, modifiedMs: 1_795_000_000_000 },
  root: "ab".repeat(32),
  outboard: { path: "small.abababababababab.outboard", sizeBytes: 192, digest: "01".repeat(32) },
  numericClasses: ["skep-q8a/1"],
  obstacles: [],
  shards: [
    { part: "header", ranges: [{ offsetBytes: 0, lengthBytes: 100 }] },
    {
      part: "layer",
      layer: 3,
      ranges: [{ offsetBytes: 128, lengthBytes: 100 }, {
        offsetBytes: 49_000,
        lengthBytes: 1000,
      }],
    },
  ],
};

function parse(value: unknown): ModelManifest {
  return parseManifest(new TextEncoder().encode(JSON.stringify(value)), "here.json");
}

/** The manifest with one member replaced, by its path. */
function withMember(path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(manifest) as unknown;
  let at = copy as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? "";
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

test("parseManifest() gives back what encodeManifest() wrote", () => {
  assert.deepEqual(parseManifest(encodeManifest(manifest), "here.json"), manifest);
  assert.equal(manifestFile("/m", manifest), "/models/small.gguf");
  const own = parse(withMember(["file", "path"], "small.gguf"));
  assert.equal(manifestFile("/m", own), "/m/small.gguf");
});

test("parseManifest() names the member that is wrong", () => {
  const cases: readonly (readonly [readonly (string | number)[], unknown, RegExp])[] = [
    [["format"], "skep-model/2", /format/],
    [["name"], "../up", /name/],
    [["name"], "embedded", /name/],
    [["file", "path"], "../small.gguf", /file\.path/],
    [["file", "path"], "/models/a\0b", /file\.path/],
    [["file", "path"], "..", /file\.path/],
    [["file", "sizeBytes"], -1, /file\.sizeBytes/],
    [["file", "sizeBytes"], 2 ** 36 + 1, /file\.sizeBytes/],
    [["file", "sizeBytes"], 0.5, /file\.sizeBytes/],
    [["file", "sizeBytes"], 80_000, /outboard must have 256 bytes/],
    [["file", "sizeBytes"], 49_999, /within the file/],
    [["root"], "AB".repeat(32), /root.*64 hexadecimal/],
    [["root"], undefined, /root/],
    [["outboard", "path"], "a/b", /outboard\.path/],
    [["outboard", "path"], ".", /outboard\.path/],
    [["outboard", "digest"], "", /outboard\.digest/],
    [["numericClasses", 0], 7, /numericClasses\.0/],
    [["shards", 0, "part"], "tail", /shards\.0\.part/],
    [["shards", 1, "layer"], -1, /shards\.1\.layer/],
    [["shards", 1, "ranges"], [], /shards\.1\.ranges/],
    [["shards", 1, "ranges", 0, "lengthBytes"], 49_000, /must ascend/],
    [["extra"], true, /extra/],
  ];
  for (const [path, value, pattern] of cases) {
    const what = `${path.join(".")} = ${String(value)}`;
    assert.throws(
      () => parse(withMember(path, value)),
      isModelError("bad-manifest", pattern),
      what,
    );
  }
});

test("parseManifest() refuses anything else by its own error", () => {
  for (const text of ["", "{", "[]", "null", "7", '"x"', "\ufeff{}", "[".repeat(20_000)]) {
    const bytes = new TextEncoder().encode(text);
    assert.throws(() => parseManifest(bytes, "x"), isModelError("bad-manifest", /skep model add/));
  }
  const broken = Uint8Array.of(0x22, 0xff, 0x22);
  assert.throws(() => parseManifest(broken, "x"), isModelError("bad-manifest", /no JSON/));
  const whole = encodeManifest(manifest);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const spoiled = whole.slice();
      spoiled[at] = byte;
      try {
        parseManifest(spoiled, "x");
      } catch (thrown) {
        isModelError("bad-manifest")(thrown);
      }
    }),
    { numRuns: runs(300) },
  );
});

test("modelNameOf() makes a name of any path", () => {
  assert.equal(modelNameOf("/a/Small-1.5B.Q4_0.GGUF"), "Small-1.5B.Q4_0");
  assert.equal(modelNameOf("/a/my model (2).gguf"), "my-model-2-");
  assert.equal(modelNameOf("/a/\u00fc.gguf"), "model");
  assert.equal(modelNameOf("/a/embedded"), "model");
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (path) => assert.ok(isModelName(modelNameOf(path)))),
    { numRuns: runs(200) },
  );
});
