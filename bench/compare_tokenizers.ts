/**
 * Do our tokenizers give the same ids as llama.cpp, on random texts? Expected: no difference but those
 * that are documented in the sources (src/model/tokenizers).
 *
 *     node bench/compare_tokenizers.ts [COUNT = 1000] [SEED = 1] [few | NAME ...]
 *
 * Needs node-llama-cpp in bench/peers/node_modules. Each name is a vocabulary of test/fixtures/vocab,
 * with ":" and another pre-tokeniser if it is to be cut by that: "gpt-2:llama-bpe", or "t5" for a
 * made-up unigram vocabulary, with ":" and the flags that are to be true. Without names, all are tried,
 * GPT-2's and Qwen2's with every pre-tokeniser that we know; "few" tries GPT-2's alone with them, and of
 * names for the same pre-tokeniser the first, since opening a vocabulary takes about a second.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bytesSource, loadTokenizer, openGguf } from "../src/model/mod.ts";
import type { Tokenizer } from "../src/model/mod.ts";
import { PRE_TOKENIZERS } from "../src/model/tokenizers/pre/pre_tokenizer.ts";
import { encodeGguf } from "./models/encode_gguf.ts";
import { vocabularyOf } from "./models/synthetic_vocabulary.ts";
import { vocabulary } from "../test/model/_vocabularies.ts";
import type { VocabularyName } from "../test/model/_vocabularies.ts";
import { madeMetadata } from "../test/model/tokenizers/_made.ts";
import { unigramVocabulary } from "../test/model/tokenizers/_unigram.ts";
import { importPeer } from "./peers/load.ts";
import { randomText, seededNumbers } from "./random_texts.ts";

/** What of node-llama-cpp is used. */
interface Peer {
  getLlama(options: object): Promise<{
    loadModel(
      options: { modelPath: string; vocabOnly: true },
    ): Promise<PeerModel>;
  }>;
}
interface PeerModel {
  tokenize(text: string, specialTokens: boolean): number[];
  dispose(): Promise<void>;
}

const BYTE_LEVEL: readonly VocabularyName[] = [
  "gpt-2",
  "qwen2",
  "falcon",
  "mpt",
];
const UNIGRAM: readonly string[] = [
  "t5",
  "t5:add_space_prefix",
  "t5:remove_extra_whitespaces",
  "t5:add_space_prefix:remove_extra_whitespaces",
];
const SHOWN_MAX = 5;

/** What llama.cpp reads even of a vocabulary. */
const llamaShape = Object.entries({
  context_length: 64,
  embedding_length: 8,
  block_count: 1,
  feed_forward_length: 8,
  "attention.head_count": 1,
}).map(([key, value]) => [`llama.${key}`, { type: "u32", value }] as const);

/** The bytes of a vocabulary by a name as above. */
async function namedFile(name: string): Promise<Uint8Array> {
  if (name.startsWith("t5")) {
    const flags = name.split(":").slice(1).map((flag) => [flag, true] as const);
    const metadata = madeMetadata(
      await unigramVocabulary(Object.fromEntries(flags)),
    );
    return encodeGguf({ metadata: [...metadata, ...llamaShape] });
  }
  const [vocabularyName = "", pre] = name.split(":");
  const file = await vocabulary(vocabularyName as VocabularyName);
  const { pairs } = vocabularyOf(file);
  const general = ["general.architecture", "general.name"].map((key) => {
    return [key, {
      type: "string",
      value: String(file.metadata.get(key)),
    }] as const;
  });
  const kept = pairs.filter(([key]) => pre === undefined || key !== "tokenizer.ggml.pre");
  const named = pre === undefined
    ? []
    : [["tokenizer.ggml.pre", { type: "string", value: pre }] as const];
  const shape = [...file.metadata].filter(([key, value]) => {
    return !/^(general|tokenizer)\./.test(key) && typeof value === "number";
  }).map(([key, value]) => {
    const type = /epsilon|freq_base|max_alibi/.test(key) ? "f32" : "u32";
    return [key, { type, value: value as number }] as const;
  });
  return encodeGguf({ metadata: [...general, ...shape, ...kept, ...named] });
}

function differences(
  pair: { ours: Tokenizer; theirs: PeerModel },
  options: { name: string; count: number; seed: number },
): { texts: number; tokens: number } {
  const { ours, theirs } = pair;
  const { name, count, seed } = options;
  const random = seededNumbers(seed);
  let texts = 0;
  let tokens = 0;
  for (let i = 0; i < count; i++) {
    const text = randomText(random);
    const parseSpecial = i % 4 === 3;
    const ids = [...ours.encode(text, { addBos: false, parseSpecial })];
    const others = [...theirs.tokenize(text, parseSpecial)];
    tokens += others.length;
    if (ids.join() === others.join()) continue;
    if (++texts > SHOWN_MAX) continue;
    console.log(
      `${name}: ${JSON.stringify(text)}\n  ours   ${ids.join()}\n  theirs ${others.join()}`,
    );
  }
  return { texts, tokens };
}

/** The first name of each pre-tokeniser. */
function firstNames(): readonly string[] {
  const first = new Map([...PRE_TOKENIZERS].reverse().map(([name, pre]) => [pre, name]));
  return [...first.values()].reverse();
}

const [count = "1000", seed = "1", ...asked] = process.argv.slice(2);
const peer = await importPeer<Peer>("node-llama-cpp/dist/index.js");
if (peer === undefined) {
  throw new Error("Cannot compare as node-llama-cpp is not installed");
}
const llama = await peer.getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  logLevel: "disabled",
});
const isFew = asked[0] === "few";
const names = asked.length > 0 && !isFew ? asked : [
  "phi-3",
  "bert-bge",
  ...UNIGRAM,
  ...BYTE_LEVEL,
  ...(isFew ? ["gpt-2"] : ["gpt-2", "qwen2"]).flatMap((name) =>
    (isFew ? firstNames() : [...PRE_TOKENIZERS.keys()]).map((pre) => `${name}:${pre}`)
  ),
];
const folder = mkdtempSync(join(tmpdir(), "skep-vocabularies-"));
let all = 0;
try {
  for (const name of names) {
    const bytes = await namedFile(name);
    const path = join(folder, "vocabulary.gguf");
    writeFileSync(path, bytes);
    const ours = loadTokenizer(await openGguf(bytesSource(bytes, name)));
    const theirs = await llama.loadModel({ modelPath: path, vocabOnly: true });
    const found = differences({ ours, theirs }, {
      name,
      count: Number(count),
      seed: Number(seed),
    });
    await theirs.dispose();
    console.log(
      `${name}: ${found.texts} of ${count} texts differ, ${found.tokens} tokens`,
    );
    all += found.texts;
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(all === 0 ? 0 : 1);
