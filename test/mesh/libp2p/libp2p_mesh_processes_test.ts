/**
 * Two processes, of both runtimes, over both transports: they talk, and one of them is killed, stopped,
 * or busy.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadIroh } from "../../../src/mesh/libp2p/iroh_native.ts";
import { MeshError } from "../../../src/ports/mod.ts";
import type { MeshStream } from "../../../src/ports/mod.ts";
import { clock, nextEvent } from "./_meshes.ts";
import { dial, exchange, withTwo } from "./_pairs.ts";
import { isSoon } from "../../_soon.ts";
import { hasRuntime, OTHER, OWN } from "./_processes.ts";

/** A dead peer is noticed within 800 ms; what a test runs beside adds to that. */
const noticedMsMax = 1500;

const hasIroh = !("missing" in loadIroh());

function isCode(code: MeshError["code"]): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof MeshError && thrown.code === code;
}

/** Sends until the stream is closed; a hang fails the test by its time. */
async function sendToTheEnd(stream: MeshStream): Promise<void> {
  while (true) {
    if (!stream.send(new Uint8Array(16384))) await stream.drained();
    await clock.sleep(5);
  }
}

for (const transport of ["tcp", "iroh"] as const) {
  const skip = transport === "iroh" && !hasIroh;

  test(
    `${OWN} and ${OTHER} talk over ${transport}`,
    { skip: skip || !hasRuntime(OTHER) },
    async () => {
      await withTwo({ transport, runtime: OTHER }, async (a, process) => {
        assert.deepEqual(a.mesh.peers().map((peer) => peer.transport), [transport]);
        await exchange(await a.mesh.open(process.key, "/test/echo"), 50);
      });
    },
  );

  test(`kill -9 of a peer over ${transport} soon ends streams, sends and reads`, {
    skip,
  }, async () => {
    await isSoon("noticing", { msMax: noticedMsMax, act: () => afterKill(transport) });
  });

  test(`a stopped peer over ${transport} is soon noticed, by it too once it goes on`, {
    skip,
  }, async () => {
    await isSoon("noticing", { msMax: noticedMsMax, act: () => afterStop(transport) });
  });
}

/** How long it takes until a killed peer's link, streams, sends and reads have ended. */
async function afterKill(transport: "tcp" | "iroh"): Promise<number> {
  let tookMs = Infinity;
  await withTwo({ transport, runtime: OWN }, async (a, process) => {
    const stream = await a.mesh.open(process.key, "/test/hold");
    const closed = nextEvent(a.mesh, "closed");
    const reading = assert.rejects(
      stream.frames[Symbol.asyncIterator]().next(),
      isCode("closed"),
    );
    const sending = assert.rejects(sendToTheEnd(stream), isCode("closed"));
    const killedMs = performance.now();
    process.signal("SIGKILL");
    await Promise.all([closed, reading, sending, stream.closed]);
    tookMs = performance.now() - killedMs;
    await assert.rejects(a.mesh.open(process.key, "/test/hold"), isCode("unreachable"));
  });
  return tookMs;
}

/** How long it takes until a stopped peer is noticed, and this side by it once it goes on: the longer. */
async function afterStop(transport: "tcp" | "iroh"): Promise<number> {
  let tookMs = Infinity;
  await withTwo({ transport, runtime: OWN }, async (a, process) => {
    const stream = await a.mesh.open(process.key, "/test/echo");
    const closed = nextEvent(a.mesh, "closed");
    await clock.sleep(300);
    const stoppedMs = performance.now();
    process.signal("SIGSTOP");
    await Promise.all([closed, stream.closed]);
    const noticedMs = performance.now() - stoppedMs;
    const resumedMs = Date.now();
    process.signal("SIGCONT");
    const { atMs } = await process.next(({ event }) => event === "closed");
    tookMs = Math.max(noticedMs, atMs - resumedMs);
    await dial(a, process);
    await exchange(await a.mesh.open(process.key, "/test/echo"), 3);
  });
  return tookMs;
}

test("a peer that sends without end is slowed down, and its link lives", async () => {
  await withTwo({ transport: "tcp", runtime: OWN }, async (a, process) => {
    const closed = nextEvent(a.mesh, "closed").then(() => "closed", () => "kept");
    const held = await a.mesh.open(process.key, "/test/flood");
    const read = await a.mesh.open(process.key, "/test/flood");
    let bytes = 0;
    for await (const frame of read.frames) {
      bytes += frame.length;
      // As much was to be had from the other one, of which nobody reads.
      if (bytes > 32 * 1024 * 1024) break;
    }
    const before = a.mesh.counters().receivedBytes - bytes;
    assert.ok(before < 8 * 1024 * 1024, `${before} bytes wait, though nobody reads them`);
    await exchange(await a.mesh.open(process.key, "/test/echo"), 3);
    assert.equal(await Promise.race([closed, clock.sleep(10).then(() => "kept")]), "kept");
    held.reset();
    read.reset();
  });
});
