/**
 * The contract of `Host`: one service that uses every member runs in the main thread and in a worker,
 * and the same assertions hold of both.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { createKernel, createLog, defineCall, defineStream } from "../../src/kernel/mod.ts";
import { openRpcDocument, RpcError } from "../../src/kernel/mod.ts";
import type { Host, Kernel, OpenRpcDocument } from "../../src/kernel/mod.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../../src/ports/mod.ts";
import { callRpc, connectRpc } from "../../src/wire/mod.ts";
import { contract, contractMethods } from "./_contract_service.ts";
import { service } from "./_world.ts";

type Placement = "main" | "worker";

interface Running {
  readonly kernel: Kernel;
  readonly directory: string;
  readonly lines: string[];
  readonly asked: unknown[];
}

const placements: readonly Placement[] = ["main", "worker"];

function both(name: string, fn: (running: Running, placement: Placement) => Promise<void>): void {
  for (const placement of placements) {
    test(`in ${placement}: ${name}`, async () => {
      const running = await start(placement);
      try {
        await fn(running, placement);
      } finally {
        await running.kernel.stop();
        rmSync(running.directory, { recursive: true });
      }
    });
  }
}

async function start(placement: Placement): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), "skep-"));
  const lines: string[] = [];
  const asked: unknown[] = [];
  const clock = realClock();
  const kernel = createKernel({
    services: [
      { service: contract, config: { size: 3 }, placement },
      { service: service("helper", { run: helping }), config: {} },
    ],
    ...{ clock, random: realRandom(), disk: realDisk(), network: realNetwork() },
    directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: directory },
    log: createLog({ clock, level: "debug", form: "json", write: (line) => lines.push(line) }),
    version: "1.2.3",
    journalFor: (name) => ({
      append: (event) => Promise.resolve({ sequence: asked.push([name, "append", event]) }),
    }),
    storeFor: (name) => ({
      run: (...args) => (asked.push([name, "run", ...args]), Promise.resolve({ changes: 1 })),
      all: (...args) => (asked.push([name, "all", ...args]), Promise.resolve([{ a: 1n }])),
    }),
    worker: { registry: new URL("./_contract_service.ts", import.meta.url) },
    limits: { restartDelayMsMin: 10 },
  });
  await kernel.start();
  return { kernel, directory, lines, asked };
}

/** The document that is made where the schemas are. */
function expectedDocument(): OpenRpcDocument {
  // Only the functions use the host, and none is called.
  const methods = contractMethods({} as Host);
  return openRpcDocument({ service: "contract", version: "1.2.3", description: "" }, methods);
}

async function helping(host: Host): Promise<void> {
  await host.serve({
    echo: defineCall({
      summary: "Echoes.",
      params: v.unknown(),
      run: (params) => Promise.resolve(params),
    }),
    refuse: defineCall({
      summary: "Refuses.",
      params: v.unknown(),
      run: () =>
        Promise.reject(new RpcError({ kind: "notFound", message: "Cannot find it", data: [1] })),
    }),
    letters: defineStream({
      summary: "Letters without end.",
      params: v.unknown(),
      async *run(): AsyncGenerator<string, void, undefined> {
        for (let i = 0;; i++) yield await Promise.resolve(String.fromCharCode(97 + i % 26));
      },
    }),
  });
  host.ready();
}

both("every member of the host does what it says", async ({ kernel, directory, lines, asked }) => {
  const told = await kernel.call("contract", "probe", { params: { directory } }) as Record<
    string,
    unknown
  >;
  assert.deepEqual(told, {
    ...{ slept: true, random: true, size: 3, heard: "hello", now: true },
    directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: directory },
    journal: { sequence: 1 },
    changed: { changes: 1 },
    rows: [{ a: 1n }],
    helped: { deep: [1, { two: new Uint8Array([3]) }] },
    refused: { kind: "notFound", code: -32003, message: "Cannot find it", data: [1] },
    missing: {
      kind: "methodNotFound",
      code: -32601,
      message: 'Cannot call "missing" as service "helper" has no such method',
      data: undefined,
    },
    streamed: ["a", "b", "c"],
    bus: [
      ["contract.bus", 2, { n: 2 }],
      ["contract.bus", 3, { n: 3 }],
      ["contract.bus", 4, { n: 4 }],
      "DataCloneError",
    ],
    exposed: true,
  });
  assert.deepEqual(asked, [
    ["contract", "append", { chi: "c", rid: "r", body: { n: 1 } }],
    ["contract", "run", "insert", [1, "x", null]],
    ["contract", "all", "select", [2n, new Uint8Array([1, 2])]],
  ]);
  const { text } = await kernel.metrics.expose();
  assert.match(text, /skep_contract_gauge 5/);
  assert.match(text, /skep_contract_seconds_bucket\{le="2"\} 1/);
  const line = lines.find((one) => one.includes("starting")) ?? "";
  assert.match(line, /"logger":"skep.contract"/);
  assert.match(line, /"size":3/);
  assert.match(line, /"apiKey":"\[redacted\]"/);
  assert.deepEqual(kernel.announcements().map(({ name }) => name).sort(), ["rpc", "rpc", "web"]);
});

both(
  "calls, checked parameters and errors cross with their kinds",
  async ({ kernel, directory }) => {
    const params = { text: "a", bytes: new Uint8Array([1]), big: 1n, map: new Map([[1, 2]]) };
    assert.deepEqual(await kernel.call("contract", "echo", { params }), params);
    await assert.rejects(kernel.call("contract", "add", { params: { a: "1" } }), (error) => {
      assert.ok(error instanceof RpcError && error.kind === "invalidParams");
      return /a: .*; b: /.test(error.message);
    });
    await assert.rejects(kernel.call("contract", "fail", { params: "rpc" }), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.kind, error.message, error.data], ["busy", "Cannot do more", {
        waiting: 7,
      }]);
      return true;
    });
    await assert.rejects(kernel.call("contract", "fail", { params: "plain" }), (error) => {
      assert.ok(error instanceof RpcError && error.kind === "internal");
      return !error.message.includes("secret");
    });
    const socketPath = join(directory, "contract", "rpc.sock");
    const call = { network: realNetwork(), socketPath, method: "add" };
    assert.equal(await callRpc({ ...call, params: { a: 2, b: 3 } }), 5);
  },
);

both("a cancelled call is cancelled where it runs", async ({ kernel }) => {
  const end = new AbortController();
  const options = { signal: end.signal, replay: 1 };
  const [waiting, cancelled] = [
    kernel.bus.subscribe("contract.waiting", options),
    kernel.bus.subscribe("contract.cancelled", options),
  ];
  const gone = new AbortController();
  const call = kernel.call("contract", "wait", { signal: gone.signal });
  await first(waiting);
  gone.abort();
  await assert.rejects(call, { kind: "cancelled" });
  await first(cancelled);
  end.abort();
});

both(
  "a stream arrives whole, fails with its error, and ends when it is left",
  async ({ kernel }) => {
    const ended = kernel.bus.subscribe("contract.ended", { signal: new AbortController().signal });
    const items: unknown[] = [];
    for await (const item of kernel.stream("contract", "count", { params: { to: 200 } })) {
      items.push(item);
    }
    assert.deepEqual(items, Array.from({ length: 200 }, (_, i) => i + 1));
    assert.deepEqual(await first(ended), { sent: 200, to: 200 });
    const seen: unknown[] = [];
    await assert.rejects(async () => {
      const params = { to: 9, failAt: 3 };
      for await (const item of kernel.stream("contract", "count", { params })) seen.push(item);
    }, { kind: "busy" });
    assert.deepEqual(seen, [1, 2]);
    const left = kernel.bus.subscribe("contract.ended", { signal: new AbortController().signal });
    for await (const item of kernel.stream("contract", "count", { params: {} })) {
      if (item === 100) break;
    }
    const { sent } = await first(left) as { sent: number };
    assert.ok(sent >= 100 && sent <= 200, `it went on for ${sent} items`);
  },
);

both(
  "a stop drains it, and passing on the stop request is no failure",
  async ({ kernel, lines }) => {
    const outcome = await kernel.stop();
    assert.deepEqual(outcome, { error: undefined, overran: [] });
    assert.ok(lines.some((line) => line.includes("drained")));
    assert.deepEqual(kernel.status().map(({ state }) => state), ["stopped", "stopped"]);
    assert.deepEqual(kernel.status().map(({ lastError }) => lastError), [undefined, undefined]);
  },
);

test("a worker that dies is a failure of its service, which is started again", async () => {
  const { kernel, directory } = await start("worker");
  try {
    await assert.rejects(kernel.call("contract", "crash"), { kind: "unavailable" });
    const restarted = (): boolean =>
      kernel.status().some(({ restarts, state }) => restarts === 1 && state === "ready");
    while (!restarted()) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(await kernel.call("contract", "add", { params: { a: 1, b: 1 } }), 2);
  } finally {
    await kernel.stop();
    rmSync(directory, { recursive: true });
  }
});

/** The first message's payload. */
async function first(messages: AsyncIterable<{ readonly payload: unknown }>): Promise<unknown> {
  for await (const { payload } of messages) return payload;
  return undefined;
}

both("the socket says what the methods take, as the schemas do", async ({ directory }) => {
  const socketPath = `${directory}/contract/rpc.sock`;
  const network = realNetwork();
  const document = await callRpc({ network, socketPath, method: "rpc.discover" });
  assert.deepEqual(document, JSON.parse(JSON.stringify(expectedDocument())));
  const added = await callRpc({ network, socketPath, method: "add", params: [1, 2] });
  assert.equal(added, 3);
  using frames = await connectRpc({ network, path: socketPath });
  const items: unknown[] = [];
  for await (const item of frames.stream("count", { to: 3 })) items.push(item);
  assert.deepEqual(items, [1, 2, 3]);
  await assert.rejects(callRpc({ network, socketPath, method: "count", params: {} }), {
    message: /answers with a stream, which is sent in frames/,
  });
});
