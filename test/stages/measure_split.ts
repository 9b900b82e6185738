/**
 * How fast does a model decode that is split over two processes, over TCP on this machine, beside the
 * same model in one process? One thread each.
 *
 *     deno run -A test/stages/measure_split.ts MODEL.gguf [tokens] [rounds] [own|remote]
 *
 * The same with `node`, 24 or later. The other process is started here; its links are libp2p's with
 * Noise. The head is the requester's own, or the other's, whose logits are then sent back. Rounds are
 * interleaved; the tokens are compared.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { encodeHex } from "../../src/hot/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import { createLibp2pMesh } from "../../src/mesh/mod.ts";
import { fileSource, openGguf, readModelShape } from "../../src/model/mod.ts";
import type { ByteSource, GgufFile, ModelShape } from "../../src/model/mod.ts";
import { realClock, realDisk, realRandom } from "../../src/ports/mod.ts";
import type { MeshNetwork } from "../../src/ports/mod.ts";
import { createHoldingsRouter, PipelineExecutor, StageServer } from "../../src/stages/mod.ts";

const root = "7e".repeat(32);
const [path = "", tokensText = "64", roundsText = "3", head = "own", role = "requester"] = process
  .argv.slice(2);
const isOwnHead = head === "own";
const tokenCount = Number(tokensText);
const meshId = keyOf(1);

if (role === "stage") await serve();
else await measure();

/** The other process: the second half. */
async function serve(): Promise<void> {
  const mesh = meshOf(2);
  const { shape: { layerCount } } = await openModel();
  const executor = await load({ from: layerCount >> 1, to: layerCount });
  new StageServer({ mesh, clock: realClock() }).hold({
    root,
    executor,
    embedding: false,
    head: true,
  });
  const { addresses } = await listen(mesh);
  console.log(JSON.stringify(addresses));
  setInterval(() => {}, 1000);
}

async function measure(): Promise<void> {
  const { shape } = await openModel();
  const half = shape.layerCount >> 1;
  const { child, addresses } = await startStage();
  const alive = setInterval(() => {}, 1000);
  try {
    const mesh = meshOf(1);
    await listen(mesh);
    await mesh.dial(keyOf(2), { addresses, signal: new AbortController().signal });
    const local = await load({ from: 0, to: half }, isOwnHead);
    const whole = await load();
    const { layerCount } = shape;
    const pipeline = new PipelineExecutor({
      shape,
      numericClass: local.numericClass,
      root,
      mesh,
      clock: realClock(),
      random: realRandom(),
      identity: identityFromSeed(new Uint8Array(32).fill(1)),
      local: { root, executor: local, embedding: true, head: isOwnHead },
      router: createHoldingsRouter(() => [
        { peer: mesh.self, from: 0, to: half, embedding: true, head: false },
        { peer: keyOf(2), from: half, to: layerCount, embedding: false, head: !isOwnHead },
      ]),
    });
    report(await interleave(whole, pipeline));
    pipeline.close();
    await mesh.close();
    whole.close();
    local.close();
  } finally {
    clearInterval(alive);
    child.kill();
  }
}

interface Round {
  readonly promptMs: number;
  readonly decodeMs: number;
  readonly tokens: string;
}

async function interleave(
  whole: ModelExecutor,
  split: ModelExecutor,
): Promise<{ readonly whole: Round[]; readonly split: Round[] }> {
  const rounds: { whole: Round[]; split: Round[] } = { whole: [], split: [] };
  await decode(split, 4);
  await decode(whole, 4);
  for (let i = 0; i < Number(roundsText); i++) {
    rounds.whole.push(await decode(whole, tokenCount));
    rounds.split.push(await decode(split, tokenCount));
  }
  return rounds;
}

async function decode(executor: ModelExecutor, count: number): Promise<Round> {
  const session = executor.openSession();
  const prompt = Uint32Array.from({ length: 256 }, (_, i) => 1 + (i * 131) % 30_000);
  const beganMs = performance.now();
  let logits = await executor.step([{ session, tokens: prompt, logits: "last" }]);
  const promptMs = performance.now() - beganMs;
  const chosen: number[] = [];
  while (chosen.length < count) {
    const token = argmax(logits);
    chosen.push(token);
    logits = await executor.step([{ session, tokens: Uint32Array.of(token), logits: "last" }]);
  }
  const decodeMs = performance.now() - beganMs - promptMs;
  session.drop();
  return { promptMs, decodeMs, tokens: chosen.join(" ") };
}

function report(rounds: { readonly whole: Round[]; readonly split: Round[] }): void {
  const all = [...rounds.whole, ...rounds.split];
  if (new Set(all.map(({ tokens }) => tokens)).size !== 1) throw new RangeError("Tokens differ");
  const [whole, split] = [rounds.whole, rounds.split].map((some) => ({
    decode: 1000 * tokenCount / median(some.map(({ decodeMs }) => decodeMs)),
    prompt: 256_000 / median(some.map(({ promptMs }) => promptMs)),
  }));
  if (whole === undefined || split === undefined) return;
  const runtime = "Deno" in globalThis ? "deno" : `node ${process.version}`;
  console.log(`${runtime}: tokens/s, one thread each, median of ${roundsText}; tokens are equal`);
  for (const kind of ["decode", "prompt"] as const) {
    const ratio = (split[kind] / whole[kind]).toFixed(3);
    console.log(
      `${kind}: whole ${whole[kind].toFixed(1)}, split ${split[kind].toFixed(1)}, ${ratio}`,
    );
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

async function openModel(): Promise<{ source: ByteSource; file: GgufFile; shape: ModelShape }> {
  const source = await fileSource(realDisk(), path);
  const file = await openGguf(source);
  return { source, file, shape: readModelShape(file) };
}

async function load(
  layers?: { readonly from: number; readonly to: number },
  head = true,
): Promise<ModelExecutor> {
  const model = await openModel();
  const executor = await loadExecutor({
    ...model,
    threads: 1,
    ...(layers === undefined ? {} : { layers, head }),
  });
  await model.source.close();
  return executor;
}

function meshOf(seed: number): MeshNetwork {
  return createLibp2pMesh({ seed: new Uint8Array(32).fill(seed), clock: realClock() });
}

function keyOf(seed: number): string {
  const { publicKey } = identityFromSeed(new Uint8Array(32).fill(seed));
  return encodeHex(publicKey);
}

function listen(mesh: MeshNetwork): ReturnType<MeshNetwork["listen"]> {
  const gate = { admits: (): boolean => true, allows: (): boolean => true };
  return mesh.listen({ tcp: "127.0.0.1:0", iroh: false, meshId }, gate);
}

async function startStage(): Promise<{ child: ReturnType<typeof spawn>; addresses: string[] }> {
  const file = fileURLToPath(import.meta.url);
  const flags = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  const child = spawn(process.execPath, [...flags, file, path, "0", "0", head, "stage"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const chunk of child.stdout ?? []) {
    return { child, addresses: JSON.parse(String(chunk)) as string[] };
  }
  throw new RangeError("The stage has said nothing");
}
