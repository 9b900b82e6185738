/**
 * What a blocked event loop costs: one link when it lasts, none when it is short. Its times hold on a
 * quiet machine only, so it is run by name: `deno test -A FILE`, `node --test FILE`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, nextEvent } from "./_meshes.ts";
import { dial, exchange, withTwo } from "./_pairs.ts";
import { OWN } from "./_processes.ts";

test("an event loop that was blocked for 1.5 s costs one link, and no more", async () => {
  await withTwo({ transport: "tcp", runtime: OWN }, async (a, process) => {
    const closed = nextEvent(a.mesh, "closed");
    process.tell({ blockMs: 1500 });
    await closed;
    await process.next(({ event }) => event === "closed");
    await dial(a, process);
    const again = nextEvent(a.mesh, "closed").then(() => "closed", () => "never");
    assert.equal(await Promise.race([again, clock.sleep(2000).then(() => "steady")]), "steady");
    assert.deepEqual(process.rest(), []);
    // This side blocks: the other one ends the link, this one does not blame it for the silence.
    const endMs = performance.now() + 1500;
    while (performance.now() < endMs);
    await again;
    await process.next(({ event }) => event === "closed");
    await dial(a, process);
    await exchange(await a.mesh.open(process.key, "/test/echo"), 3);
  });
});

test("an event loop that is blocked for 400 ms again and again keeps its links", async () => {
  await withTwo({ transport: "tcp", runtime: OWN }, async (a, process) => {
    const closed = nextEvent(a.mesh, "closed").then(() => "closed", () => "never");
    for (let count = 0; count < 4; count++) {
      process.tell({ blockMs: 400 });
      await clock.sleep(500);
    }
    assert.equal(await Promise.race([closed, clock.sleep(300).then(() => "kept")]), "kept");
    assert.equal(a.mesh.peers().length, 1);
  });
});
