/**
 * Receipts: bytes for each stage, their cost as a share of the time that a stage computes, and how
 * much faster an answer is checked than it was made.
 *
 *     deno run -A bench/receipts_bench.ts [MODEL.gguf] [TOKENS] [THREADS]
 *
 * Without a model the embedded one is measured; --small asks for a short answer. One node holds all
 * layers; it is told of every row as a stage is, and hashes it while the next one is computed. The time
 * of the hashes is summed up by itself; what they take of the throughput is seen by telling the witness
 * of every other token: tokens that are computed beside hashes are compared with those between them.
 * Nearly all of a check is the engine's pass over many positions at once: what a position costs among
 * many, and alone, is printed beside it, as the one over the other bounds checked over made.
 */
import { createSampler, loadExecutor } from "../src/engine/mod.ts";
import type { ModelExecutor, Session } from "../src/engine/mod.ts";
import { decodeHex, encodeHex } from "../src/hot/mod.ts";
import { identityFromSeed } from "../src/identity/mod.ts";
import { embeddedModel, fileSource, openGguf, readModelShape } from "../src/model/mod.ts";
import { realClock, realDisk } from "../src/ports/mod.ts";
import {
  commitmentsOf,
  judge,
  openReceipt,
  ReceiptWitness,
  recompute,
  signStatement,
  stagesDigest,
} from "../src/receipts/mod.ts";
import type { Receipt, RecordedOpen, Transcript } from "../src/receipts/mod.ts";
import { small } from "./_measure.ts";
import { medianOf } from "./harness.ts";

const [model, count = small ? "8" : "64", threads] = process.argv.slice(2).filter((one) =>
  one !== "--small"
);
const outputTokens = Number(count);
const promptLength = 32;
const seed = 1;
const identity = identityFromSeed(new Uint8Array(32).fill(7));
const self = encodeHex(identity.publicKey);

const source = model === undefined ? embeddedModel() : await fileSource(realDisk(), model);
const file = await openGguf(source);
const executor = await loadExecutor({
  file,
  source,
  shape: readModelShape(file),
  contextMax: promptLength + outputTokens + 1,
  ...threads === undefined ? {} : { threads: Number(threads) },
});
const { vocabularySize, layerCount, width } = executor.shape;
const sampler = createSampler({ vocabularySize, seed });
const prompt = Array.from({ length: promptLength }, (_, i) => (i * 37 + 1) % vocabularySize);

// Once before, so that the runtime has compiled everything.
await generate(executor);
warmUp(small ? 1 : 1000);
const generated = await generate(executor);
const { receipt, transcript, computeMs, witnessMs, signMs, sizes } = await stage(generated.tokens);
const lost = await throughputLost(generated.tokens, small ? 1 : 5);
const opened = openReceipt(receipt, layerCount);
await check();
const beganMs = performance.now();
const truth = await check();
const verifyMs = performance.now() - beganMs;
if (!judge(opened, truth).isGood) throw new TypeError("An honest receipt was refused");
executor.close();
await source.close();

const perSecond = (ms: number): string => (outputTokens * 1000 / ms).toFixed(1);
console.log(JSON.stringify({
  name: "receipts, an answer checked",
  rate: outputTokens * 1000 / verifyMs,
  unit: "tokens/s",
  checksum: generated.tokens.reduce((sum, token) => (sum * 31 + token) % 2 ** 32, 0),
}));
console.table({
  "tokens asked, answered": `${promptLength}, ${outputTokens}`,
  "bytes for each stage, after one token and after all": sizes.stage.join(", "),
  "bytes of the requester's statement": sizes.request,
  "made, tokens/s": perSecond(generated.ms),
  "checked, tokens/s": perSecond(verifyMs),
  "checked over made": (generated.ms / verifyMs).toFixed(2),
  "ms a position, of many at once, alone": [
    generated.firstMs / promptLength,
    (generated.ms - generated.firstMs) / (outputTokens - 1),
  ].map((ms) => ms.toFixed(2)).join(", "),
  "witness, time over a stage's": `${(100 * witnessMs / computeMs).toFixed(2)} %`,
  "witness, throughput that it takes, median": `${(100 * lost).toFixed(2)} %`,
  "signing, ms an answer": signMs.toFixed(2),
});

function check(): ReturnType<typeof recompute> {
  return recompute({
    receipt: opened,
    transcript,
    executor,
    choose: (logits, index) => sampler.sample(logits, { position: promptLength + index }),
  });
}

/** An answer, as one node makes it by itself; `firstMs` until the first token. */
async function generate(
  by: ModelExecutor,
): Promise<{ tokens: number[]; ms: number; firstMs: number }> {
  const tokens = [...prompt];
  const session = by.openSession();
  const fromMs = performance.now();
  let firstMs = 0;
  for (let next = Uint32Array.from(prompt); tokens.length < promptLength + outputTokens;) {
    const logits = await by.step([{ session, tokens: next, logits: "last" }]);
    const token = sampler.sample(logits, { position: tokens.length });
    if (tokens.length === promptLength) firstMs = performance.now() - fromMs;
    tokens.push(token);
    next = Uint32Array.of(token);
  }
  const ms = performance.now() - fromMs;
  session.drop();
  return { tokens, ms, firstMs };
}

/** Hashes as many rows as a node that has run for a minute, so that the kernel is compiled as it is there. */
function warmUp(rows: number): void {
  const after = (_delayMs: number, hash: () => void): { cancel: () => void } => {
    hash();
    return { cancel: () => {} };
  };
  const clock = { ...realClock(), after };
  const witness = new ReceiptWitness({ self, signer: identity, clock });
  const open = openOf();
  witness.opened({ open }, 0);
  const logits = new Float32Array(vocabularySize);
  for (let firstPosition = 0; firstPosition < rows; firstPosition++) {
    witness.headed({ open, firstPosition, positionCount: 1, logits });
  }
}

/** The median time of a token beside hashes over the median of those between them, less 1. */
async function throughputLost(tokens: readonly number[], rounds: number): Promise<number> {
  const times: { readonly beside: number[]; readonly between: number[] } = {
    beside: [],
    between: [],
  };
  const open = openOf();
  for (let round = 0; round < rounds; round++) {
    const witness = new ReceiptWitness({ self, signer: identity, clock: realClock() });
    witness.opened({ open }, 0);
    const session = executor.openSession();
    for (let from = 0; from < tokens.length - 1;) {
      const to = from === 0 ? promptLength : from + 1;
      const beganMs = performance.now();
      const rows = await rowsOf(session, { from, ids: Uint32Array.from(tokens.slice(from, to)) });
      const isBeside = (from + round) % 2 === 1;
      if (from > promptLength) {
        times[isBeside ? "beside" : "between"].push(performance.now() - beganMs);
      }
      // What is told after this token is hashed beside the next one.
      if (!isBeside) tellOf(witness, { open, from, to, ...rows });
      from = to;
    }
    session.drop();
  }
  return medianOf(times.beside) / medianOf(times.between) - 1;
}

function openOf(): RecordedOpen {
  return {
    requester: self,
    payer: self,
    root: "00".repeat(32),
    session: "00".repeat(16),
    numericClass: executor.numericClass,
    stages: [{ peer: self, from: 0, to: layerCount, embedding: true, head: true }],
  };
}

/** What a stage computes for tokens. */
interface StageRows {
  readonly ids: Uint32Array;
  readonly output: Float32Array;
  readonly logits: Float32Array;
}

async function rowsOf(
  session: Session,
  { from, ids }: { readonly from: number; readonly ids: Uint32Array },
): Promise<StageRows> {
  const hidden = await executor.embed(ids);
  const batch = [{ session, firstPosition: from, positionCount: ids.length }];
  const output = await executor.forward({ from: 0, to: layerCount }, batch, hidden);
  return { ids, output, logits: await executor.head(output.slice(-width)) };
}

function tellOf(
  witness: ReceiptWitness,
  { open, from, to, ids, output, logits }: StageRows & {
    readonly open: RecordedOpen;
    readonly from: number;
    readonly to: number;
  },
): void {
  const rows = { open, firstPosition: from, positionCount: to - from };
  witness.computed({ ...rows, input: undefined, tokens: ids, output });
  witness.headed({ open, firstPosition: to - 1, positionCount: 1, logits });
}

/** The same answer through a stage that vouches for it. */
async function stage(tokens: readonly number[]): Promise<{
  readonly receipt: Receipt;
  readonly transcript: Transcript;
  readonly computeMs: number;
  readonly witnessMs: number;
  readonly signMs: number;
  /** Of the stage's statement after the first token and after the last; of the requester's. */
  readonly sizes: { readonly stage: readonly number[]; readonly request: number };
}> {
  let witnessMs = 0;
  const real = realClock();
  const witness = new ReceiptWitness({
    self,
    signer: identity,
    clock: {
      ...real,
      after: (delayMs, hash) =>
        real.after(delayMs, () => {
          const hashingMs = performance.now();
          hash();
          witnessMs += performance.now() - hashingMs;
        }),
    },
  });
  const subject = { requester: self, payer: self, root: "00".repeat(32) };
  const open = openOf();
  witness.opened({ open }, 0);
  const session = executor.openSession();
  const startMs = performance.now();
  for (let from = 0; from < tokens.length - 1;) {
    const to = from === 0 ? promptLength : from + 1;
    const ids = Uint32Array.from(tokens.slice(from, to));
    tellOf(witness, { open, from, to, ...await rowsOf(session, { from, ids }) });
    from = to;
  }
  const computeMs = performance.now() - startMs;
  session.drop();
  const signingMs = performance.now();
  const request = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
  const { session: id } = open;
  const first = await witness.sign({ session: id, request, to: promptLength }, self);
  const signed = await witness.sign({ session: id, request, to: tokens.length - 1 }, self);
  const transcript: Transcript = {
    kind: "skep-transcript/1",
    salt: encodeHex(decodeHex("11".repeat(32))),
    promptTokens: [...prompt],
    outputTokens: tokens.slice(promptLength),
    constraint: null,
  };
  const byRequester = await signStatement({
    kind: "skep-request/2",
    ...{ ...subject, request, class: executor.numericClass },
    promptTokens: promptLength,
    outputTokens,
    ...commitmentsOf(transcript),
    ...{ seed, sampling: {}, maxTokens: outputTokens, contextMax: executor.contextMax },
    session: id,
    stages: stagesDigest([signed]),
    signedAtMs: Date.now(),
  }, identity);
  const signMs = performance.now() - signingMs;
  const receipt: Receipt = { kind: "skep-receipt/2", request: byRequester, stages: [signed] };
  const sizes = {
    stage: [first, signed].map(({ length }) => length),
    request: JSON.stringify(byRequester).length,
  };
  return { receipt, transcript, computeMs, witnessMs, signMs, sizes };
}
