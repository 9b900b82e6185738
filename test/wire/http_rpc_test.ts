/** The HTTP face of rpc.sock, by raw bytes over a network in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryNetwork, VirtualClock } from "../../src/sim/mod.ts";
import { rpcOverHttp, serveHttp } from "../../src/wire/mod.ts";
import type { HttpRpcOptions } from "../../src/wire/mod.ts";
import { get, post, RawClient, settle } from "./_http_world.ts";

const address = { kind: "unix", path: "/run/rpc.sock" } as const;

async function withServer(
  options: Partial<HttpRpcOptions>,
  fn: (dial: () => Promise<RawClient>) => Promise<void>,
): Promise<void> {
  const network = new MemoryNetwork();
  const handler = rpcOverHttp({
    service: "node",
    version: "1.2.3",
    run: (call) => Promise.resolve({ result: [call.method, call.params ?? null] }),
    ...options,
  });
  const server = await serveHttp({ network, clock: new VirtualClock(), address, handler });
  try {
    await fn(() => RawClient.dial(network, address));
  } finally {
    await server.close(0);
  }
}

async function exchange(
  request: string,
  options: Partial<HttpRpcOptions> = {},
): Promise<{ status: number; body: string; heard: string }> {
  let answer = { status: 0, body: "", heard: "" };
  await withServer(options, async (dial) => {
    const client = await dial();
    client.write(request.replace("\r\n", "\r\nConnection: close\r\n"));
    const heard = await client.end();
    answer = { status: client.status, body: heard.split("\r\n\r\n")[1] ?? "", heard };
  });
  return answer;
}

test("POST /rpc answers a call, a batch, and 204 to notifications", async () => {
  const call = `{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}`;
  const note = `{"jsonrpc":"2.0","method":"a"}`;
  const single = await exchange(post("/rpc", call));
  assert.deepEqual([single.status, JSON.parse(single.body)], [200, {
    jsonrpc: "2.0",
    id: 1,
    result: ["a", [1]],
  }]);
  assert.match(single.heard, /content-type: application\/json/i);
  const batch = await exchange(post("/rpc", `[${call},${note}]`));
  assert.deepEqual([batch.status, JSON.parse(batch.body).length], [200, 1]);
  for (const body of [note, `[${note},${note}]`]) {
    const { status, body: answered } = await exchange(post("/rpc", body));
    assert.deepEqual([status, answered], [204, ""]);
  }
});

test("POST /rpc answers malformed JSON and an empty batch with 200 and the code", async () => {
  const cases = [["{", -32700], ["[]", -32600], ["7", -32600]] as const;
  for (const [body, code] of cases) {
    const { status, body: answered } = await exchange(post("/rpc", body));
    assert.deepEqual([status, JSON.parse(answered).error.code], [200, code], body);
  }
});

test("POST /rpc answers a body that is not UTF-8 as one that is not JSON", async () => {
  await withServer({}, async (dial) => {
    const client = await dial();
    client.write(post("/rpc", "xxx").slice(0, -3));
    client.write(new Uint8Array([0x22, 0xff, 0x22]));
    assert.match(await client.until(/32700/), /"code":-32700/);
    client.destroy();
  });
});

test("POST /rpc refuses other content types, compressed bodies and large ones", async () => {
  const json = "application/json";
  const types: readonly [Record<string, string>, number][] = [
    [{}, 415],
    [{ "Content-Type": "text/plain" }, 415],
    [{ "Content-Type": "application/json; charset=utf-16" }, 415],
    [{ "Content-Type": json, "Content-Encoding": "gzip" }, 415],
    [{ "Content-Type": "Application/JSON; charset=UTF-8" }, 200],
  ];
  for (const [headers, expected] of types) {
    const { status } = await exchange(post("/rpc", "{}", headers));
    assert.equal(status, expected, JSON.stringify(headers));
  }
  const large = await exchange(post("/rpc", " ".repeat(101)), { bodyBytesMax: 100 });
  assert.equal(large.status, 413);
  assert.match(large.body, /at most 100 bytes/);
  const fits = await exchange(post("/rpc", " ".repeat(100)), { bodyBytesMax: 100 });
  assert.equal(fits.status, 200);
});

test("POST /rpc refuses a chunked body as soon as it is too large", async () => {
  await withServer({ bodyBytesMax: 100 }, async (dial) => {
    const client = await dial();
    client.write(
      "POST /rpc HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" +
        "Transfer-Encoding: chunked\r\n\r\n",
    );
    for (let i = 0; i < 3; i++) client.write(`32\r\n${" ".repeat(50)}\r\n`);
    assert.match(await client.end(), /413/);
  });
});

test("GET /health tells the service; other paths and methods are refused with JSON", async () => {
  const health = await exchange(get("/health"));
  assert.deepEqual(JSON.parse(health.body), { status: "ok", service: "node", version: "1.2.3" });
  for (
    const [request, status] of [
      [get("/rpc"), 405],
      [post("/health", "{}"), 405],
      [get("/"), 404],
      [get("/rpc/x"), 404],
    ] as const
  ) {
    const answer = await exchange(request);
    assert.equal(answer.status, status);
    assert.equal(typeof JSON.parse(answer.body).error, "string");
  }
  assert.match((await exchange(get("/rpc"))).heard, /allow: POST/i);
});

test("a client that goes aborts its call", async () => {
  let aborted = false;
  const run: HttpRpcOptions["run"] = (_call, { signal }) =>
    new Promise((resolve) =>
      signal.addEventListener("abort", () => {
        aborted = true;
        resolve({ result: 1 });
      })
    );
  await withServer({ run }, async (dial) => {
    const client = await dial();
    client.write(post("/rpc", `{"jsonrpc":"2.0","id":1,"method":"a"}`));
    await settle();
    assert.equal(aborted, false);
    client.destroy();
    await settle();
    assert.equal(aborted, true);
  });
});
