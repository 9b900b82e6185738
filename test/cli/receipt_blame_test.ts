/**
 * Goal: an answer of two nodes, one of which gives wrong numbers from some position on; its receipt
 * is listed, shown and exported, and a check names the node and, by the leaves that it keeps, the
 * position: also after both were started again, to who asked for the answer, and to nobody else.
 */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { blake3 } from "hash-wasm";
import { createSampler, loadExecutor } from "../../src/engine/mod.ts";
import { openStageStatement, parseReceipt } from "../../src/receipts/mod.ts";
import type { Engine, GenerateItem } from "../../src/services/inference/mod.ts";
import { NodeMesh } from "../services/inference/_mesh_nodes.ts";
import type { MeshNode } from "../services/inference/_mesh_nodes.ts";
import { skep } from "./_support.ts";
import type { CliResult } from "./_support.ts";

const model = fileURLToPath(
  new URL("../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);

/** The first position whose rows are wrong. */
const wrongFrom = 20;

/** Computes as everybody does, but for one bit of each row from a position on. */
const liar: Engine = {
  createSampler,
  load: async (options) => {
    const executor = await loadExecutor(options);
    const forward = executor.forward.bind(executor);
    executor.forward = async (layers, batch, ...rest) => {
      const rows = await forward(layers, batch, ...rest);
      const words = new Uint32Array(rows.buffer, rows.byteOffset, rows.length);
      const { width } = executor.shape;
      let row = 0;
      for (const { firstPosition, positionCount } of batch) {
        for (let i = 0; i < positionCount; i++, row++) {
          if (firstPosition + i >= wrongFrom) words[row * width] = (words[row * width] ?? 0) ^ 1;
        }
      }
      return rows;
    };
    return executor;
  },
};

/** Has a node answer; the id of the receipt, once it is kept. */
async function answer(mesh: NodeMesh, { kernel }: MeshNode, rid: string): Promise<string> {
  let receipt = "";
  const params = {
    ...{ requestId: rid, model: "tiny", prompt: { kind: "text", text: "Once upon a time" } },
    ...{ maxTokens: 30, stop: [], seed: 7, sampling: { temperature: 0.8 } },
  };
  for await (const item of kernel.stream("inference", "generate", { params })) {
    const one = item as GenerateItem;
    if (one.type === "start") receipt = one.receipt ?? "";
  }
  await mesh.receiptOf(rid);
  return receipt;
}

test("a wrong answer's receipt is listed, shown and exported, and a check names node and position", async () => {
  const root = await blake3(readFileSync(model));
  const mesh = new NodeMesh({ path: model, root, layerCount: 5 });
  try {
    const asker = await mesh.add({ model, name: "tiny", layers: "0-3", threads: 1 });
    const computer = await mesh.add({ model, name: "tiny", layers: "3-5", threads: 1 }, liar);
    const stranger = await mesh.add({ threads: 1 });
    const id = await answer(mesh, asker, "r-1");
    const place = ["--home", asker.home];
    const exported = join(mesh.folder, "answer");
    const verify = (...args: string[]): Promise<CliResult> =>
      skep([
        ...["verify", join(exported, "receipt.json"), "--model", model],
        ...["--transcript", join(exported, "transcript.json"), ...place, ...args],
      ]);

    const list = await skep(["receipt", "list", ...place]);
    assert.equal(list.code, 0, list.err);
    assert.match(list.out, new RegExp(`^${id.slice(0, 16)} +\\d{4}-\\d\\d-\\d\\dT`));
    const rows = JSON.parse((await skep(["receipt", "list", "--json", ...place])).out);
    assert.deepEqual(rows.map((row: { id: string }) => row.id), [id]);
    const show = await skep(["receipt", "show", id.slice(0, 6), ...place]);
    assert.equal(show.code, 0, show.err);
    assert.match(show.out, /^receipt +[0-9a-f]{64}\nrequester +skep_[0-9a-f]{12}\n/);
    assert.match(
      show.out,
      /^stage 2 +skep_[0-9a-f]{12}, layers 3 to 4, positions 0 to \d+, statement 1$/m,
    );
    const json = JSON.parse((await skep(["receipt", "show", id, "--json", ...place])).out);
    assert.equal(json.request.request, id);
    assert.deepEqual(json.stages.map(({ stage }: { stage: string }) => stage), [
      asker.key,
      computer.key,
    ]);
    assert.equal((await skep(["receipt", "show", "ffff", ...place])).code, 1);
    const written = await skep(["receipt", "export", id, "--to", exported, ...place]);
    assert.equal(written.code, 0, written.err);

    const people = await verify();
    assert.equal(people.code, 1);
    assert.match(people.out, /Stage 2, skep_\w+, was given the right .* from position 20 on\n$/);
    for (const node of [asker, computer]) await mesh.stop(node);
    for (const node of [asker, computer]) await mesh.start(node);
    const again = await verify("--json");
    assert.equal(again.code, 1, again.err);
    const { finding: { kind, blamed, position }, noLeaves } = JSON.parse(again.out);
    assert.deepEqual({ kind, blamed, position, noLeaves }, {
      kind: "wrong-output",
      blamed: computer.key,
      position: wrongFrom,
      noLeaves: undefined,
    });

    const { request, stages } = parseReceipt(readFileSync(join(exported, "receipt.json"), "utf8"));
    const { session } = JSON.parse(request.statement);
    const end = openStageStatement(stages[1] ?? "").positions.to;
    const params = { session, stage: computer.key, tree: "output", from: 0, to: 4, end };
    const given = await asker.kernel.call("inference", "receipts.leaves", { params });
    assert.equal((given as { leaves: string }).leaves.length, 4 * 64);
    const ask = stranger.kernel.call("inference", "receipts.leaves", { params });
    await assert.rejects(ask, { name: "RpcError", kind: "notFound" });

    rmSync(join(computer.paths.directories.state, "leaves"), { recursive: true });
    await mesh.stop(computer);
    const gone = JSON.parse((await verify("--json")).out);
    assert.equal(gone.finding.position, undefined);
    assert.match(gone.noLeaves, /^Cannot /);
    await mesh.stop(asker);
    const alone = await verify();
    assert.match(alone.out, /^no leaves +the node that asked for the answer does not run here$/m);
  } finally {
    await mesh.close();
  }
});
