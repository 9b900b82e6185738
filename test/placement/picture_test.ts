/** Goal: a route can be read: who, what, how long, and which hops. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawRoute } from "../../src/placement/mod.ts";

const stage = { embedding: false, head: false, computeMs: 2, hopMs: 0 };

test("drawRoute() shows stages and hops, and the way back", () => {
  const picture = drawRoute([
    { ...stage, name: "this node", from: 0, to: 1, embedding: true },
    { ...stage, name: "laptop", from: 1, to: 8, head: true, computeMs: 123.4, hopMs: 0.05 },
  ], { self: "this node", costMs: 126 });
  assert.equal(
    picture,
    [
      "  this node    2.00 ms  embedding, layer 0",
      "    |   0.050 ms",
      "  laptop      123.4 ms  layers 1 to 7, head",
      "    |    0.55 ms",
      "  this node",
      "",
    ].join("\n"),
  );
});

test("drawRoute() draws no way back where nothing was left", () => {
  const about = { self: "me", costMs: 2 };
  const picture = drawRoute([{ ...stage, name: "me", from: 0, to: 8 }], about);
  assert.equal(picture, "  me    2.00 ms  layers 0 to 7\n");
});

test("drawRoute() marks what was not measured", () => {
  const picture = drawRoute([
    { ...stage, name: "me", from: 0, to: 1, computeBasis: "measured", hopBasis: "measured" },
    { ...stage, name: "far", from: 1, to: 8, computeBasis: "guessed", hopBasis: "estimated" },
  ], { self: "me", costMs: 4 });
  assert.deepEqual(picture.split("\n").slice(0, 3), [
    "  me     2.00 ms  layer 0",
    "    |   0.000 ms (estimated)",
    "  far    2.00 ms (guessed)  layers 1 to 7",
  ]);
});
