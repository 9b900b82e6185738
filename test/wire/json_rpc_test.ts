/** JSON-RPC 2.0 by the examples of the standard (section 7), its traps, and hostile input. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import {
  answerJsonRpc,
  encodeRequest,
  encodeResponse,
  JSON_RPC_MESSAGES,
  parseJsonRpc,
  parseResponse,
} from "../../src/wire/mod.ts";
import type { JsonRpcCall, JsonRpcOutcome } from "../../src/wire/mod.ts";

const numRuns = 100 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

/** The server of the standard's examples. */
function run(call: JsonRpcCall): Promise<JsonRpcOutcome> {
  const { method, params } = call;
  if (method === "subtract" && Array.isArray(params)) {
    return Promise.resolve({ result: params[0] - params[1] });
  }
  if (method === "subtract") {
    const { minuend, subtrahend } = params as Record<string, number>;
    return Promise.resolve({ result: (minuend ?? 0) - (subtrahend ?? 0) });
  }
  if (method === "sum") {
    return Promise.resolve({ result: (params as number[]).reduce((a, b) => a + b) });
  }
  if (method === "get_data") return Promise.resolve({ result: ["hello", 5] });
  return Promise.resolve({ error: { code: -32601, message: "Method not found" } });
}

async function exchange(text: string): Promise<unknown> {
  const answer = await answerJsonRpc(parseJsonRpc(text), run);
  return answer === undefined ? undefined : JSON.parse(answer);
}

function refused(code: number, id: unknown = null): (answer: unknown) => void {
  return (answer) => {
    const { jsonrpc, id: echoed, error, ...rest } = answer as Record<string, unknown>;
    const { message, data, ...known } = error as Record<string, unknown>;
    assert.deepEqual([jsonrpc, echoed, known, rest], ["2.0", id, { code }, {}]);
    assert.equal(message, JSON_RPC_MESSAGES[code] ?? message);
    assert.ok(data === undefined || typeof data === "string");
  };
}

test("answerJsonRpc() gives the answers of the standard's examples", async () => {
  const cases: readonly (readonly [string, unknown])[] = [
    [`{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}`, {
      jsonrpc: "2.0",
      id: 1,
      result: 19,
    }],
    [
      `{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}`,
      { jsonrpc: "2.0", id: 3, result: 19 },
    ],
    [`{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}`, undefined],
    [
      `[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
       {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]`,
      undefined,
    ],
  ];
  for (const [request, expected] of cases) assert.deepEqual(await exchange(request), expected);
  refused(-32601, "1")(await exchange(`{"jsonrpc": "2.0", "method": "foobar", "id": "1"}`));
  refused(-32700)(await exchange(`{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]`));
  refused(-32600)(await exchange(`{"jsonrpc": "2.0", "method": 1, "params": "bar"}`));
  refused(-32700)(await exchange(`[{"jsonrpc": "2.0", "method": "sum", "id": "1"}, {"jsonrpc"`));
  refused(-32600)(await exchange("[]"));
  for (const text of ["[1]", "[1,2,3]"]) {
    const answers = await exchange(text) as unknown[];
    assert.equal(answers.length, JSON.parse(text).length);
    for (const answer of answers) refused(-32600)(answer);
  }
});

test("answerJsonRpc() answers the standard's mixed batch in its order", async () => {
  const answers = await exchange(`[
    {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
    {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
    {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
    {"foo": "boo"},
    {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
    {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]`) as unknown[];
  assert.equal(answers.length, 5);
  assert.deepEqual([answers[0], answers[1], answers[4]], [
    { jsonrpc: "2.0", id: "1", result: 7 },
    { jsonrpc: "2.0", id: "2", result: 19 },
    { jsonrpc: "2.0", id: "9", result: ["hello", 5] },
  ]);
  refused(-32600)(answers[2]);
  refused(-32601, "5")(answers[3]);
});

test("an id that is null makes a request, an absent one a notification", async () => {
  assert.deepEqual(await exchange(`{"jsonrpc":"2.0","method":"get_data","id":null}`), {
    jsonrpc: "2.0",
    id: null,
    result: ["hello", 5],
  });
  assert.equal(await exchange(`{"jsonrpc":"2.0","method":"get_data"}`), undefined);
  assert.equal(await exchange(`{"jsonrpc":"2.0","method":"no_such"}`), undefined);
});

test("parseJsonRpc() refuses what the standard does not allow, and echoes a usable id", async () => {
  for (const value of ["1", '"text"', "null", "true", "{}"]) {
    refused(-32600)(await exchange(value));
  }
  const call = (more: string): string => `{"jsonrpc":"2.0","method":"sum"${more}}`;
  for (const id of ["true", "[1]", "{}", "9007199254740993", "1e400"]) {
    refused(-32600)(await exchange(call(`,"id":${id}`)));
  }
  for (const params of ["null", "1", '"a"', "false"]) {
    refused(-32600, 7)(await exchange(call(`,"id":7,"params":${params}`)));
  }
  refused(-32600, "a")(await exchange(`{"jsonrpc":"1.0","method":"sum","id":"a"}`));
  refused(-32600, "a")(await exchange(`{"method":"sum","id":"a"}`));
  refused(-32700)(await exchange(""));
});

test("parseJsonRpc() bounds a batch", () => {
  const calls = Array.from({ length: 3 }, (_, id) => ({ jsonrpc: "2.0", method: "a", id }));
  const text = JSON.stringify(calls);
  assert.equal(parseJsonRpc(text, { batchCallsMax: 3 }).items.length, 3);
  const { batch, items } = parseJsonRpc(text, { batchCallsMax: 2 });
  assert.equal(batch, false);
  assert.equal(items[0]?.kind, "refusal");
});

test("encodeResponse() turns a result that is not JSON-able into an internal error", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  for (const result of [cyclic, 1n]) {
    refused(-32603, 4)(JSON.parse(encodeResponse(4, { result })));
  }
  assert.deepEqual(JSON.parse(encodeResponse(4, { result: undefined })), {
    jsonrpc: "2.0",
    id: 4,
    result: null,
  });
  const error = { code: 1, message: "m", data: cyclic };
  assert.deepEqual(JSON.parse(encodeResponse(4, { error })).error, { code: 1, message: "m" });
});

test("parseResponse() reads what encodeResponse() wrote and refuses other answers", () => {
  assert.deepEqual(parseResponse(encodeResponse(1, { result: { a: [1] } }), 1), {
    result: { a: [1] },
  });
  const error = { code: -32001, message: "busy", data: { left: 0 } };
  assert.deepEqual(parseResponse(encodeResponse(1, { error }), 1), { error });
  for (const text of ["", "[]", "{}", encodeResponse(2, { result: 1 })]) {
    assert.throws(() => parseResponse(text, 1), SyntaxError);
  }
});

test("any request that encodeRequest() wrote is read back as it was", () => {
  const ids = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.constant(null), fc.constant(undefined));
  const params = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
  fc.assert(
    fc.property(ids, fc.string(), params, (id, method, given) => {
      const call = { ...(id === undefined ? {} : { id }), method, params: given };
      const [item] = parseJsonRpc(encodeRequest(call)).items;
      assert.ok(item?.kind === "call");
      assert.deepEqual([item.id, item.method], [id, method]);
      assert.deepEqual(item.params, JSON.parse(JSON.stringify(given)));
    }),
    { numRuns },
  );
});

test("no text makes answerJsonRpc() throw, and every answer is JSON-RPC", async () => {
  const members = fc.record({
    jsonrpc: fc.constantFrom("2.0", "1.0", 2),
    id: fc.jsonValue(),
    method: fc.oneof(fc.string(), fc.jsonValue()),
    params: fc.jsonValue(),
  }, { requiredKeys: [] });
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    members.map((one) => JSON.stringify(one)),
    fc.array(fc.oneof(members, fc.jsonValue())).map((many) => JSON.stringify(many)),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const answer = await answerJsonRpc(
        parseJsonRpc(text),
        () => Promise.resolve({ result: 1 }),
      );
      if (answer === undefined) return;
      const parsed: unknown = JSON.parse(answer);
      for (const one of Array.isArray(parsed) ? parsed : [parsed]) {
        assert.equal(one.jsonrpc, "2.0");
        assert.ok(("result" in one) !== ("error" in one));
      }
    }),
    { numRuns },
  );
});
