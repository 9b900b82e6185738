/** The door of rpc.sock: two protocols by the first byte, and peers that misbehave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectRpc } from "../../src/wire/mod.ts";
import { get, post, RawClient, settle } from "./_http_world.ts";
import { FrameClient, openDoor, path, request } from "./_rpc_world.ts";

const limits = {
  frameBytesMax: 10_000,
  inFlightMax: 4,
  inFlightBytesMax: 20_000,
  frameTimeoutMs: 1_000,
  stallTimeoutMs: 1_000,
};
const address = { kind: "unix", path } as const;

test("one socket speaks HTTP and frames, told apart by the first byte", async () => {
  const { network, server } = await openDoor();
  const body = JSON.stringify(request(1, "echo", [1, "\u00e4"]));
  const http = await RawClient.dial(network, address);
  http.write(post("/rpc", body));
  const expected = '{"jsonrpc":"2.0","id":1,"result":[1,"\u00e4"]}';
  assert.ok((await http.until(/\}$/)).endsWith(expected));
  http.write(get("/health"));
  await http.until(/"status":"ok"/);
  const frames = await FrameClient.dial(network);
  frames.send(body);
  assert.deepEqual(await frames.hear(1), [JSON.parse(expected)]);
  assert.equal(server.frameConnectionCount, 1);
  assert.equal(server.connectionCount, 2);
  await server.close(0);
});

test("an HTTP request may come byte by byte, and so may a frame", async () => {
  const { network, server } = await openDoor();
  const http = await RawClient.dial(network, address);
  for (const byte of post("/rpc", JSON.stringify(request(1, "echo", [])))) http.write(byte);
  await http.until(/"result":\[\]/);
  const frames = await FrameClient.dial(network);
  const text = new TextEncoder().encode(JSON.stringify(request(2, "echo", { a: 1 })));
  for (const byte of [0, 0, 0, text.length, ...text]) frames.stream.write(new Uint8Array([byte]));
  assert.deepEqual(await frames.hear(1), [{ jsonrpc: "2.0", id: 2, result: { a: 1 } }]);
  await server.close(0);
});

test("a first byte of anything else closes the connection and is counted", async () => {
  const { network, server } = await openDoor();
  for (const byte of [1, 10, 32, 42, 123, 22, 128, 255]) {
    const raw = await RawClient.dial(network, address);
    raw.write(new Uint8Array([byte, 0, 0, 0]));
    assert.equal(await raw.end(), "");
  }
  assert.equal(server.strangerCount, 8);
  assert.equal(server.connectionCount, 0);
  await server.close(0);
});

test("a connection that says nothing is closed by its deadline, and one too many at once", async () => {
  const { network, server, clock } = await openDoor({ httpLimits: { connectionsMax: 2 } });
  const silent = [await RawClient.dial(network, address), await RawClient.dial(network, address)];
  await settle();
  const third = await RawClient.dial(network, address);
  await third.end();
  assert.equal(server.refusedCount, 1);
  await clock.advance(10_000);
  for (const one of silent) await one.end();
  assert.equal(server.timedOutCount, 2);
  await server.close(0);
});

test("answers may come out of order", async () => {
  const door = await openDoor();
  const client = await FrameClient.dial(door.network);
  client.send(request(1, "hold"));
  client.send(request(2, "echo", [2]));
  assert.deepEqual(await client.hear(1), [{ jsonrpc: "2.0", id: 2, result: [2] }]);
  door.release();
  await client.hear(2);
  assert.deepEqual(client.heard[1], { jsonrpc: "2.0", id: 1, result: "held" });
  await door.server.close(0);
});

test("no more calls of a connection run than may, and the others wait", async () => {
  const door = await openDoor({ frameLimits: limits });
  const client = await FrameClient.dial(door.network);
  for (let id = 0; id < 40; id++) client.send(request(id, "hold"));
  await settle();
  assert.equal(door.held(), 4);
  for (let i = 0; i < 40 && client.heard.length < 40; i++) {
    door.release();
    await settle();
    assert.ok(door.held() <= 4);
  }
  assert.equal(client.heard.length, 40);
  await door.server.close(0);
});

test("the bytes of running calls are bounded too", async () => {
  const door = await openDoor({ frameLimits: limits });
  const client = await FrameClient.dial(door.network);
  for (let id = 0; id < 4; id++) client.send(request(id, "hold", ["x".repeat(9_900)]));
  await settle();
  assert.equal(door.held(), 3);
  await door.server.close(0);
});

test("a frame that is never finished is dropped by its deadline, however it drips", async () => {
  const door = await openDoor({ frameLimits: limits });
  const client = await FrameClient.dial(door.network);
  client.send(request(1, "echo", []));
  await client.hear(1);
  await door.clock.advance(60_000);
  assert.equal(client.closed, false, "Idle connections stay");
  client.stream.write(new Uint8Array([0, 0, 0, 200]));
  for (let i = 0; i < 9 && !client.closed; i++) {
    await settle();
    await door.clock.advance(150);
    client.stream.write("x");
  }
  await client.end();
  assert.equal(door.server.timedOutCount, 1);
  await door.server.close(0);
});

test("a frame above the limit, or no UTF-8, is refused with a sentence and ends the connection", async () => {
  const { network, server } = await openDoor({ frameLimits: limits });
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array([0, 0, 0x27, 0x11]), /at most 10000 bytes/],
    [new Uint8Array([0, 255, 255, 255]), /at most 10000 bytes/],
    [new Uint8Array([0, 0, 0, 1, 0xff]), /must be UTF-8/],
  ];
  for (const [bytes, pattern] of cases) {
    const client = await FrameClient.dial(network);
    client.stream.write(bytes);
    const [answer] = await client.end() as { id: null; error: { code: number; data: string } }[];
    assert.equal(answer?.id, null);
    assert.equal(answer?.error.code, -32700);
    assert.match(answer?.error.data ?? "", pattern);
  }
  assert.equal(server.brokenCount, 3);
  await server.close(0);
});

test("an answer above the limit becomes an error that names its call", async () => {
  const { network, server } = await openDoor({ frameLimits: limits });
  const client = await FrameClient.dial(network);
  client.send(request("a", "large", { size: 20_000 }));
  client.send([request("b", "large", { size: 20_000 }), request("c", "echo", [])]);
  const heard = await client.hear(2) as unknown[];
  const codes = heard.flat().map((one) => {
    const { id, error } = one as { id: string; error: { code: number } };
    return [id, error.code];
  });
  assert.deepEqual(codes.sort(), [["a", -32603], ["b", -32603], ["c", -32603]]);
  await server.close(0);
});

test("a peer that reads nothing holds back its own calls, then is dropped", async () => {
  const door = await openDoor({ frameLimits: limits });
  const client = await FrameClient.dial(door.network);
  client.stream.pause();
  for (let id = 0; id < 200; id++) client.send(request(id, "large", { size: 9_000 }));
  await settle();
  await door.clock.advance(999);
  assert.equal(door.server.connectionCount, 1);
  await door.clock.advance(1);
  await settle();
  assert.equal(door.server.connectionCount, 0);
  assert.equal(door.server.timedOutCount, 1);
  await door.server.close(0);
});

test("a client that goes cancels its calls; rpc.cancel cancels one", async () => {
  const door = await openDoor();
  const client = await FrameClient.dial(door.network);
  client.send(request(1, "hold"));
  client.send(request("2", "hold"));
  await settle();
  client.send({ jsonrpc: "2.0", method: "rpc.cancel", params: { id: "2" } });
  await client.hear(1);
  assert.equal(door.cancelled.length, 1);
  client.stream.destroy();
  await settle();
  assert.equal(door.cancelled.length, 2);
  assert.equal(door.server.connectionCount, 0);
  await door.server.close(0);
});

test("a stream gives its items as notifications, then its answer; over HTTP it is refused", async () => {
  const { network, server } = await openDoor();
  const client = await FrameClient.dial(network);
  client.send(request(7, "count", { to: 3 }));
  const heard = await client.hear(4) as { params?: { id: number; item: { i: number } } }[];
  assert.deepEqual(heard.slice(0, 3).map(({ params }) => [params?.id, params?.item.i]), [
    [7, 1],
    [7, 2],
    [7, 3],
  ]);
  assert.deepEqual(heard[3], { jsonrpc: "2.0", id: 7, result: { items: 3 } });
  client.send({ jsonrpc: "2.0", method: "count", params: { to: 3 } });
  client.send(request(8, "echo", []));
  assert.deepEqual((await client.hear(5))[4], { jsonrpc: "2.0", id: 8, result: [] });
  const http = await RawClient.dial(network, address);
  http.write(post("/rpc", JSON.stringify(request(1, "count", { to: 3 }))));
  assert.match(await http.until(/"error"/), /It is a stream/);
  await server.close(0);
});

test("close() lets running calls answer, within its time", async () => {
  const door = await openDoor();
  const client = await FrameClient.dial(door.network);
  const idle = await FrameClient.dial(door.network);
  idle.send(request(1, "echo", []));
  await idle.hear(1);
  client.send(request(1, "hold"));
  await settle();
  const closing = door.server.close(5_000);
  await settle();
  assert.equal(idle.closed, true);
  assert.equal(client.closed, false);
  door.release();
  await closing;
  assert.deepEqual(await client.end(), [{ jsonrpc: "2.0", id: 1, result: "held" }]);
  const other = await openDoor();
  const stuck = await FrameClient.dial(other.network);
  stuck.send(request(1, "hold"));
  await settle();
  const forced = other.server.close(100);
  await settle();
  await other.clock.advance(100);
  await forced;
});

test("two hundred connections and a few scanners: each gets its own answers", async () => {
  const { network, server } = await openDoor();
  const clients = await Promise.all(
    Array.from({ length: 200 }, () => connectRpc({ network, path })),
  );
  const answers = await Promise.all(clients.map((client, i) => client.call("echo", { i })));
  assert.deepEqual(answers, clients.map((_, i) => ({ i })));
  for (const client of clients) client.close();
  await server.close(0);
});
