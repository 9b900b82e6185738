// Goal: successors are named by requesters, and links to them do not grow more and more.
// Method: hand-made frames to a stage whose successors are streams that only listen.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MeshStream } from "../../src/ports/mod.ts";
import { encodeControl } from "../../src/stages/control_frames.ts";
import { encodeForward } from "../../src/stages/forward_frame.ts";
import { decodeFrame } from "../../src/stages/frames.ts";
import { stageProtocol } from "../../src/stages/limits.ts";
import { encodeOpen } from "../../src/stages/stage_open.ts";
import { Cluster, clusterRoot } from "./_cluster.ts";

const ids = { root: clusterRoot, numericClass: "skep-q8a/1" } as const;
const rows = Float32Array.from({ length: 64 }, (_, i) => Math.fround(i / 100));

/** A member that takes one stream of a stage, reads it to its end, and says nothing. */
class Listener {
  readonly key: string;
  readonly begun = Promise.withResolvers<void>();
  readonly ended = Promise.withResolvers<void>();
  isOpen = false;

  constructor(key: string) {
    this.key = key;
  }

  static async in(cluster: Cluster, key: string): Promise<Listener> {
    const mesh = cluster.medium.node(key);
    const listener = new Listener(key);
    const gate = { admits: (): boolean => true, allows: (): boolean => true };
    await mesh.listen({ tcp: false, iroh: false, meshId: key }, gate);
    // Its link is cut at the end.
    mesh.handle(stageProtocol, (stream) => void listener.#read(stream).catch(() => {}));
    const signal = new AbortController().signal;
    await mesh.dial(cluster.node(0).key, { addresses: [], signal });
    return listener;
  }

  async #read(stream: MeshStream): Promise<void> {
    this.isOpen = true;
    for await (const _frame of stream.frames) this.begun.resolve();
    this.isOpen = false;
    this.ended.resolve();
  }
}

test("StageServer ends links to successors that no open session leads to, once it has many", async () => {
  const server = { limits: { sessions: 2 } };
  const cluster = await Cluster.create([{ from: 2, to: 4 }, undefined], { server });
  const [stage, requester] = [cluster.node(0), cluster.node(1)];
  const stream = await requester.mesh.open(stage.key, stageProtocol);
  const frames = stream.frames[Symbol.asyncIterator]();
  /** Opens a session that leads to a successor, and sends it rows. */
  const lead = async (session: string, { key: successor }: Listener): Promise<void> => {
    const open = {
      ...{ v: 1, session, version: 1, nextSequence: 1, positionsMax: 32, ...ids } as const,
      ...{ requester: requester.key, payer: requester.key },
      stages: [
        { peer: requester.key, from: 0, to: 2, embedding: true, head: false },
        { peer: stage.key, from: 2, to: 4, embedding: false, head: false },
        { peer: successor, from: 4, to: 5, embedding: false, head: true },
      ],
    };
    stream.send(await encodeOpen({ open, links: new Uint8Array() }, requester.identity));
    const { value } = await frames.next();
    assert.equal(decodeFrame(value as Uint8Array).kind, "opened");
    const entry = { session, sequence: 1, firstPosition: 0, positionCount: 1 };
    stream.send(encodeForward({
      ...{ request: session, ...ids, firstLayer: 2, endLayer: 4, untilLayer: 5 },
      ...{ deadlineMs: 0, creditBytes: 1 << 24, content: "activations" },
      entries: [{ ...entry, wanted: "all", rollback: false }],
    }, rows));
  };
  const first = await Listener.in(cluster, "a".repeat(64));
  const second = await Listener.in(cluster, "b".repeat(64));
  const third = await Listener.in(cluster, "c".repeat(64));
  await lead("11".repeat(16), first);
  await first.begun.promise;
  await lead("22".repeat(16), second);
  await second.begun.promise;
  stream.send(encodeControl({ kind: "close", session: "11".repeat(16) }));
  assert.ok(first.isOpen, "there are not too many yet");
  await lead("33".repeat(16), third);
  await third.begun.promise;
  await Promise.race([first.ended.promise, cluster.clock.sleep(5000)]);
  assert.ok(!first.isOpen, "none leads there any more");
  assert.ok(second.isOpen, "a session still leads there");
  await cluster.close();
});
