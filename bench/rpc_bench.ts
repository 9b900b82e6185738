/**
 * How many calls a second does a service's socket answer, over HTTP and in frames, beside bare
 * node:http on a Unix socket?
 *
 * Callers and server share one process and one thread, so both sides' work counts; each caller waits
 * for its answer before it calls again. Expected: HTTP at half of bare node:http (what it adds are the
 * limits, the deadlines and the checks; rows below that have been seen), and frames several times as
 * many as either.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock, realNetwork } from "../src/ports/mod.ts";
import { connectRpc, listen, rpcOverHttp } from "../src/wire/mod.ts";
import type { RpcRunner } from "../src/wire/mod.ts";
import { measure, small } from "./_measure.ts";

const CALLS = small ? 64 : 4_000;
const CALLERS = [1, 16];

const folder = mkdtempSync(join(tmpdir(), "skep-rpc-"));
const path = join(folder, "rpc.sock");
const barePath = join(folder, "bare.sock");
const network = realNetwork();

// deno-lint-ignore require-await -- a runner gives a promise
const run: RpcRunner = async ({ params }) => ({ result: params });
const server = await listen({
  ...{ network, run, clock: realClock(), address: { kind: "unix", path } },
  handler: rpcOverHttp({ service: "bench", version: "0", run }),
});

/** The least that answers the same bytes: reads the body, parses it, writes the response. */
const bare = createServer((incoming, response) => {
  const chunks: Uint8Array[] = [];
  incoming.on("data", (chunk) => chunks.push(chunk));
  incoming.on("end", () => {
    const { id, params } = JSON.parse(new TextDecoder().decode(chunks[0]));
    const body = JSON.stringify({ jsonrpc: "2.0", id, result: params });
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  });
});
await new Promise<void>((resolve) => bare.listen(barePath, () => resolve()));

const agent = new Agent({ keepAlive: true, maxSockets: Math.max(...CALLERS) });

/** One call over HTTP on a kept connection; gives the echoed number. */
function post(socketPath: string, number: number): Promise<number> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "echo", params: [number] });
  const headers = { "content-type": "application/json", "content-length": body.length };
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, agent, method: "POST", path: "/rpc", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => text += chunk);
      answer.on("end", () => resolve(JSON.parse(text).result[0]));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const lines = await Promise.all(CALLERS.map(() => connectRpc({ network, path })));
const [line] = lines;
if (line === undefined) throw new TypeError("Cannot measure as there is no connection");

const ways: Readonly<Record<string, (number: number) => Promise<number>>> = {
  "frames": async (number) => (await line.call("echo", [number]) as number[])[0] ?? 0,
  "HTTP": (number) => post(path, number),
  "bare node:http": (number) => post(barePath, number),
};

/** `CALLS` calls by `callers` at the same time; each time is noted, in milliseconds. */
async function callAll(
  call: (number: number) => Promise<number>,
  options: { readonly callers: number; readonly times: number[] },
): Promise<number> {
  let next = 0;
  let sum = 0;
  await Promise.all(Array.from({ length: options.callers }, async () => {
    while (next < CALLS) {
      const number = next++;
      const began = performance.now();
      const echoed = await call(number);
      options.times.push(performance.now() - began);
      sum += echoed;
    }
  }));
  return sum;
}

for (const callers of CALLERS) {
  for (const [name, call] of Object.entries(ways)) {
    const times: number[] = [];
    await measure({
      name: `rpc over ${name}, ${callers} at a time`,
      unit: "call",
      rounds: 3,
      run: async () => ({ count: CALLS, checksum: await callAll(call, { callers, times }) }),
    });
    times.sort((a, b) => a - b);
    const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
    console.log(`  p99 ${(p99 * 1000).toFixed(0)} us`);
  }
}

for (const one of lines) one.close();
agent.destroy();
bare.close();
await server.close(0);
rmSync(folder, { recursive: true });
