/** Small valid model files to start from, and sources that count what is asked of them. */
import process from "node:process";
import { encodeGguf } from "../../bench/models/encode_gguf.ts";
import type { GgufToWrite, TensorToWrite, ValueToWrite } from "../../bench/models/encode_gguf.ts";
import type { ByteSource, GgufFile, ModelErrorCode } from "../../src/model/mod.ts";
import { bytesSource, ModelError, openGguf } from "../../src/model/mod.ts";

/** Metadata and tensors of a tiny Llama: width 8, 2 layers, 2 heads, one KV head, 6 tokens. */
export function tinyLlama(): {
  metadata: [string, ValueToWrite][];
  tensors: TensorToWrite[];
} {
  const u32 = (value: number): ValueToWrite => ({ type: "u32", value });
  const metadata: [string, ValueToWrite][] = [
    ["general.architecture", { type: "string", value: "llama" }],
    ["general.name", { type: "string", value: "tiny" }],
    ["llama.block_count", u32(2)],
    ["llama.context_length", u32(16)],
    ["llama.embedding_length", u32(8)],
    ["llama.feed_forward_length", u32(12)],
    ["llama.attention.head_count", u32(2)],
    ["llama.attention.head_count_kv", u32(1)],
    ["llama.attention.layer_norm_rms_epsilon", { type: "f32", value: 1e-5 }],
    ["tokenizer.ggml.model", { type: "string", value: "llama" }],
    ["tokenizer.ggml.tokens", {
      type: "array",
      of: "string",
      value: ["<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a"],
    }],
    ["tokenizer.ggml.scores", { type: "array", of: "f32", value: [0, 0, 0, -1, -2, -3] }],
    ["tokenizer.ggml.token_type", { type: "array", of: "i32", value: [2, 3, 3, 1, 1, 1] }],
  ];
  const tensors = [tensor("token_embd.weight", [8, 6])];
  for (const layer of [0, 1]) {
    const parts: Record<string, number[]> = {
      attn_norm: [8],
      attn_q: [8, 8],
      attn_k: [8, 4],
      attn_v: [8, 4],
      attn_output: [8, 8],
      ffn_norm: [8],
      ffn_gate: [8, 12],
      ffn_up: [8, 12],
      ffn_down: [12, 8],
    };
    for (const [part, shape] of Object.entries(parts)) {
      tensors.push(tensor(`blk.${layer}.${part}.weight`, shape));
    }
  }
  tensors.push(tensor("output_norm.weight", [8]), tensor("output.weight", [8, 6]));
  return { metadata, tensors };
}

/** An F32 tensor of zeros. */
export function tensor(name: string, shape: number[]): TensorToWrite {
  const sizeBytes = shape.reduce((all, extent) => all * extent, 4);
  return { name, shape, typeId: 0, data: new Uint8Array(sizeBytes) };
}

/** Replaces or adds a pair. */
export function withKey(
  metadata: readonly [string, ValueToWrite][],
  pair: [string, ValueToWrite],
): [string, ValueToWrite][] {
  return [...metadata.filter(([key]) => key !== pair[0]), pair];
}

/** Opens what `encodeGguf` makes of `file`. */
export function openWritten(file: GgufToWrite): Promise<GgufFile> {
  return openGguf(bytesSource(encodeGguf(file), "written"));
}

/** Whether something is a ModelError of a code whose message matches. */
export function isModelError(
  code: ModelErrorCode,
  pattern: RegExp = /^Cannot /,
): (error: unknown) => boolean {
  return (error: unknown): boolean => {
    if (!(error instanceof ModelError)) throw error;
    if (error.code !== code) throw new Error(`code is ${error.code}: ${error.message}`);
    if (!pattern.test(error.message)) throw new Error(`message is: ${error.message}`);
    return true;
  };
}

/** A source that counts, and gives at most `readBytesMax` at a time. */
export function countingSource(
  bytes: Uint8Array,
  readBytesMax: number = Infinity,
): ByteSource & { counts: { reads: number; bytesAsked: number; bufferBytesMax: number } } {
  const inner = bytesSource(bytes, "counted");
  const counts = { reads: 0, bytesAsked: 0, bufferBytesMax: 0 };
  return {
    ...inner,
    counts,
    read(into: Uint8Array, position: number): Promise<number> {
      counts.reads++;
      counts.bytesAsked += into.length;
      counts.bufferBytesMax = Math.max(counts.bufferBytesMax, into.length);
      return inner.read(into.subarray(0, Math.min(into.length, readBytesMax)), position);
    },
  };
}

/** Number of runs of a property: `SKEP_TEST_RUNS` multiplies. */
export function runs(count: number): number {
  const factor = Number(process.env["SKEP_TEST_RUNS"] ?? "1");
  return Math.max(1, Math.round(count * factor));
}
