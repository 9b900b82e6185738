/**
 * The examples of the JSON-RPC 2.0 standard (https://www.jsonrpc.org/specification, section 7), over
 * HTTP and in frames at a service's own socket, each answered as it is printed there. Where the standard
 * prints an error, ours carries a `data` member beside, with what was wrong.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { defineCall } from "../../src/kernel/mod.ts";
import { aborted, service, world } from "../kernel/_world.ts";
import type { World } from "../kernel/_world.ts";
import { post, RawClient, settle } from "../wire/_http_world.ts";
import { FrameClient } from "../wire/_rpc_world.ts";

const path = "/run/skep/math/rpc.sock";

/** Request and response as printed; no response where there is none. */
const EXAMPLES: readonly (readonly [request: string, response?: string])[] = [
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    '{"jsonrpc": "2.0", "result": 19, "id": 1}',
  ],
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
    '{"jsonrpc": "2.0", "result": -19, "id": 2}',
  ],
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    '{"jsonrpc": "2.0", "result": 19, "id": 3}',
  ],
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    '{"jsonrpc": "2.0", "result": 19, "id": 4}',
  ],
  ['{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}'],
  ['{"jsonrpc": "2.0", "method": "foobar"}'],
  [
    '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}',
  ],
  [
    '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
  ],
  [
    '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}',
  ],
  [
    `[
  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
  {"jsonrpc": "2.0", "method"
]`,
    '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
  ],
  [
    "[]",
    '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}',
  ],
  [
    "[1]",
    `[
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
]`,
  ],
  [
    "[1,2,3]",
    `[
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
]`,
  ],
  [
    `[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]`,
    `[
        {"jsonrpc": "2.0", "result": 7, "id": "1"},
        {"jsonrpc": "2.0", "result": 19, "id": "2"},
        {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
        {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
        {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}
    ]`,
  ],
  [
    `[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]`,
  ],
];

/** The service that the examples talk to. */
async function mathWorld(): Promise<World> {
  const made = world([
    service("math", {
      stays: false,
      run: async (host) => {
        await host.serve({
          subtract: defineCall({
            summary: "Subtracts.",
            params: v.strictObject({ minuend: v.number(), subtrahend: v.number() }),
            run: ({ minuend, subtrahend }) => Promise.resolve(minuend - subtrahend),
          }),
          sum: defineCall({
            summary: "Adds.",
            params: v.array(v.number()),
            run: (numbers) => Promise.resolve(numbers.reduce((a, b) => a + b, 0)),
          }),
          get_data: defineCall({
            summary: "Gives data.",
            params: v.undefined(),
            run: () => Promise.resolve(["hello", 5]),
          }),
        });
        host.ready();
        await aborted(host.signal);
      },
    }),
  ]);
  await made.kernel.start();
  return made;
}

test("over HTTP, the standard's examples are answered as it prints them", async () => {
  const { kernel, network } = await mathWorld();
  for (const [request, response] of EXAMPLES) {
    const client = await RawClient.dial(network, { kind: "unix", path });
    client.write(post("/rpc", request));
    const head = await client.until(/\r\n\r\n/);
    await settle();
    if (response === undefined) {
      assert.match(head, /^HTTP\/1\.1 204 /);
      assert.ok(client.heard.endsWith("\r\n\r\n"));
    } else {
      assert.match(head, /^HTTP\/1\.1 200 /);
      const body = JSON.parse(client.heard.slice(client.heard.indexOf("\r\n\r\n")));
      assert.deepEqual(body, JSON.parse(response), request);
    }
    client.destroy();
  }
  await kernel.stop();
});

test("in frames, the standard's examples are answered as it prints them", async () => {
  const { kernel, network } = await mathWorld();
  const client = await FrameClient.dial(network, path);
  let answered = 0;
  for (const [request, response] of EXAMPLES) {
    client.send(request);
    if (response === undefined) {
      await settle();
      assert.equal(client.heard.length, answered, request);
      continue;
    }
    answered += 1;
    const answer = (await client.hear(answered))[answered - 1];
    assert.deepEqual(answer, JSON.parse(response), request);
  }
  await kernel.stop();
});
