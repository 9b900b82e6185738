import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryNetwork, VirtualClock } from "../../src/sim/mod.ts";
import { networkContract } from "../ports/_network_contract.ts";

networkContract("MemoryNetwork", () =>
  Promise.resolve({
    network: new MemoryNetwork(),
    directory: "/sockets",
    teardown: () => Promise.resolve(),
  }));

test("MemoryNetwork: latency delays the connection and each way of the data", async () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, latencyMs: 10 });
  const listener = await network.listen({ kind: "tcp", host: "a", port: 1 }, (s) => s.pipe(s));
  const dialled = network.dial(listener.address);
  await clock.advance(10);
  const stream = await dialled;
  let seenMs = 0;
  stream.once("data", () => (seenMs = clock.monotonicMs()));
  stream.write("ping");
  await clock.advance(100);
  assert.equal(seenMs, 30);
  stream.destroy();
});

test("MemoryNetwork: a reader that does not read holds the writer back", async () => {
  const network = new MemoryNetwork();
  const listener = await network.listen({ kind: "tcp", host: "a", port: 1 }, () => {});
  const stream = await network.dial(listener.address);
  let written = 0;
  for (let i = 0; i < 100; i++) stream.write(new Uint8Array(16_384), () => written++);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(written < 20, `${written} writes were taken`);
  stream.destroy();
});
