// Goal: what a peer must not do is refused by name and counted, and everybody else goes on.
// Method: hand-made frames on raw streams, beside a pipeline whose bits are those of one executor.
import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFrameBytesMax } from "../../src/ports/mod.ts";
import type { MeshStream } from "../../src/ports/mod.ts";
import { encodeControl, NOBODY } from "../../src/stages/control_frames.ts";
import type { ControlFrame, RefusalFrame } from "../../src/stages/control_frames.ts";
import { encodeForward } from "../../src/stages/forward_frame.ts";
import type { ForwardHead } from "../../src/stages/forward_frame.ts";
import { decodeFrame } from "../../src/stages/frames.ts";
import type { StageFrame } from "../../src/stages/frames.ts";
import { stageProtocol } from "../../src/stages/limits.ts";
import type { ResultFrame } from "../../src/stages/result_frame.ts";
import { encodeOpen } from "../../src/stages/stage_open.ts";
import type { StageOpen } from "../../src/stages/stage_open.ts";
import { assertSameBits } from "../engine/_executor_contract.ts";
import { Cluster, clusterRoot, splitOf } from "./_cluster.ts";
import type { ClusterNode } from "./_cluster.ts";

const session = "11".repeat(16);
const width = 64;

/** A peer that writes what it likes. */
class RawPeer {
  readonly stream: MeshStream;
  readonly #frames: AsyncIterator<Uint8Array>;

  constructor(stream: MeshStream) {
    this.stream = stream;
    this.#frames = stream.frames[Symbol.asyncIterator]();
  }

  static async to(node: ClusterNode, from: ClusterNode): Promise<RawPeer> {
    return new RawPeer(await from.mesh.open(node.key, stageProtocol));
  }

  send(frame: Uint8Array): void {
    this.stream.send(frame);
  }

  async next(): Promise<StageFrame> {
    const { value, done } = await this.#frames.next();
    assert.ok(done !== true, "the stream has ended");
    return decodeFrame(value as Uint8Array);
  }

  async refusal(): Promise<RefusalFrame> {
    const frame = await this.next();
    assert.equal(frame.kind, "refusal");
    return frame as RefusalFrame;
  }

  async result(): Promise<ResultFrame> {
    const frame = await this.next();
    assert.equal(frame.kind, "result", JSON.stringify(frame));
    return frame as ResultFrame;
  }
}

function openOf(cluster: Cluster, more: Partial<StageOpen> = {}): StageOpen {
  const [stage, requester] = [cluster.node(0), cluster.node(1)];
  return {
    v: 1,
    session,
    version: 1,
    nextSequence: 1,
    requester: requester.key,
    payer: requester.key,
    root: clusterRoot,
    numericClass: "skep-q8a/1",
    positionsMax: 64,
    stages: [
      { peer: requester.key, from: 0, to: 2, embedding: true, head: false },
      { peer: stage.key, from: 2, to: 5, embedding: false, head: true },
    ],
    ...more,
  };
}

const request = "22".repeat(16);

function headOf(more: Partial<ForwardHead> = {}): ForwardHead {
  return {
    request,
    root: clusterRoot,
    numericClass: "skep-q8a/1",
    firstLayer: 2,
    endLayer: 5,
    untilLayer: 5,
    deadlineMs: 0,
    creditBytes: 1 << 24,
    content: "activations",
    entries: [entryOf(1, 0)],
    ...more,
  };
}

// tidy: allow positional-parameters as an entry is its sequence number, position and count
function entryOf(
  sequence: number,
  firstPosition: number,
  positionCount = 2,
): ForwardHead["entries"][number] {
  return { session, sequence, firstPosition, positionCount, wanted: "all", rollback: false };
}

const rows = Float32Array.from({ length: 2 * width }, (_, i) => Math.fround(i / 100));

/** A stage with layers 2 to 5, a requester, and a stranger. */
async function stageAndPeers(
  options: Parameters<typeof Cluster.create>[1] = {},
): Promise<{ cluster: Cluster; peer: RawPeer; stranger: RawPeer }> {
  const cluster = await Cluster.create([{ from: 2, to: 5 }, undefined, undefined], options);
  const peer = await RawPeer.to(cluster.node(0), cluster.node(1));
  const stranger = await RawPeer.to(cluster.node(0), cluster.node(2));
  return { cluster, peer, stranger };
}

async function open(cluster: Cluster, peer: RawPeer, more: Partial<StageOpen> = {}): Promise<void> {
  const links = new Uint8Array();
  peer.send(await encodeOpen({ open: openOf(cluster, more), links }, cluster.node(1).identity));
  const frame = await peer.next();
  assert.equal(frame.kind, "opened", JSON.stringify(frame));
}

test("StageServer computes rows, and refuses by name those that are wrong", async () => {
  const { cluster, peer, stranger } = await stageAndPeers();
  await open(cluster, peer);
  const nan = rows.slice();
  nan[70] = NaN;
  const wide = new Float32Array(2 * (width + 1));
  const wrong: readonly [string, Uint8Array, RegExp][] = [
    ["not-a-number", encodeForward(headOf(), nan), /value 6 of position 1 .* it is NaN/],
    ["wrong-format", encodeForward(headOf(), wide), /rows of 65 values as the model has 64/],
    ["wrong-format", encodeForward(headOf(), Uint32Array.of(1, 2)), /the embedding is elsewhere/],
    ["wrong-layers", encodeForward(headOf({ firstLayer: 3 }), rows), /layers 3 to 5/],
    ["wrong-layers", encodeForward(headOf({ untilLayer: 7 }), rows), /until 7/],
    ["wrong-class", encodeForward(headOf({ numericClass: "other/1" }), rows), /"other\/1"/],
    ["wrong-model", encodeForward(headOf({ root: "00".repeat(32) }), rows), /another model/],
    ["out-of-order", encodeForward(headOf({ entries: [entryOf(1, 5)] }), rows), /position 0 comes/],
    [
      "context-full",
      encodeForward(headOf({ entries: [entryOf(1, 0, 65)] }), new Float32Array(65 * width)),
      /at most 64/,
    ],
    [
      "unknown-session",
      encodeForward(headOf({ entries: [{ ...entryOf(1, 0), session: request }] }), rows),
      /was not opened here/,
    ],
    ["over-credit", encodeForward(headOf({ creditBytes: 8 }), rows), /as 8 were granted/],
  ];
  for (const [code, frame, pattern] of wrong) {
    peer.send(frame);
    const refusal = await peer.refusal();
    assert.equal(refusal.code, code, refusal.sentence);
    assert.match(refusal.sentence, pattern);
    assert.equal(refusal.request, request);
    peer.send(encodeControl({
      kind: "truncate",
      session,
      version: 2,
      positionCount: 0,
      nextSequence: 1,
    }));
    assert.equal((await peer.next()).kind, "opened");
  }
  stranger.send(encodeForward(headOf(), rows));
  assert.equal((await stranger.refusal()).code, "not-yours");
  for (const kind of ["close", "cancel"] as const) {
    stranger.send(encodeControl({ kind, session }));
    assert.equal((await stranger.refusal()).code, "not-yours");
  }
  peer.send(encodeForward(headOf(), rows));
  const { data } = await peer.result();
  const executor = await cluster.load({ from: 2, to: 5 });
  const own = executor.openSession();
  const entry = { session: own, firstPosition: 0, positionCount: 2 };
  assertSameBits(data, await executor.forward({ from: 2, to: 5 }, [entry], rows), "the rows");
  peer.send(encodeForward(headOf({ entries: [entryOf(2, 0)] }), rows));
  assert.match((await peer.refusal()).sentence, /position 0 as position 2 comes next/);
  const { refusals } = cluster.node(0).server.counters();
  assert.equal(refusals["not-yours"], 3);
  assert.equal(refusals["not-a-number"], 1);
  executor.close();
  await cluster.close();
});

test("StageServer drops frames of a session's past in silence, and counts them", async () => {
  const { cluster, peer } = await stageAndPeers();
  await open(cluster, peer, { nextSequence: 10 });
  peer.send(encodeForward(headOf(), rows));
  peer.send(encodeForward(headOf({ entries: [entryOf(10, 0)] }), rows));
  assert.equal((await peer.result()).rows, 2);
  assert.equal(cluster.node(0).server.counters().staleFrames, 1);
  await cluster.close();
});

test("StageServer refuses opens that are not signed, not the sender's, or not for it", async () => {
  const { cluster, peer, stranger } = await stageAndPeers({
    server: { limits: { sessionsPerPeer: 2 } },
  });
  const [stage, requester, other] = [cluster.node(0), cluster.node(1), cluster.node(2)];
  const links = new Uint8Array();
  const good = openOf(cluster);
  const [before, mine] = good.stages;
  assert.ok(before !== undefined && mine !== undefined);
  async function refused(
    from: RawPeer,
    { statement, signer }: { statement: StageOpen; signer: ClusterNode },
  ): Promise<string> {
    from.send(await encodeOpen({ open: statement, links }, signer.identity));
    return (await from.refusal()).code;
  }
  assert.equal(await refused(peer, { statement: good, signer: other }), "bad-signature");
  assert.equal(await refused(stranger, { statement: good, signer: requester }), "bad-signature");
  const wrong: readonly [Partial<StageOpen>, string][] = [
    [{ root: "00".repeat(32) }, "wrong-model"],
    [{ numericClass: "other/1" }, "wrong-class"],
    [{ stages: [{ ...before, to: 1 }, { ...mine, from: 1 }] }, "wrong-layers"],
    [{ stages: [{ ...before, peer: other.key, to: 5, head: true }] }, "wrong-layers"],
    [{ stages: [{ ...before, peer: stage.key }, mine] }, "wrong-layers"],
  ];
  for (const [more, code] of wrong) {
    const statement = { ...good, ...more };
    assert.equal(await refused(peer, { statement, signer: requester }), code);
  }
  await open(cluster, peer);
  const statement = { ...good, session };
  assert.equal(await refused(peer, { statement, signer: requester }), "out-of-order");
  const theirs = { ...good, requester: other.key };
  assert.equal(await refused(stranger, { statement: theirs, signer: other }), "not-yours");
  await open(cluster, peer, { session: request });
  const third = { ...good, session: "33".repeat(16) };
  assert.equal(await refused(peer, { statement: third, signer: requester }), "too-many");
  assert.equal(stage.server.counters().sessionsOpen, 2);
  await cluster.close();
});

test("StageServer refuses what it can't read by name, and resets who goes on with it", async () => {
  const { cluster, peer, stranger } = await stageAndPeers();
  await open(cluster, peer);
  const frame: ControlFrame = { kind: "credit", session, bytes: 1 };
  for (const bytes of [Uint8Array.of(0x21), encodeControl(frame), new Uint8Array(50)]) {
    stranger.send(bytes);
    const { code, session: about } = await stranger.refusal();
    assert.deepEqual([code, about], ["malformed", NOBODY]);
  }
  for (let i = 0; i < 13; i++) stranger.send(Uint8Array.of(0xee));
  await stranger.stream.closed;
  peer.send(encodeForward(headOf(), rows));
  assert.equal((await peer.result()).rows, 2);
  await cluster.close();
});

test("StageServer holds each peer to its credit and its keys and values", async () => {
  const { cluster, peer } = await stageAndPeers({
    server: { limits: { windowBytes: 4096, kvBytesPerPeer: 20_000 } },
  });
  await open(cluster, peer);
  const many = encodeForward(
    headOf({ entries: [entryOf(1, 0, 17)] }),
    new Float32Array(17 * width),
  );
  assert.ok(many.length < meshFrameBytesMax);
  peer.send(many);
  assert.equal((await peer.refusal()).code, "over-credit");
  const few = encodeForward(headOf({ entries: [entryOf(1, 0, 8)] }), new Float32Array(8 * width));
  peer.send(few);
  const kinds: string[] = [];
  for (let i = 0; i < 2; i++) kinds.push((await peer.next()).kind);
  assert.deepEqual(kinds.toSorted(), ["credit", "result"]);
  for (let first = 8;; first += 8) {
    peer.send(encodeForward(
      headOf({ entries: [entryOf(first, first, 8)] }),
      new Float32Array(8 * width),
    ));
    const frames = [await peer.next()];
    if (frames[0]?.kind === "refusal") {
      assert.equal(frames[0].code, "no-memory");
      assert.ok(first > 8);
      break;
    }
    await peer.next();
  }
  await cluster.close();
});

test("StageServer drops the sessions of a peer whose stream ends", async () => {
  const { cluster, peer } = await stageAndPeers();
  await open(cluster, peer);
  peer.send(encodeForward(headOf(), rows));
  await peer.result();
  assert.equal(cluster.usedPages()[0], 1);
  peer.stream.reset();
  await peer.stream.closed;
  while (cluster.node(0).server.counters().sessionsOpen > 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(cluster.usedPages()[0], 0);
  await cluster.close();
});

test("StageServer refuses rows whose deadline passes while they wait", async () => {
  const { cluster, peer } = await stageAndPeers();
  await open(cluster, peer);
  const slow = cluster.node(0).executor;
  assert.ok(slow !== undefined);
  // Something else keeps the executor busy.
  const other = slow.openSession();
  const busy = Array.from({ length: 6 }, (_, i) =>
    slow.forward({ from: 2, to: 5 }, [{
      session: other,
      firstPosition: 20 * i,
      positionCount: 20,
    }], new Float32Array(20 * width)));
  peer.send(encodeForward(headOf(), rows));
  peer.send(encodeForward(headOf({ deadlineMs: 1, entries: [entryOf(2, 2)] }), rows));
  const outcomes = [await peer.next(), await peer.next()].map((frame) =>
    frame.kind === "refusal" ? frame.code : frame.kind
  );
  assert.deepEqual(outcomes, ["result", "deadline"]);
  await Promise.all(busy);
  await cluster.close();
});

test("StageServer computes the rows of several requesters together, with everybody's own bits", async () => {
  const cluster = await Cluster.create([undefined, ...splitOf(5, 2), undefined, undefined]);
  const whole = await cluster.load();
  const pipelines = [0, 3, 4].map((index) => cluster.pipeline(index));
  const tokens = pipelines.map((_, i) =>
    Uint32Array.from({ length: 30 + i }, (_, j) => 1 + (i * 97 + j * 13) % 500)
  );
  const actual = await Promise.all(pipelines.map(async (pipeline, i) => {
    const one = pipeline.openSession();
    const all: Float32Array[] = [];
    for (const next of [tokens[i] ?? new Uint32Array(), Uint32Array.of(5 + i), Uint32Array.of(9)]) {
      all.push((await pipeline.step([{ session: one, tokens: next, logits: "last" }])).slice());
    }
    return all;
  }));
  for (const [i, all] of actual.entries()) {
    const one = whole.openSession();
    const inputs = [tokens[i] ?? new Uint32Array(), Uint32Array.of(5 + i), Uint32Array.of(9)];
    for (const [j, next] of inputs.entries()) {
      const expected = await whole.step([{ session: one, tokens: next, logits: "last" }]);
      assertSameBits(all[j] ?? new Float32Array(), expected, `requester ${i}, step ${j}`);
    }
  }
  const { steps, rows: computed } = cluster.node(1).server.counters();
  assert.equal(computed, 30 + 31 + 32 + 6);
  assert.ok(steps <= 9, `${steps} steps`);
  whole.close();
  await cluster.close();
});
