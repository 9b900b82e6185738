// Goal: nobody who was let in by the system is reset because the listener closes.
// Method: connect, and send, while the listener's thread is blocked; its next act is to close.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { realNetwork } from "../../src/ports/mod.ts";
import type { Address } from "../../src/ports/mod.ts";

test("close() accepts who has connected before it, and nobody after", async () => {
  const worker = new Worker(new URL("./_blocked_listener.ts", import.meta.url));
  try {
    const [address] = await once(worker, "message") as [Address];
    const closed = once(worker, "message");
    worker.postMessage("close");
    await sleep(50);
    const network = realNetwork();
    const streams = await Promise.all([1, 2, 3].map(() => network.dial(address)));
    const echoes = await Promise.all(streams.map(async (stream, i) => {
      stream.write(`${i}`);
      const [bytes] = await once(stream, "data");
      return String(bytes);
    }));
    assert.deepEqual(echoes, ["0", "1", "2"]);
    await closed;
    await assert.rejects(network.dial(address), { code: "refused" });
    for (const stream of streams) stream.destroy();
  } finally {
    await worker.terminate();
  }
});
