/**
 * How many tokens a second does the executor prefill and decode, on one thread?
 *
 * Expected: thousands a second for models of a million parameters; a quantised model is not slower
 * than its f32 parent. The checksum is of the bits of the logits, so it is the same on every machine.
 */
import { readFileSync } from "node:fs";
import { loadExecutor } from "../src/engine/mod.ts";
import type { Executor } from "../src/engine/mod.ts";
import { bytesSource, openGguf, readModelShape } from "../src/model/mod.ts";
import { checksumOf, measure, small } from "./_measure.ts";

const MODELS = small
  ? ["stories260K/stories260K-q8_0"]
  : ["f32", "q8_0", "q4_0"].flatMap((type) => [
    `stories260K/stories260K-${type}`,
    `babyllama/babyllama-tok105-${type}`,
  ]);
const PREFILL_TOKENS = small ? 8 : 64;
const DECODE_TOKENS = small ? 4 : 32;

async function load(path: string): Promise<Executor> {
  const url = new URL(`../test/fixtures/models/${path}.gguf`, import.meta.url);
  const source = bytesSource(new Uint8Array(readFileSync(url)), path);
  const file = await openGguf(source);
  return await loadExecutor({ file, source, shape: readModelShape(file) });
}

/** Logits of the last of `tokens`, which follow what the session holds. */
async function logitsAfter(
  executor: Executor,
  session: ReturnType<Executor["openSession"]>,
  tokens: Uint32Array,
): Promise<Float32Array> {
  const { layerCount, width } = executor.shape;
  const batch = [{
    session,
    firstPosition: session.positionCount,
    positionCount: tokens.length,
  }];
  const embedded = await executor.embed(tokens);
  const hidden = await executor.forward({ from: 0, to: layerCount }, batch, embedded);
  return await executor.head(hidden.subarray(hidden.length - width));
}

function checksumOfLogits(logits: Float32Array): number {
  return checksumOf(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
}

for (const path of MODELS) {
  const executor = await load(path);
  const { vocabularySize } = executor.shape;
  const prompt = Uint32Array.from(
    { length: PREFILL_TOKENS },
    (_, index) => 3 + (index * 7) % (vocabularySize - 3),
  );
  await measure({
    name: `prefill ${path} ${PREFILL_TOKENS}`,
    unit: "token",
    run: async () => {
      const session = executor.openSession();
      const logits = await logitsAfter(executor, session, prompt);
      session.drop();
      return { count: prompt.length, checksum: checksumOfLogits(logits) };
    },
  });
  const held = executor.openSession();
  await logitsAfter(executor, held, prompt);
  await measure({
    name: `decode ${path} after ${PREFILL_TOKENS}`,
    unit: "token",
    run: async () => {
      held.truncate(PREFILL_TOKENS);
      let checksum = 0;
      for (let index = 0; index < DECODE_TOKENS; index++) {
        const token = Uint32Array.of(3 + (index * 11) % (vocabularySize - 3));
        checksum = checksumOfLogits(await logitsAfter(executor, held, token)) ^ checksum;
      }
      return { count: DECODE_TOKENS, checksum: checksum >>> 0 };
    },
  });
  executor.close();
}
