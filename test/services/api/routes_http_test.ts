// Goal: the bad inputs of the HTTP side each get the right status, and the node goes on. Method: raw
// bytes to a real socket, since clients tidy up what they send.
import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";
import { isSoon } from "../../_soon.ts";

const origin = "https://chat.example";
let node: TestNode;

before(async () => {
  node = await startTestNode({
    api: {
      bodyBytesMax: 4096,
      bodyMsMax: 300,
      origins: [origin],
      hosts: ["skep.lan"],
      metricsListen: "127.0.0.1:0",
    },
  });
});

after(() => node.stop());

interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

function parseAnswer(text: string): RawAnswer {
  const split = text.indexOf("\r\n\r\n");
  return {
    status: Number(text.slice(9, 12)),
    head: text.slice(0, split).toLowerCase(),
    body: text.slice(split + 4),
  };
}

/** Sends bytes, lets `more` send further ones, and reads until the node closes the connection. */
async function raw(
  bytes: string,
  more: (socket: Socket) => void = () => {},
): Promise<RawAnswer> {
  const socket = connect(node.port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (data) => text += data);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(bytes);
  more(socket);
  await closed;
  return parseAnswer(text);
}

function request(
  line: string,
  options: { readonly headers?: readonly string[]; readonly body?: string } = {},
): string {
  const { body = "", headers = [] } = options;
  const names = headers.map((header) => header.split(":")[0]?.toLowerCase());
  const all = [
    ...headers,
    ...(names.includes("host") ? [] : ["Host: localhost"]),
    ...(body !== "" && !names.includes("content-length") ? [`Content-Length: ${body.length}`] : []),
    ...(names.includes("connection") ? [] : ["Connection: close"]),
  ];
  return `${line} HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n${body}`;
}

const json = "Content-Type: application/json";
const chat = "POST /v1/chat/completions";
const body = JSON.stringify({
  model: "stories260K",
  messages: [{ role: "user", content: "Once" }],
  max_tokens: 2,
});

interface ErrorShape {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

function errorOf(answer: RawAnswer): ErrorShape["error"] {
  const { error } = JSON.parse(answer.body) as ErrorShape;
  assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
  return error;
}

test("HTTP: a good request is answered", async () => {
  assert.equal((await raw(request(chat, { headers: [json], body }))).status, 200);
});

test("HTTP: bodies that are no JSON object are 400", async () => {
  for (const bad of ["{", "[]", '"x"', "null", "nan", "{}x", "\u0000"]) {
    const answer = await raw(request(chat, { headers: [json], body: bad }));
    assert.equal(answer.status, 400, bad);
    errorOf(answer);
  }
  const latin = await raw(request(chat, { headers: [json, "Content-Length: 3"] }), (socket) => {
    socket.write(Uint8Array.of(0x22, 0xe9, 0x22));
  });
  assert.equal(latin.status, 400);
  assert.equal(errorOf(latin).code, "invalid_json");
});

test("HTTP: another content type, another charset or a compressed body is 415", async () => {
  for (
    const headers of [
      [],
      ["Content-Type: text/plain"],
      ["Content-Type: application/x-www-form-urlencoded"],
      ["Content-Type: application/json; charset=latin1"],
      [json, "Content-Encoding: gzip"],
    ]
  ) {
    const answer = await raw(request(chat, { headers, body }));
    assert.equal(answer.status, 415, headers.join());
    assert.equal(errorOf(answer).code, "unsupported_media_type");
  }
  const charset = request(chat, { headers: [`${json}; charset=utf-8`], body });
  assert.equal((await raw(charset)).status, 200);
});

test("HTTP: a body of 1 GB is refused by its announced length, before it is sent", async () => {
  const headers = [json, "Content-Length: 1073741824", "Connection: keep-alive"];
  const answer = await raw(request(chat, { headers }));
  assert.equal(answer.status, 413);
  assert.equal(errorOf(answer).code, "body_too_large");
  assert.match(answer.head, /connection: close/);
});

test("HTTP: a chunked body is refused as soon as it has grown too large", async () => {
  const headers = [json, "Transfer-Encoding: chunked", "Connection: keep-alive"];
  let sentBytes = 0;
  const answer = await raw(request(chat, { headers }), (socket) => {
    const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
    const timer = setInterval(() => {
      if (socket.destroyed || sentBytes > 1 << 20) return clearInterval(timer);
      sentBytes += 1024;
      socket.write(chunk);
    }, 1);
  });
  assert.equal(answer.status, 413);
  assert.ok(sentBytes < 1 << 20, `${sentBytes} bytes were read`);
});

test("HTTP: a client that sends its body or its headers byte by byte is dropped in time", async () => {
  const headers = [json, "Content-Length: 1000"];
  for (const start of [request(chat, { headers }), "POST /v1/chat/completions HTTP/1.1\r\nHos"]) {
    const act = async (): Promise<void> => {
      const answer = await raw(start, (socket) => {
        const timer = setInterval(() => {
          if (socket.destroyed) return clearInterval(timer);
          socket.write("x");
        }, 50);
      });
      assert.equal(answer.status, 408);
    };
    await isSoon("dropping it", { msMax: 5000, act });
  }
});

test("HTTP: a Host that is not this machine is 403, whatever the route", async () => {
  for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.1:80"]) {
    for (const line of ["GET /v1/models", "GET /metrics", "GET /health"]) {
      const answer = await raw(request(line, { headers: [`Host: ${host}`] }));
      assert.equal(answer.status, 403, `${host} ${line}`);
      assert.equal(errorOf(answer).code, "host_not_allowed");
    }
  }
  for (const host of ["localhost:1234", "127.8.9.1", "[::1]:7737", "skep.lan"]) {
    const answer = await raw(request("GET /v1/models", { headers: [`Host: ${host}`] }));
    assert.equal(answer.status, 200, host);
  }
  assert.equal((await raw("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")).status, 400);
});

test("HTTP: the host of an absolute target counts as Host does, and there is one Host", async () => {
  assert.equal((await raw(request("GET http://localhost/v1/models"))).status, 200);
  assert.equal((await raw(request("GET http://evil.example/v1/models"))).status, 403);
  const headers = ["Host: evil.example"];
  assert.equal((await raw(request("GET http://localhost/v1/models", { headers }))).status, 403);
  const two = await raw(request("GET /v1/models", { headers: ["Host: localhost", ...headers] }));
  assert.equal(two.status, 400);
  assert.equal(errorOf(two).code, "invalid_request");
});

test("HTTP: a stream over HTTP/1.0 has no chunk marks", async () => {
  const streamed = JSON.stringify({ ...JSON.parse(body), stream: true });
  const text = request(chat, { headers: [json], body: streamed }).replace("HTTP/1.1", "HTTP/1.0");
  const answer = await raw(text);
  assert.equal(answer.status, 200);
  assert.doesNotMatch(answer.head, /transfer-encoding/);
  assert.match(answer.body, /^data: \{.*data: \[DONE\]\n\n$/s);
});

test("HTTP: a connection that is cut takes the requests that it sent ahead with it", async () => {
  const line = request(chat, { headers: [json, "Connection: keep-alive"], body });
  const socket = connect(node.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(line.repeat(20));
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  // One is the request for the figures itself.
  await node.until(
    "nothing runs",
    async () => await node.metric("skep_api_requests_running") === 1,
  );
  assert.equal(await node.metric("skep_inference_slots_active"), 0);
  assert.equal(await node.metric("skep_inference_queue_depth"), 0);
});

test("HTTP: a web page of another origin is 403, an allowed one is answered with CORS headers", async () => {
  const foreign = request(chat, { headers: [json, "Origin: https://evil.example"], body });
  const refused = await raw(foreign);
  assert.equal(refused.status, 403);
  assert.equal(errorOf(refused).code, "origin_not_allowed");
  assert.doesNotMatch(refused.head, /access-control/);
  const allowed = await raw(request(chat, { headers: [json, `Origin: ${origin}`], body }));
  assert.equal(allowed.status, 200);
  assert.match(allowed.head, /access-control-allow-origin: https:\/\/chat\.example/);
  const failed = await raw(request(chat, { headers: [json, `Origin: ${origin}`], body: "{" }));
  assert.equal(failed.status, 400);
  assert.match(failed.head, /access-control-allow-origin/);
});

test("HTTP: a preflight is answered for allowed origins only", async () => {
  const asked = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-a"];
  const line = "OPTIONS /v1/chat/completions";
  const allowed = await raw(request(line, { headers: [...asked, `Origin: ${origin}`] }));
  assert.equal(allowed.status, 204);
  assert.match(allowed.head, /access-control-allow-headers: x-a/);
  const foreign = await raw(request(line, { headers: [...asked, "Origin: https://evil"] }));
  assert.equal(foreign.status, 403);
  assert.equal((await raw(request(line))).status, 405);
});

test("HTTP: unknown routes are 404, /admin is one of them, and wrong methods are 405", async () => {
  for (const path of ["/", "/v1", "/admin/stop", "/admin/", "/v1/images", "/v1/Models"]) {
    const answer = await raw(request(`GET ${path}`));
    assert.equal(answer.status, 404, path);
    assert.equal(errorOf(answer).code, "unknown_url");
  }
  for (const line of ["GET /v1/chat/completions", "POST /v1/models", "DELETE /v1/models/x"]) {
    const answer = await raw(request(line));
    assert.equal(answer.status, 405, line);
    assert.match(answer.head, /\r\nallow: /);
  }
});

test("HTTP: bytes that are no HTTP, and URLs that are none, are 400", async () => {
  const garbage = await raw("\u0016\u0003\u0001 hello\r\n\r\n");
  assert.equal(garbage.status, 400);
  assert.equal(errorOf(garbage).code, "invalid_request");
  const large = await raw(request("GET /health", { headers: [`X: ${"a".repeat(20_000)}`] }));
  assert.equal(large.status, 431);
  assert.equal(errorOf(large).code, "headers_too_large");
  assert.equal((await raw(request("GET /a\\..\\b"))).status, 400);
});

test("HTTP: /health and /metrics answer, also on the listener of their own, where nothing else does", async () => {
  assert.deepEqual(JSON.parse((await raw(request("GET /health"))).body), { status: "ok" });
  const metrics = await raw(request("GET /metrics"));
  assert.match(metrics.body, /^# HELP /m);
  assert.match(metrics.body, /^skep_inference_slots 8$/m);
  const own = node.kernel.announcements().find(({ name }) => name === "metrics")?.address ?? "";
  assert.match(await (await fetch(own)).text(), /^skep_inference_slots_active \d+$/m);
  const other = await fetch(own.replace("/metrics", "/v1/models"));
  assert.equal(other.status, 404);
  await other.body?.cancel();
});
