// Goal: nodes that hold layers of one model answer for it through any of them, with one node's text.
// Method: kernels over a mesh in memory; what the services "network" and "parts" say is made here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadExecutor } from "../../../src/engine/mod.ts";
import { RpcError } from "../../../src/kernel/mod.ts";
import { fileSource, loadTokenizer, openGguf, readModelShape } from "../../../src/model/mod.ts";
import { realClock, realDisk } from "../../../src/ports/mod.ts";
import {
  checkTranscript,
  judge,
  openReceipt,
  receiptDirectory,
  ReceiptStore,
  recompute,
} from "../../../src/receipts/mod.ts";
import type { StoredReceipt, Verdict } from "../../../src/receipts/mod.ts";
import { receiptEvent, replayChooser } from "../../../src/services/inference/mod.ts";
import type { GenerateItem } from "../../../src/services/inference/mod.ts";
import { NodeMesh } from "./_mesh_nodes.ts";
import type { MeshNode } from "./_mesh_nodes.ts";

const root = "4d".repeat(32);
const model = fileURLToPath(
  new URL("../../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);

/** What a node has of the model. */
function part(layers: string): {
  readonly model: string;
  readonly name: string;
  readonly layers: string;
  readonly threads: number;
} {
  return { model, name: "tiny", layers, threads: 1 };
}

function newMesh(): NodeMesh {
  return new NodeMesh({ path: model, root, layerCount: 5 });
}

interface Answer {
  readonly text: string;
  /** The id of its receipt, where it gets one. */
  readonly receipt: string | undefined;
  readonly route: readonly { readonly peer: string; readonly from: number; readonly to: number }[];
  readonly cachedTokens: number;
}

async function answer(
  { kernel }: MeshNode,
  model: string,
  { onToken, prompt = "Once upon a time" }: {
    readonly onToken?: (count: number) => Promise<void>;
    readonly prompt?: string;
  } = {},
): Promise<Answer> {
  let text = "";
  let cachedTokens = 0;
  let count = 0;
  let route: Answer["route"] = [];
  let receipt: string | undefined;
  for await (
    const item of kernel.stream("inference", "generate", {
      params: {
        requestId: "r",
        model,
        prompt: { kind: "text", text: prompt },
        maxTokens: 40,
        stop: [],
        seed: 7,
        sampling: { temperature: 0.8 },
      },
    })
  ) {
    const one = item as GenerateItem;
    if (one.type === "start") receipt = one.receipt;
    if (one.type === "text") {
      text += one.text;
      await onToken?.(++count);
    }
    if (one.type === "end") {
      route = one.route ?? [];
      cachedTokens = one.usage.cachedTokens;
    }
  }
  return { text, route, receipt, cachedTokens };
}

test("A model split over nodes answers through each of them, and through one that has none of it", async () => {
  const mesh = newMesh();
  try {
    const whole = await mesh.add({ model, name: "whole", threads: 1 });
    const expected = await answer(whole, "whole");
    await mesh.kill(whole);
    const first = await mesh.add(part("0-3"));
    const second = await mesh.add(part("3-5"));
    const third = await mesh.add({ threads: 1 });
    for (const node of [first, second, third]) {
      const { text, route } = await answer(node, "tiny");
      assert.equal(text, expected.text);
      assert.deepEqual(route, [
        { peer: first.key, from: 0, to: 3 },
        { peer: second.key, from: 3, to: 5 },
      ]);
    }
    const list = await third.kernel.call("inference", "models.list", { params: {} });
    assert.deepEqual((list as { id: string }[]).map(({ id }) => id), ["stories260K", "tiny"]);
  } finally {
    await mesh.close();
  }
});

test("What is told of a model of the mesh holds before it was asked for, and after", async () => {
  const mesh = newMesh();
  try {
    const first = await mesh.add(part("0-3"));
    await mesh.add(part("3-5"));
    const third = await mesh.add({ threads: 1 });
    // Its time was measured before anybody asked for an answer.
    assert.equal(await measuredAtRest(first), true);
    const contexts = async (): Promise<readonly unknown[]> => {
      const list = await third.kernel.call("inference", "models.list", { params: {} });
      return (list as { contextMax: number }[]).map(({ contextMax }) => contextMax);
    };
    assert.deepEqual(await contexts(), [128, 128]);
    // 32 positions are a page, which a later answer takes over wherever it is held.
    const prompt = "Once upon a time there was a little girl who liked to play. ".repeat(3);
    const cold = await answer(third, "tiny", { prompt });
    const warm = await answer(third, "tiny", { prompt });
    assert.equal(cold.cachedTokens, 0);
    assert.ok(warm.cachedTokens >= 32 && warm.cachedTokens % 32 === 0, `${warm.cachedTokens}`);
    assert.equal(warm.text, cold.text);
    assert.deepEqual(await contexts(), [128, 128]);
    assert.ok(Number(first.capabilities.memoryFreeBytes) > 2 ** 20);
  } finally {
    await mesh.close();
  }
});

/** Whether a node tells the time of a layer; it says so within moments of its start. */
async function measuredAtRest(node: MeshNode): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (Number(node.capabilities.models[0]?.layerMs) > 0) return true;
    await realClock().sleep(10);
  }
  return false;
}

/** What one pass over an answer says of its receipt. */
async function verdictOf(mesh: NodeMesh, { receipt, transcript }: StoredReceipt): Promise<Verdict> {
  const opened = openReceipt(receipt, 5);
  checkTranscript(transcript, opened.request);
  const source = await fileSource(realDisk(), model);
  const file = await openGguf(source);
  const executor = await loadExecutor({ file, source, shape: readModelShape(file), threads: 1 });
  try {
    const { seed, sampling } = opened.request;
    const { promptTokens, outputTokens, constraint: heldTo } = transcript;
    const { vocabularySize } = executor.shape;
    const choose = await replayChooser({
      ...{ file, vocabularySize, seed, sampling, heldTo, promptTokens, outputTokens },
      clock: mesh.clock,
      tokenizer: loadTokenizer(file),
    });
    return judge(opened, await recompute({ receipt: opened, transcript, executor, choose }));
  } finally {
    executor.close();
    await source.close();
  }
}

test("Answers that several nodes took part in have receipts that hold, also where one was replaced", async () => {
  const mesh = newMesh();
  try {
    const first = await mesh.add(part("0-3"));
    const second = await mesh.add(part("3-5"));
    const third = await mesh.add({ threads: 1 });
    const ids = [await answer(first, "tiny"), await answer(third, "tiny")].map((one) =>
      one.receipt
    );
    const standby = await mesh.add(part("2-5"));
    const onToken = async (count: number): Promise<void> => {
      if (count === 10) await mesh.kill(second.running !== undefined ? second : standby);
    };
    ids.push((await answer(first, "tiny", { onToken })).receipt);
    await mesh.stop(first);
    await mesh.stop(third);
    const stores = [first, third].map(({ paths: { directories } }) =>
      new ReceiptStore({ disk: realDisk(), directory: receiptDirectory(directories.state) })
    );
    const lists = await Promise.all(stores.map((store) => store.list()));
    const kept = lists.map((list) => list.map(({ id }) => id).sort());
    const [one, other, after] = ids;
    assert.deepEqual(kept, [[one, after].sort(), [other]]);
    for (const id of ids) {
      const store = stores[id === other ? 1 : 0];
      assert.ok(store !== undefined);
      const stored = await store.read(String(id).slice(0, 20));
      const { finding, positions } = await verdictOf(mesh, stored);
      assert.equal(finding, undefined, JSON.stringify(finding));
      assert.ok(positions > 40);
      const event = mesh.journal.find(({ chi, body }) =>
        chi === receiptEvent && JSON.stringify(body) === JSON.stringify({ receipt: stored.receipt })
      );
      assert.ok(event !== undefined);
    }
  } finally {
    await mesh.close();
  }
});

test("A node alone makes receipts where it is told to, for models whose root is known", async () => {
  const mesh = newMesh();
  try {
    const some = await mesh.add({ ...part("0-5"), receipts: "none" });
    assert.equal((await answer(some, "tiny")).receipt, undefined);
    const alone = await mesh.add({ threads: 1, receipts: "all" });
    assert.equal((await answer(alone, "stories260K")).receipt, undefined);
  } finally {
    await mesh.close();
  }
});

test("A node that dies while it computes is replaced, and the answer's text is the same", async () => {
  const mesh = newMesh();
  try {
    const first = await mesh.add(part("0-3"));
    const second = await mesh.add(part("3-5"));
    const expected = await answer(first, "tiny");
    const standby = await mesh.add(part("2-5"));
    const onToken = async (count: number): Promise<void> => {
      if (count !== 10) return;
      const victim = second.running !== undefined ? second : standby;
      await mesh.kill(victim);
    };
    const { text, route } = await answer(first, "tiny", { onToken });
    assert.equal(text, expected.text);
    assert.equal(route.at(-1)?.to, 5);
  } finally {
    await mesh.close();
  }
});

test("An answer whose layers nobody has any more fails with a sentence, and the next one goes on", async () => {
  const mesh = newMesh();
  let passing: ReturnType<typeof setInterval> | undefined;
  try {
    const first = await mesh.add(part("0-3"));
    const second = await mesh.add(part("3-5"));
    const expected = await answer(first, "tiny");
    let pieces = 0;
    const onToken = async (count: number): Promise<void> => {
      pieces = count;
      if (count !== 10) return;
      await mesh.kill(second);
      passing = setInterval(() => mesh.skippedMs += 10_000, 100);
    };
    const cut = answer(first, "tiny", { onToken });
    await assert.rejects(cut, (thrown) => {
      assert(thrown instanceof RpcError);
      assert.equal(thrown.kind, "unavailable");
      assert.match(
        thrown.message,
        /^Cannot go on as layers 3 to 4 were lost with peer skep_[0-9a-f]{12}/,
      );
      return true;
    });
    assert(pieces >= 10);
    clearInterval(passing);
    await mesh.add(part("3-5"));
    assert.equal((await answer(first, "tiny")).text, expected.text);
  } finally {
    clearInterval(passing);
    await mesh.close();
  }
});
