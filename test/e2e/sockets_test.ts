/**
 * Every service answers alike to curl and to a frame client, in the node and alone: real processes'
 * sockets, a real curl.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { OpenRpcDocument } from "../../src/kernel/mod.ts";
import { connectService } from "../../src/kernel/mod.ts";
import type { RunningNode } from "../../src/node/mod.ts";
import { realNetwork } from "../../src/ports/mod.ts";
import { controlContract } from "../../src/services/control/mod.ts";
import { inferenceContract } from "../../src/services/inference/mod.ts";
import { journalContract } from "../../src/services/journal/mod.ts";
import { connectRpc } from "../../src/wire/mod.ts";
import { faultsOf } from "../kernel/_json_schema.ts";
import { bootIn, withFolder } from "../node/_support.ts";

const run = promisify(execFile);
const network = realNetwork();

/** Calls without effect that each service answers the same at any time. */
const CALLS: Readonly<Record<string, readonly (readonly [method: string, params: unknown])[]>> = {
  control: [["config.show", {}], ["node.status", ["too", "many"]]],
  journal: [["journal.tail", [3]], ["journal.range", { from: 1, limit: 2 }], [
    "journal.verify",
    {},
  ]],
  inference: [
    ["models.list", {}],
    ["models.info", ["stories260K"]],
    ["models.info", { model: "none" }],
    ["tokenize", { text: "Once" }],
    ["tokenize", ["Once"]],
    ["detokenize", [[1, 2, 3]]],
  ],
  models: [["models.list", []], ["models.info", { model: "stories260K" }]],
  network: [["mesh.status", {}], ["mesh.join", { ticket: "none" }]],
  parts: [["parts.list", {}], ["parts.adopt", { path: "/no/such/file" }]],
  placement: [["placement.plan", { model: 7 }], ["no.such", {}]],
  api: [["no.such", {}]],
};

async function curl(path: string, ...more: string[]): Promise<unknown> {
  const { stdout } = await run("curl", ["-sS", "--max-time", "20", "--unix-socket", path, ...more]);
  return JSON.parse(stdout);
}

/** What curl and a frame client get; they must agree. */
async function answersOf(node: RunningNode, service: string): Promise<unknown[]> {
  const path = `${node.directories.sockets}/${service}/rpc.sock`;
  assert.equal(statSync(path).mode & 0o777, 0o600);
  using frames = await connectRpc({ network, path });
  const answers: unknown[] = [];
  for (const [method, params] of CALLS[service] ?? []) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const header = "content-type: application/json";
    const overHttp = await curl(path, "-H", header, "-d", body, "http://skep/rpc");
    const inFrames = await frames.call(method, params).then(
      (result) => ({ jsonrpc: "2.0", id: 1, result }),
      (error) => ({ code: error.code }),
    );
    if ("code" in inFrames) {
      const { error } = overHttp as { error: { code: number } };
      assert.equal(error.code, inFrames.code, method);
    } else assert.deepEqual(overHttp, inFrames, method);
    answers.push(overHttp);
  }
  const document = await curl(path, "http://skep/openrpc.json") as OpenRpcDocument;
  assert.deepEqual(await frames.call("rpc.discover"), document);
  checkResults(service, document, answers);
  const health = await curl(path, "http://skep/health");
  assert.deepEqual(health, { status: "ok", service, version: document.info.version });
  const discovery = await curl(path, "http://skep/.well-known/heroservice.json");
  return [...answers, document, discovery];
}

/** What a service answers is what its document says. */
function checkResults(service: string, document: OpenRpcDocument, answers: unknown[]): void {
  for (const [i, [name]] of (CALLS[service] ?? []).entries()) {
    const answer = answers[i] as { result?: unknown };
    const schema = document.methods.find((method) => method.name === name)?.result.schema;
    if (!("result" in answer)) continue;
    assert.deepEqual(faultsOf(answer.result, schema ?? {}), [], name);
  }
}

test("every service answers alike to curl and in frames, alone and in the node", {
  timeout: 120_000,
}, () =>
  withFolder(async (home) => {
    const node = await bootIn(home);
    const names = node.status().services.map(({ name }) => name);
    assert.deepEqual(names.toSorted(), Object.keys(CALLS).sort());
    const together = new Map<string, unknown[]>();
    for (const name of names) together.set(name, await answersOf(node, name));
    await node.stop();
    for (const name of names) {
      const alone = await bootIn(home, { only: [name] });
      const running = alone.status().services.map((service) => service.name);
      assert.ok(running.includes(name) && running.includes("control"), running.join());
      if (name === "journal") assert.deepEqual(running, ["control", "journal"]);
      const answers = await answersOf(alone, name);
      assert.deepEqual(timeless(answers), timeless(together.get(name)), name);
      await alone.stop();
    }
  }));

/** Without what depends on the time of a run. */
function timeless(answers: unknown): unknown {
  const text = JSON.stringify(answers, (key, value) => key === "createdSeconds" ? 0 : value);
  return JSON.parse(text);
}

test("the typed client calls, streams, and items are what the document says", {
  timeout: 60_000,
}, () =>
  withFolder(async (home) => {
    const node = await bootIn(home);
    const at = (service: string): string => `${node.directories.sockets}/${service}/rpc.sock`;
    using control = await connectService<typeof controlContract>({ path: at("control") });
    const { hid } = await control.call("node.status");
    assert.equal(hid, node.hid);
    using inference = await connectService<typeof inferenceContract>({ path: at("inference") });
    const { tokens } = await inference.call("tokenize", { text: "Once upon a time" });
    assert.ok(tokens.length > 3);
    let text = "";
    const kinds = new Set<string>();
    const item = inferenceContract.generate.result;
    for await (
      const one of inference.stream("generate", {
        requestId: "r-1",
        model: "stories260K",
        prompt: { kind: "tokens", tokens },
        maxTokens: 12,
        sampling: { temperature: 0 },
      })
    ) {
      assert.equal((await item?.["~standard"].validate(one))?.issues, undefined);
      kinds.add(one.type);
      if (one.type === "text") text += one.text;
    }
    assert.deepEqual([...kinds], ["start", "text", "end"]);
    assert.ok(text.length > 5);
    const body = { jsonrpc: "2.0", id: 1, method: "generate", params: {} };
    const header = "content-type: application/json";
    const refused = await curl(
      at("inference"),
      "-H",
      header,
      "-d",
      JSON.stringify(body),
      "http://s/rpc",
    );
    assert.match(JSON.stringify(refused), /answers with a stream, which is sent in frames/);
    using journal = await connectService<typeof journalContract>({ path: at("journal") });
    // The event is written beside the end of the stream.
    let rid: string | undefined;
    for (let tries = 0; rid !== "r-1" && tries < 200; tries++) {
      const { events } = await journal.call("journal.tail", { count: 2 });
      rid = events.at(-1)?.rid;
      if (rid !== "r-1") await sleep(25);
    }
    assert.equal(rid, "r-1");
    const first = await journal.call("journal.range", { limit: 1 });
    assert.equal(first.events[0]?.seq, 1);
    assert.equal(first.next, 2);
    await node.stop();
  }));
