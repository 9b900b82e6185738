/** The HTTP server on port streams: limits in virtual time, drain, and the same on real sockets. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { realClock, realNetwork } from "../../src/ports/mod.ts";
import type { Network } from "../../src/ports/mod.ts";
import { MemoryNetwork, VirtualClock } from "../../src/sim/mod.ts";
import { serveHttp } from "../../src/wire/mod.ts";
import type { HttpServer, ServeHttpOptions } from "../../src/wire/mod.ts";
import { get, RawClient, settle } from "./_http_world.ts";

const address = { kind: "unix", path: "/run/a.sock" } as const;

interface HttpWorld {
  readonly network: Network;
  readonly clock: VirtualClock;
  readonly server: HttpServer;
  dial(): Promise<RawClient>;
}

async function world(
  handler: ServeHttpOptions["handler"],
  limits: ServeHttpOptions["limits"] = {},
): Promise<HttpWorld> {
  const [network, clock] = [new MemoryNetwork(), new VirtualClock()];
  const server = await serveHttp({ network, clock, address, handler, limits });
  return { network, clock, server, dial: () => RawClient.dial(network, address) };
}

const hello: ServeHttpOptions["handler"] = (request, response) => {
  request.resume();
  response.end("hello");
};

test("a client that sends its headers one byte a minute is dropped", async () => {
  const { clock, server, dial } = await world(hello, { headersTimeoutMs: 10_000 });
  const client = await dial();
  client.write("G");
  await clock.advance(9_999);
  assert.equal(client.closed, false);
  client.write("E");
  await clock.advance(1);
  assert.match(await client.end(), /^HTTP\/1\.1 408 /);
  await settle();
  assert.deepEqual([server.connectionCount, server.timedOutCount], [0, 1]);
  await server.close(0);
});

test("a client that sends its body one byte a minute is dropped", async () => {
  let ended: unknown;
  const { clock, server, dial } = await world((request) => {
    request.on("error", (error) => ended = error);
    request.resume();
  }, { bodyTimeoutMs: 5_000 });
  const client = await dial();
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  for (let i = 0; i < 5; i++) {
    client.write("x");
    await clock.advance(1_000);
  }
  assert.match(await client.end(), /^HTTP\/1\.1 408 /);
  await settle();
  assert.ok(ended instanceof Error);
  assert.equal(server.connectionCount, 0);
  await server.close(0);
});

test("a kept connection is closed when it idles, and not while a response runs", async () => {
  const finish = Promise.withResolvers<void>();
  const { clock, server, dial } = await world((request, response) => {
    if (request.url === "/slow") finish.promise.then(() => response.end("done"));
    else response.end("hello");
  }, { headersTimeoutMs: 1_000, bodyTimeoutMs: 1_000, idleTimeoutMs: 2_000 });
  const client = await dial();
  client.write(get("/a"));
  await client.until(/hello/);
  await clock.advance(1_999);
  client.write(get("/slow"));
  await settle();
  await clock.advance(100_000);
  assert.equal(client.closed, false);
  finish.resolve();
  await client.until(/done/);
  await clock.advance(2_000);
  await client.end();
  assert.equal(server.connectionCount, 0);
  await server.close(0);
});

test("a client that does not read a long response is dropped", async () => {
  let written = 0;
  let gone = false;
  const { clock, server, network } = await world((_request, response) => {
    response.on("close", () => gone = !response.writableFinished);
    const push = (): void => {
      if (gone) return;
      written += 65_536;
      if (response.write(new Uint8Array(65_536))) setImmediate(push);
      else response.once("drain", push);
    };
    push();
  }, { bodyTimeoutMs: 1_000, stallTimeoutMs: 3_000 });
  const stream = await network.dial(address);
  stream.on("error", () => {});
  stream.write(get("/"));
  await settle();
  await clock.advance(10_000);
  await settle();
  assert.equal(gone, true);
  assert.ok(written < 10_000_000, `${written} bytes were made for nobody`);
  assert.deepEqual([server.connectionCount, server.timedOutCount], [0, 1]);
  await server.close(0);
});

test("garbage, and headers beyond the limit, get a status, a sentence and the end", async () => {
  const { server, dial } = await world(hello, { headerBytesMax: 2_048 });
  const [garbage, large] = [await dial(), await dial()];
  garbage.write("\0\0 nonsense\r\n\r\n");
  assert.match(await garbage.end(), /^HTTP\/1\.1 400 .*\r\n\r\n\{"error":"Cannot read [^"]+"\}$/s);
  large.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(4_096)}\r\n\r\n`);
  assert.match(await large.end(), /^HTTP\/1\.1 431 .*\r\n\r\n\{"error":"Cannot read [^"]+"\}$/s);
  await settle();
  assert.equal(server.connectionCount, 0);
  await server.close(0);
});

test("HTTP/1.1 without Host, or with two, is 400", async () => {
  const { server, dial } = await world(hello);
  for (const hosts of ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n"]) {
    const client = await dial();
    client.write(`GET / HTTP/1.1\r\n${hosts}\r\n`);
    assert.match(await client.end(), /^HTTP\/1\.1 400 .*one Host header/s, hosts);
  }
  const old = await dial();
  old.write("GET / HTTP/1.0\r\n\r\n");
  assert.match(await old.end(), /hello$/);
  await server.close(0);
});

test("requests sent ahead of an answer wait for it, and go with their connection", async () => {
  const begun: string[] = [];
  const answers: (() => void)[] = [];
  const { server, dial } = await world((request, response) => {
    begun.push(request.url ?? "");
    answers.push(() => response.end(request.url));
  }, { pipelineMax: 2 });
  const client = await dial();
  client.write(get("/a") + get("/b") + get("/c"));
  await settle();
  assert.deepEqual(begun, ["/a"]);
  answers[0]?.();
  await client.until(/\/a$/);
  await settle();
  assert.deepEqual(begun, ["/a", "/b"]);
  client.destroy();
  await settle();
  assert.deepEqual(begun, ["/a", "/b"]);
  assert.deepEqual([server.connectionCount, server.refusedCount], [0, 0]);
  await server.close(0);
});

test("more requests ahead of an answer than may wait close the connection", async () => {
  const { server, dial } = await world((request) => request.resume(), { pipelineMax: 2 });
  const client = await dial();
  client.write(get("/").repeat(4));
  await client.end();
  await settle();
  assert.deepEqual([server.connectionCount, server.refusedCount], [0, 1]);
  await server.close(0);
});

test("a client that goes on sending still reads the last answer", async () => {
  const network = realNetwork();
  const server = await serveHttp({
    network,
    clock: realClock(),
    address: { kind: "tcp", host: "127.0.0.1", port: 0 },
    handler: (_request, response) =>
      response.writeHead(413, { connection: "close" }).end("too much"),
  });
  for (let attempt = 0; attempt < 10; attempt++) {
    const client = await RawClient.dial(network, server.address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n");
    for (let i = 0; i < 8; i++) client.write(new Uint8Array(1_000_000));
    assert.match(await client.end(), /^HTTP\/1\.1 413 .*too much/s);
    client.destroy();
  }
  while (server.connectionCount > 0) await settle();
  await server.close(0);
});

test("one connection too many is told so, closed and counted", async () => {
  const { server, dial } = await world(hello, { connectionsMax: 2 });
  const [first, second, third] = [await dial(), await dial(), await dial()];
  assert.match(
    await third.end(),
    /^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n.*at most 2 may be open/s,
  );
  assert.deepEqual([server.connectionCount, server.refusedCount], [2, 1]);
  second.destroy();
  await settle();
  const fourth = await dial();
  fourth.write(get("/"));
  await fourth.until(/hello/);
  first.destroy();
  await server.close(0);
});

test("a handler that throws answers 500 and is told to the owner", async () => {
  const told: unknown[] = [];
  const network = new MemoryNetwork();
  const failure = new TypeError("broken");
  const server = await serveHttp({
    ...{ network, address, clock: new VirtualClock() },
    handler: () => {
      throw failure;
    },
    onError: (error) => told.push(error),
  });
  const client = await RawClient.dial(network, address);
  client.write(get("/"));
  assert.match(await client.end(), /^HTTP\/1\.1 500 /);
  assert.deepEqual(told, [failure]);
  await server.close(0);
});

test("close() ends idle connections, lets responses finish, and destroys the rest in time", async () => {
  const finish = Promise.withResolvers<void>();
  const { clock, server, dial } = await world((request, response) => {
    if (request.url === "/never") response.write("begun");
    else if (request.url === "/first") response.end("first");
    else finish.promise.then(() => response.end("done"));
  });
  const [idle, slow, never] = [await dial(), await dial(), await dial()];
  idle.write(get("/first"));
  await idle.until(/first/);
  slow.write(get("/slow"));
  never.write(get("/never"));
  await never.until(/begun/);
  const closing = server.close(1_000);
  await idle.end();
  await assert.rejects(dial(), { name: "NetworkError" });
  finish.resolve();
  assert.match(await slow.end(), /done/);
  assert.equal(never.closed, false);
  await clock.advance(1_000);
  await never.end();
  await closing;
  assert.equal(server.connectionCount, 0);
});

test("close() answers the first request of who had just connected, and waits a second for it", async () => {
  const { clock, server, dial } = await world(hello);
  const [late, silent] = [await dial(), await dial()];
  const closing = server.close(5_000);
  late.write(get("/"));
  assert.match(await late.end(), /connection: close[^]*hello/i);
  assert.equal(silent.closed, false);
  await clock.advance(1_000);
  await silent.end();
  await closing;
});

test("on real sockets the limits hold too", async () => {
  const directory = mkdtempSync(join(tmpdir(), "skep-"));
  const network = realNetwork();
  const server = await serveHttp({
    network,
    clock: realClock(),
    address: { kind: "unix", path: join(directory, "a.sock") },
    handler: hello,
    limits: { headersTimeoutMs: 60, bodyTimeoutMs: 60, idleTimeoutMs: 60 },
  });
  try {
    const [slow, body, kept] = await Promise.all(
      [1, 2, 3].map(() => RawClient.dial(network, server.address)),
    ) as [RawClient, RawClient, RawClient];
    slow.write("GET");
    body.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1");
    kept.write(get("/"));
    assert.match(await slow.end(), /408/);
    await body.end();
    assert.match(await kept.end(), /hello/);
    while (server.connectionCount > 0) await settle();
  } finally {
    await server.close(0);
    rmSync(directory, { recursive: true });
  }
});
