/** A node of this process linked with one of another process, and frames between the two. */
import assert from "node:assert/strict";
import type { MeshStream } from "../../../src/ports/mod.ts";
import { link, nodeAt, withNodes } from "./_meshes.ts";
import type { Node } from "./_meshes.ts";
import { withProcess } from "./_processes.ts";
import type { NodeProcess, OWN } from "./_processes.ts";

/** Links the node with the process. */
export async function dial(a: Node, process: NodeProcess): Promise<void> {
  const peer = { mesh: { ...a.mesh, self: process.key }, addresses: process.addresses };
  await link(a, peer);
  await process.next(({ event }) => event === "connected");
}

/** A node of this process linked with one of another process. */
export async function withTwo(
  options: { readonly transport: "tcp" | "iroh"; readonly runtime: typeof OWN },
  use: (a: Node, process: NodeProcess) => Promise<void>,
): Promise<void> {
  const { transport, runtime } = options;
  await withProcess({ runtime, transport, seed: 200 }, async (process) => {
    await withNodes([undefined], async (...nodes) => {
      const a = nodeAt(nodes, 0);
      await dial(a, process);
      await use(a, process);
    }, transport === "iroh" ? { tcp: false, iroh: true } : {});
  });
}

/** Sends frames to a process that gives them back, and ends the stream. */
export async function exchange(stream: MeshStream, count: number): Promise<void> {
  const frames = stream.frames[Symbol.asyncIterator]();
  for (let at = 0; at < count; at++) {
    const frame = new Uint8Array(16384).fill(at);
    if (!stream.send(frame)) await stream.drained();
    const { value } = await frames.next();
    assert.deepEqual(value, frame);
  }
  await stream.close();
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
}
