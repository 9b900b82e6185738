/** The documents that say what a service is, against OpenRPC's own meta-schema. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as v from "valibot";
import {
  defineCall,
  defineStream,
  discoveryDocument,
  openRpcDocument,
} from "../../src/kernel/mod.ts";
import type { Methods } from "../../src/kernel/mod.ts";
import { faultsOf } from "./_json_schema.ts";

const metaSchema = JSON.parse(
  readFileSync(new URL("../vectors/openrpc/meta_schema.json", import.meta.url), "utf8"),
);
const subject = { service: "math", version: "1.2.3", description: "Counts." };

const methods: Methods = {
  "sum": defineCall({
    summary: "Adds.",
    params: v.strictObject({
      note: v.optional(v.string(), "none"),
      a: v.pipe(v.number(), v.minValue(0), v.description("The first one.")),
      b: v.number(),
    }),
    result: v.number(),
    errors: ["notFound"],
    run: ({ a, b }) => Promise.resolve(a + b),
  }),
  "count": defineStream({
    summary: "Counts.",
    params: v.optional(v.strictObject({}), {}),
    result: v.object({ i: v.number() }),
    run: async function* (): AsyncGenerator<{ i: number }> {
      yield { i: 1 };
    },
  }),
  "any": defineCall({ summary: "Any.", params: v.unknown(), run: () => Promise.resolve(1) }),
};

test("a document is valid by the meta-schema, which notices when it is not", () => {
  const document = openRpcDocument(subject, methods);
  assert.deepEqual(faultsOf(JSON.parse(JSON.stringify(document)), metaSchema), []);
  assert.notDeepEqual(faultsOf({ ...document, openrpc: "7" }, metaSchema), []);
  assert.notDeepEqual(faultsOf({ ...document, more: 1 }, metaSchema), []);
  const [first] = document.methods;
  assert.notDeepEqual(
    faultsOf({ ...document, methods: [{ ...first, params: 1 }] }, metaSchema),
    [],
  );
});

test("parameters are listed with those that are required first, as positional ones come", () => {
  const { methods: [any, count, sum] } = openRpcDocument(subject, methods);
  assert.deepEqual([any?.name, count?.name, sum?.name], ["any", "count", "sum"]);
  assert.deepEqual(sum?.params.map(({ name, required }) => [name, required]), [
    ["a", true],
    ["b", true],
    ["note", false],
  ]);
  assert.equal(sum?.params[0]?.description, "The first one.");
  assert.deepEqual(sum?.params[0]?.schema, { type: "number", minimum: 0 });
  assert.deepEqual(sum?.result.schema, { type: "number" });
  assert.deepEqual(sum?.errors.map(({ code }) => code), [-32602, -32000, -32001, -32603, -32003]);
  assert.equal(sum?.paramStructure, "either");
  assert.deepEqual(any?.params, [{ name: "params", schema: {} }]);
});

test("a stream is marked, with what its items are", () => {
  const { methods: [, count] } = openRpcDocument(subject, methods);
  assert.equal(count?.["x-stream"], true);
  assert.deepEqual(count?.["x-stream-item"]?.["required"], ["i"]);
  assert.deepEqual(count?.params, []);
});

test("the discovery document names the service and its socket", () => {
  assert.deepEqual(discoveryDocument(subject), {
    protocol: "openrpc",
    name: "math",
    title: "Skep math",
    version: "1.2.3",
    description: "Counts.",
    socket: "rpc",
  });
});
