/**
 * Goal: a service in a worker thread answers as it does in the main one, and fails as one. Method: the
 * whole node, with real threads.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isLong } from "../_long.ts";
import { movableNames } from "../../src/node/config_schema.ts";
import { NodeError } from "../../src/node/mod.ts";
import type { BootProgress, NodeConfig, RunningNode } from "../../src/node/mod.ts";
import { movableServices } from "../../src/node/node_services.ts";
import { WORKER_SOURCES } from "../../src/platform/worker_sources.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../../src/ports/mod.ts";
import { MemoryNetwork, ModelledDisk, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";
import { ask, bootIn, environmentOf, withFolder } from "./_support.ts";

const workers = ["inference"] as const;

/** Posts a chat request for 24 sampled tokens, or what `fields` say. */
function chat(
  node: RunningNode,
  options: { readonly fields?: Record<string, unknown>; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const messages = [{ role: "user", content: "Once upon a time" }];
  const sampled = { model: "stories260K", messages, max_tokens: 24, temperature: 0.9, seed: 77 };
  return fetch(`${node.addresses["api"]}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...sampled, ...options.fields }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

async function textOf(response: Response): Promise<string> {
  assert.equal(response.status, 200);
  return (await response.json()).choices[0].message.content;
}

/** The pieces of a streamed answer. */
async function piecesOf(response: Response): Promise<string[]> {
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return lines.map((line) => JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? "")
    .filter((piece) => piece !== "");
}

async function metric(node: RunningNode, name: string): Promise<number> {
  const text = await (await fetch(`${node.addresses["api"]}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ")[1]);
}

/** How many events the node's journal holds. */
async function eventsOf(node: RunningNode): Promise<number> {
  return (await node.call("control", "journal.status") as { seq: number }).seq;
}

/** Waits until `holds`, 20 seconds at most. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const clock = realClock();
  for (let tries = 0; tries < 1000; tries++) {
    if (await holds()) return;
    await clock.sleep(20);
  }
  assert.fail(`It never came about that ${what}`);
}

function restartsOf(node: RunningNode, service: string): number {
  return node.status().services.find(({ name }) => name === service)?.restarts ?? 0;
}

async function violationOf(booting: Promise<RunningNode>): Promise<string> {
  const thrown: unknown = await booting.then((node) => node.stop(), (error) => error);
  assert.ok(thrown instanceof NodeError && thrown.code === "config", String(thrown));
  return thrown.message;
}

test("inference in a worker loads with progress, answers the same text for the same seed, and stops", () =>
  withFolder((here) =>
    withFolder(async (there) => {
      const plain = await bootIn(here);
      const expected = await textOf(await chat(plain));
      await plain.stop();
      const progress: BootProgress[] = [];
      await using node = await bootIn(there, {
        config: { node: { workers: [...workers] } },
        // The system's own ports may be given beside workers, as the command line does.
        clock: realClock(),
        random: realRandom(),
        network: realNetwork(),
        onProgress: (one) => void progress.push(one),
      });
      assert.ok(expected.length > 0);
      const events = await eventsOf(node);
      assert.equal(await textOf(await chat(node)), expected);
      const last = progress.at(-1);
      assert.ok(last !== undefined && last.totalBytes > 0, "progress crosses the threads");
      assert.deepEqual([last.what, last.loadedBytes], ["stories260K", last.totalBytes]);
      const pieces = await piecesOf(await chat(node, { fields: { stream: true } }));
      assert.ok(pieces.length > 2);
      assert.equal(pieces.join(""), expected);
      // Written after the answer, which does not wait for it.
      await until(async () => await eventsOf(node) >= events + 2, "the journal has both answers");
      await node.stop();
      await node.closed;
      assert.ok(node.status().services.every(({ state }) => state === "stopped"));
      assert.ok(node.status().services.every(({ lastError }) => lastError === undefined));
    })
  ));

test("a request that is aborted frees its slot in the worker, and one that runs when the node stops is answered", () =>
  withFolder(async (home) => {
    const inference = { slots: 1 };
    await using node = await bootIn(home, {
      config: { node: { workers: [...workers] }, inference },
    });
    const abort = new AbortController();
    const fields = { stream: true, max_tokens: 400 };
    const response = await chat(node, { fields, signal: abort.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    assert.equal(await metric(node, "skep_inference_slots_active"), 1);
    abort.abort();
    await reader?.closed.catch(() => {});
    await until(async () => await metric(node, "skep_inference_slots_active") === 0, "it is free");
    const text = await (await fetch(`${node.addresses["api"]}/metrics`)).text();
    assert.match(text, /skep_inference_requests_total\{outcome="cancelled"\} 1/);
    const last = await chat(node, { fields });
    const stopped = node.stop();
    assert.match(await last.text(), /"finish_reason":"(length|stop)".*data: \[DONE\]\n\n$/s);
    await stopped;
    const overrun = node.status().services.filter(({ lastError }) => lastError !== undefined);
    assert.deepEqual(overrun, []);
  }));

test("every service that can move answers from a worker, and a bad request is refused as ever", () =>
  withFolder(async (home) => {
    const environment = environmentOf({ SKEP_NODE_WORKERS: movableNames.join(", ") });
    await using node = await bootIn(home, { environment });
    assert.match((await ask(node)).text, /\S/);
    await until(
      async () => await metric(node, "skep_inference_completion_tokens_total") === 8,
      "metrics cross",
    );
    const refused = await chat(node, { fields: { model: "no-such-model" } });
    assert.equal(refused.status, 404);
    assert.equal((await refused.json()).error.code, "model_not_found");
    const listed = await node.call("models", "models.list") as readonly { id: string }[];
    assert.deepEqual(listed.map(({ id }) => id), ["stories260K"]);
    assert.equal((await fetch(`${node.addresses["api"]}/health`)).status, 200);
  }));

test("a model that can't be loaded is the same sentence from a worker", () =>
  withFolder(async (home) => {
    mkdirSync(join(home, "data/models"), { recursive: true });
    writeFileSync(join(home, "data/models/bad.gguf"), "this is no model");
    const sentences: string[] = [];
    for (const node of [{}, { workers: [...workers] }]) {
      const config: NodeConfig = { node, inference: { model: "bad.gguf" } };
      const thrown = await bootIn(home, { config }).then((one) => one.stop(), (error) => error);
      assert.ok(thrown instanceof NodeError && thrown.code === "service");
      sentences.push(thrown.message);
    }
    assert.match(sentences[0] ?? "", /bad\.gguf/);
    assert.equal(sentences[1], sentences[0]);
  }));

/** The worker's entry with a crash in it, whenever the file of the second argument is there. */
function withCrashes(
  entry: URL,
  options: { readonly trigger: string; readonly once: string },
): string {
  return `import { existsSync, rmSync } from "node:fs";
    import ${JSON.stringify(entry.href)};
    setInterval(() => {
      if (!existsSync(${JSON.stringify(options.trigger)})) return;
      if (existsSync(${JSON.stringify(options.once)})) rmSync(${JSON.stringify(options.trigger)});
      throw new RangeError("the worker was told to crash");
    }, 20);`;
}

test("a worker that dies is started again, and one that keeps dying ends the node", () =>
  withFolder(async (home) => {
    const entry = new URL("../../src/node/service_worker_main.ts", import.meta.url);
    const trigger = join(home, "crash");
    const once = join(home, "once");
    const sources = WORKER_SOURCES as Map<string, string>;
    sources.set("node/service_worker_main", withCrashes(entry, { trigger, once }));
    try {
      await using node = await bootIn(home, { config: { node: { workers: [...workers] } } });
      const expected = await textOf(await chat(node));
      writeFileSync(once, "");
      writeFileSync(trigger, "");
      await until(() => restartsOf(node, "inference") === 1, "the worker is started again");
      await until(async () => (await ask(node)).status === 200, "it answers again");
      assert.equal(await textOf(await chat(node)), expected);
      // Its pauses grow to seconds; the supervisor's own tests have them in virtual time.
      if (!isLong) return;
      rmSync(once);
      writeFileSync(trigger, "");
      const thrown: unknown = await node.closed.catch((error) => error);
      assert.ok(thrown instanceof NodeError && thrown.code === "stopped-itself", String(thrown));
      assert.match(thrown.message, /"inference".*the worker was told to crash/s);
    } finally {
      sources.delete("node/service_worker_main");
    }
  }));

test("services that can't move, and those there are not, are violations by name and place", () =>
  withFolder(async (home) => {
    const inFile = join(home, "skep.toml");
    writeFileSync(inFile, '[node]\nworkers = ["inference", "control"]\n');
    const file = await violationOf(bootIn(home, { configFile: inFile }));
    assert.match(file, /skep\.toml:2: node\.workers\.1: .*\(inference, api, models\).*"control"$/);
    const environment = environmentOf({ SKEP_NODE_WORKERS: "inference,inferense" });
    const typo = await violationOf(bootIn(home, { environment }));
    assert.match(typo, /SKEP_NODE_WORKERS: node\.workers\.1: .*"inferense"$/);
    const other = environmentOf({ SKEP_NODE_WORKERS: '["journal"]' });
    assert.match(
      await violationOf(bootIn(home, { environment: other })),
      /workers\.0: .*"journal"$/,
    );
  }));

test("workers beside a port of the caller's are refused by name before anything is made", () =>
  withFolder(async (folder) => {
    const home = join(folder, "home");
    const config: NodeConfig = { node: { workers: [...workers] } };
    const ports = {
      clock: new VirtualClock(),
      random: new SeededRandom(1),
      disk: new ModelledDisk(),
      network: { ...realNetwork(), dial: new MemoryNetwork().dial },
    };
    for (const [name, port] of Object.entries(ports)) {
      const message = await violationOf(bootIn(home, { config, [name]: port }));
      assert.match(
        message,
        new RegExp(`run\\(config\\): node\\.workers: .*'${name}'.* inference$`),
      );
    }
    assert.equal(await realDisk().stat(home), undefined);
  }));

test("the names that configuration takes are those of the services that can move", () => {
  assert.deepEqual(movableServices().map(({ name }) => name), movableNames);
});
