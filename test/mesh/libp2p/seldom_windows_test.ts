import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stream } from "@libp2p/interface";
import { updateSeldom } from "../../../src/mesh/libp2p/seldom_windows.ts";
import { link, nodeAt, streamBetween, withNodes } from "./_meshes.ts";

test("updateSeldom() grants room when half a window is used up, and not before", () => {
  let updates = 0;
  const stream = { recvWindow: 100, recvWindowCapacity: 100, sendWindowUpdate: () => updates++ };
  updateSeldom(stream as unknown as Stream);
  for (const [left, expected] of [[100, 0], [51, 0], [50, 1], [0, 2], [99, 2]] as const) {
    stream.recvWindowCapacity = left;
    stream.sendWindowUpdate();
    assert.equal(updates, expected, `${left} bytes left`);
  }
});

test("a stream whose room is granted seldom never runs dry", async () => {
  await withNodes([undefined, undefined], async (...nodes) => {
    const [a, b] = [nodeAt(nodes, 0), nodeAt(nodes, 1)];
    await link(a, b);
    const [near, far] = await streamBetween(a, b);
    const frames = far.frames[Symbol.asyncIterator]();
    // Far more than a window: half of it is granted again and again, or this never ends.
    for (let i = 0; i < 48; i++) {
      if (!near.send(new Uint8Array(65_536))) await near.drained();
      assert.equal((await frames.next()).value?.length, 65_536);
    }
    near.reset();
  });
});
