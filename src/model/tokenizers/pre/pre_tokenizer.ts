/**
 * The pre-tokenisers by the names of `tokenizer.ggml.pre`, with what else such a name decides.
 *
 * Names and defaults: llama.cpp's src/llama-vocab.cpp. Names of families that need more than stages
 * and flags (other alphabets, other merging) are not here, and files with them are refused.
 */
import { codePointsOf } from "./code_points.ts";
import { gpt4oWords, tekkenWords } from "./cased.ts";
import { deepseekCoder, deepseekLlm, deepseekV3 } from "./deepseek.ts";
import { bloom, defaultStages, falcon, viking } from "./marks.ts";
import type { Span, Stage } from "./stage.ts";
import {
  gpt2Words,
  llama3Words,
  qwen2Words,
  qwen35Words,
  seedCoderWords,
  singleDigits,
} from "./words.ts";

/** How a text is cut before its pieces are merged, and what goes with it. */
export interface PreTokenizer {
  readonly stages: readonly Stage[];
  /** Whether a piece that is a token becomes that token, whatever merging would make of it. */
  readonly ignoresMerges?: boolean;
  /** Default of `tokenizer.ggml.add_bos_token`. @default false */
  readonly addBos?: boolean;
  /** Whether there is no BOS unless the file names one. @default false */
  readonly noBos?: boolean;
}

/** The name of the pre-tokeniser of a file that names none. */
export const DEFAULT_PRE_TOKENIZER = "default";

const GROUPS: readonly (readonly [names: string, pre: PreTokenizer])[] = [
  ["default", { stages: defaultStages }],
  [
    "gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum modern-bert " +
    "jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe",
    { stages: [gpt2Words] },
  ],
  [
    "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
    { stages: [llama3Words], ignoresMerges: true, addBos: true },
  ],
  ["dbrx smaug-bpe", { stages: [llama3Words] }],
  ["glm4 chatglm-bpe", { stages: [llama3Words], noBos: true }],
  [
    "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 bailingmoe " +
    "bailingmoe2 llada-moe",
    { stages: [qwen2Words] },
  ],
  ["qwen35", { stages: [qwen35Words] }],
  ["seed-coder", { stages: [seedCoderWords] }],
  [
    "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
    { stages: [singleDigits, gpt2Words] },
  ],
  ["falcon", { stages: falcon }],
  ["deepseek-llm", { stages: deepseekLlm }],
  ["deepseek-coder", { stages: deepseekCoder }],
  ["deepseek-v3 hunyuan-dense joyai-llm hy_v4", { stages: deepseekV3 }],
  ["gpt-4o llama4 kanana2 talkie minimax-m2", { stages: [gpt4oWords] }],
  ["tekken", { stages: [tekkenWords], ignoresMerges: true, addBos: true }],
  ["bloom poro-chat gpt3-finnish", { stages: bloom }],
  ["viking", { stages: viking }],
];

/** Every pre-tokeniser by its names. */
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map(
  GROUPS.flatMap(([names, pre]) => names.split(" ").map((name) => [name, pre] as const)),
);

/**
 * Cuts a text into pieces, which joined are the text; none is empty.
 *
 * @param text well formed
 */
export function preTokenize(text: string, stages: readonly Stage[]): string[] {
  const codePoints = codePointsOf(text);
  const { points } = codePoints;
  let ends: number[] = points.length === 0 ? [] : [points.length];
  for (const stage of stages) {
    const next: number[] = [];
    const span: { -readonly [Key in keyof Span]: Span[Key] } = { ...codePoints, from: 0, to: 0 };
    for (const end of ends) {
      span.to = end;
      stage(span, (at) => next.push(at));
      span.from = end;
    }
    ends = next;
  }
  let from = 0;
  let unit = 0;
  return ends.map((end) => {
    const start = unit;
    for (; from < end; from++) unit += (points[from] ?? 0) > 0xffff ? 2 : 1;
    return text.slice(start, unit);
  });
}
