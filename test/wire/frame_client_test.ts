/** The client in frames: calls at the same time, streams, cancelling, and services that answer wrongly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryNetwork } from "../../src/sim/mod.ts";
import { connectRpc, encodeTextFrame, RemoteCallError, WireError } from "../../src/wire/mod.ts";
import { settle } from "./_http_world.ts";
import { openDoor, path } from "./_rpc_world.ts";

test("calls run at the same time on one connection, and errors are the service's own", async () => {
  const door = await openDoor();
  using client = await connectRpc({ network: door.network, path });
  const held = client.call("hold");
  assert.deepEqual(await client.call("echo", ["\u00e4", 1]), ["\u00e4", 1]);
  door.release();
  assert.equal(await held, "held");
  await assert.rejects(client.call("missing"), (thrown) => {
    assert.ok(thrown instanceof RemoteCallError);
    return thrown.code === -32601;
  });
  client.notify("echo", []);
  assert.equal(door.server.connectionCount, 1);
  client.close();
  await door.server.close(0);
});

test("large answers and many small ones land whole", async () => {
  const door = await openDoor();
  using client = await connectRpc({ network: door.network, path });
  for (const size of [0, 65_531, 65_536, 1_000_000, 8_000_000]) {
    const large = await client.call("large", { size });
    assert.ok(typeof large === "string" && large === "x".repeat(size));
  }
  const calls = Array.from({ length: 500 }, (_, i) => client.call("echo", [i]));
  assert.deepEqual(await Promise.all(calls), calls.map((_, i) => [i]));
  client.close();
  await door.server.close(0);
});

test("a stream is read as slowly as its reader likes, and ends with it", async () => {
  const door = await openDoor();
  using client = await connectRpc({ network: door.network, path });
  const seen: number[] = [];
  for await (const item of client.stream("count", { to: 300 })) {
    seen.push((item as { i: number }).i);
    if (seen.length % 100 === 0) await settle();
    // Calls go on meanwhile.
    if (seen.length === 150) assert.deepEqual(await client.call("echo", []), []);
  }
  assert.deepEqual(seen, Array.from({ length: 300 }, (_, i) => i + 1));
  for await (const _ of client.stream("count", { to: 1e9 })) break;
  await settle();
  assert.equal(door.server.connectionCount, 1);
  client.close();
  await door.server.close(0);
});

test("a stream called as a call, and a call consumed as a stream, say so", async () => {
  const door = await openDoor();
  using client = await connectRpc({ network: door.network, path });
  await assert.rejects(client.call("count", { to: 5 }), /consumed by stream\(\)/);
  await assert.rejects(async () => {
    for await (const _ of client.stream("echo", { a: 1 })) { /* none come */ }
  }, { code: "bad-response" });
  await assert.rejects(async () => {
    for await (const _ of client.stream("missing")) { /* none come */ }
  }, RemoteCallError);
  client.close();
  await door.server.close(0);
});

test("a signal cancels a call at the other side, and a stream", async () => {
  const door = await openDoor();
  using client = await connectRpc({ network: door.network, path });
  const stop = new AbortController();
  const call = client.call("hold", undefined, stop.signal);
  await settle();
  stop.abort(new TypeError("enough"));
  await assert.rejects(call, /enough/);
  await settle();
  assert.equal(door.cancelled.length, 1);
  const other = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of client.stream("count", { to: 1e9 }, other.signal)) {
      other.abort(new TypeError("enough"));
    }
  }, /enough/);
  client.close();
  await door.server.close(0);
});

test("what waits fails when the connection ends, and the limit of calls is refused", async () => {
  const door = await openDoor();
  const client = await connectRpc({ network: door.network, path, inFlightMax: 1 });
  const held = client.call("hold");
  await assert.rejects(client.call("echo", []), { code: "busy" });
  await assert.rejects(client.call("echo", []), { code: "busy" });
  await settle();
  client.close();
  await assert.rejects(held, { code: "closed" });
  await assert.rejects(client.call("echo", []), { code: "closed" });
  await door.server.close(0);
});

test("answers that are none end the connection with what was wrong", async () => {
  const limits = { bytesMax: 1_000 };
  const cases: [Uint8Array, string][] = [
    [encodeTextFrame("no JSON", limits), "bad-response"],
    [encodeTextFrame("7", limits), "bad-response"],
    [encodeTextFrame('{"id":1}', limits), "bad-response"],
    [new Uint8Array([0x7f, 0, 0, 0]), "too-large"],
    [new Uint8Array([0, 0, 0, 1, 0xff]), "not-utf8"],
  ];
  for (const [bytes, code] of cases) {
    const network = new MemoryNetwork();
    await network.listen({ kind: "unix", path }, (stream) => {
      stream.once("data", () => stream.write(bytes));
    });
    const client = await connectRpc({ network, path });
    await assert.rejects(client.call("m"), (thrown) => {
      assert.ok(thrown instanceof WireError, String(thrown));
      assert.equal(thrown.code, code);
      return true;
    });
    client.close();
  }
  await assert.rejects(connectRpc({ network: new MemoryNetwork(), path }), { code: "not-found" });
});
