/** The client of rpc.sock against servers that answer wrongly, slowly or not at all. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { MemoryNetwork, VirtualClock } from "../../src/sim/mod.ts";
import { callRpc, RemoteCallError, serveHttp, WireError } from "../../src/wire/mod.ts";
import type { RpcCallOptions } from "../../src/wire/mod.ts";
import { settle } from "./_http_world.ts";

const path = "/run/rpc.sock";

async function calling(
  answer: (response: ServerResponse, body: string) => void,
  options: Partial<RpcCallOptions> = {},
): Promise<unknown> {
  const network = new MemoryNetwork();
  const server = await serveHttp({
    network,
    clock: new VirtualClock(),
    address: { kind: "unix", path },
    handler: (request, response) => {
      let body = "";
      request.on("data", (chunk) => body += chunk);
      request.on("end", () => answer(response, body));
    },
  });
  try {
    return await callRpc({ network, socketPath: path, method: "m", ...options });
  } finally {
    await server.close(0);
  }
}

test("callRpc() sends a request and gives the result, also one in many chunks", async () => {
  const sent: unknown[] = [];
  const result = await calling((response, body) => {
    sent.push(JSON.parse(body));
    response.write('{"jsonrpc":"2.0",');
    setImmediate(() => response.end('"id":1,"result":{"a":"\u00e4"}}'));
  }, { params: { b: 2 } });
  assert.deepEqual(sent, [{ jsonrpc: "2.0", id: 1, method: "m", params: { b: 2 } }]);
  assert.deepEqual(result, { a: "\u00e4" });
});

test("callRpc() rejects with the service's own error", async () => {
  const error = { code: -32001, message: "busy", data: { left: 0 } };
  const call = calling((response) =>
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, error }))
  );
  await assert.rejects(call, (thrown) => {
    assert.ok(thrown instanceof RemoteCallError);
    assert.deepEqual([thrown.code, thrown.message, thrown.data], [-32001, "busy", { left: 0 }]);
    return true;
  });
});

test("callRpc() says what is wrong with an answer that is none", async () => {
  const cases: readonly [string, (response: ServerResponse) => void][] = [
    ["bad-response", (response) => response.writeHead(503).end("later")],
    ["bad-response", (response) => response.end("no JSON")],
    ["bad-response", (response) => response.end('{"jsonrpc":"2.0","id":2,"result":1}')],
    ["too-large", (response) => response.end("x".repeat(101))],
    ["closed", (response) => response.destroy()],
    ["closed", (response) => {
      response.writeHead(200, { "content-length": "50" });
      response.write("{");
      setImmediate(() => response.destroy());
    }],
  ];
  for (const [code, answer] of cases) {
    await assert.rejects(calling(answer, { responseBytesMax: 100 }), (thrown) => {
      assert.ok(thrown instanceof WireError, String(thrown));
      return thrown.code === code;
    });
  }
});

test("callRpc() says when nothing listens, and ends with its signal's reason", async () => {
  const network = new MemoryNetwork();
  await assert.rejects(callRpc({ network, socketPath: path, method: "m" }), {
    name: "NetworkError",
  });
  const stop = new AbortController();
  let closed = false;
  const call = calling((response) => {
    response.on("close", () => closed = true);
    stop.abort(new TypeError("enough"));
  }, { signal: stop.signal });
  await assert.rejects(call, /enough/);
  await settle();
  assert.equal(closed, true);
});
