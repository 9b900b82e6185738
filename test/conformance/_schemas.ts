/**
 * Random schemas through a node's API: every answer must end by itself, parse, and be valid.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import formatsModule from "ajv-formats";
import OpenAI from "openai";
import { familyShape } from "../../bench/models/family_shapes.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import { bytesSource, openGguf } from "../../src/model/mod.ts";
import { randomSchema } from "../grammar/_random_schemas.ts";
import { fixture } from "../model/_vectors.ts";
import { startTestNode } from "../services/support.ts";

/** Whose tokens the model of random weights has. */
export type VocabularyName = "synthetic" | "qwen2" | "phi-3";

/** What to run. */
export interface SchemaRun {
  readonly count: number;
  /** Of the first schema and of its answer; the next ones follow. */
  readonly seed: number;
  readonly vocabulary: VocabularyName;
  /** Told of each answer. */
  readonly onAnswer?: (answer: SchemaAnswer) => void;
}

/** What came of one schema. */
export interface SchemaAnswer {
  readonly seed: number;
  readonly tokens: number;
  readonly ms: number;
  /** Why it is wrong; undefined when it is right. */
  readonly fault: string | undefined;
}

/** A context in which the longest text of any of the schemas fits, a token for each byte. */
const contextMax = 16_384;

/** Asks for an answer to each schema. */
export async function runSchemas(run: SchemaRun): Promise<readonly SchemaAnswer[]> {
  const directory = mkdtempSync(join(tmpdir(), "skep-schemas-"));
  try {
    const path = await writeModel(run.vocabulary, directory);
    const node = await startTestNode({ inference: { model: path }, models: directory });
    try {
      const client = new OpenAI({
        baseURL: node.baseUrl,
        apiKey: "none",
        maxRetries: 0,
        timeout: 3_600_000,
      });
      const answers: SchemaAnswer[] = [];
      for (let seed = run.seed; seed < run.seed + run.count; seed++) {
        const answer = await ask(client, seed);
        run.onAnswer?.(answer);
        answers.push(answer);
      }
      return answers;
    } finally {
      await node.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeModel(vocabulary: VocabularyName, directory: string): Promise<string> {
  const path = join(directory, "random.gguf");
  const tokenizer = vocabulary === "synthetic"
    ? undefined
    : await openGguf(bytesSource(fixture(`vocab/ggml-vocab-${vocabulary}.gguf`), vocabulary));
  const tokens = tokenizer?.metadata.get("tokenizer.ggml.tokens");
  const shape = familyShape("llama", {
    layerCount: 2,
    width: 64,
    ffnWidth: 128,
    headCount: 4,
    kvHeadCount: 2,
    headWidth: 16,
    vocabularySize: Array.isArray(tokens) ? tokens.length : 512,
    contextMax,
    tiedOutput: false,
  });
  const common = { shape, type: "q8_0", seed: 5, path } as const;
  writeRandomModel(tokenizer === undefined ? common : { ...common, tokenizer });
  return path;
}

async function ask(client: OpenAI, seed: number): Promise<SchemaAnswer> {
  const schema = randomSchema(seed);
  const before = performance.now();
  const answer = await client.chat.completions.create({
    model: "random",
    messages: [{ role: "user", content: "x" }],
    seed,
    temperature: 1,
    response_format: {
      type: "json_schema",
      json_schema: { name: "random", strict: true, schema },
    },
  });
  const ms = performance.now() - before;
  const tokens = answer.usage?.completion_tokens ?? 0;
  const [choice] = answer.choices;
  const fault = faultOf(schema, choice?.message.content ?? "", choice?.finish_reason ?? "none");
  return { seed, tokens, ms, fault };
}

function faultOf(
  schema: Readonly<Record<string, unknown>>,
  text: string,
  finish: string,
): string | undefined {
  if (finish !== "stop") return `it ended by ${finish}`;
  const ajv = new Ajv2020({ strict: false });
  // The types say that a CommonJS module is an object; it is the function.
  (formatsModule as unknown as (validator: Ajv2020) => void)(ajv);
  try {
    const validate = ajv.compile(schema);
    return validate(JSON.parse(text)) ? undefined : ajv.errorsText(validate.errors);
  } catch (thrown) {
    return String(thrown);
  }
}
