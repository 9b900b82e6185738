/** A worker that echoes, and on a message blocks its event loop for a while and stops listening. */
import { parentPort } from "node:worker_threads";
import { realNetwork } from "../../src/ports/mod.ts";

const blockedMs = 250;

const listener = await realNetwork().listen(
  { kind: "tcp", host: "127.0.0.1", port: 0 },
  (stream) => stream.pipe(stream),
);
parentPort?.postMessage(listener.address);
parentPort?.once("message", () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs);
  void listener.close().then(() => parentPort?.postMessage("closed"));
});
