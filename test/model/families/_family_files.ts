/** Tiny files of each family, tensor by tensor as llama.cpp names them: width 8, 2 layers. */
import type { ValueToWrite } from "../../../bench/models/encode_gguf.ts";
import { readModelShape } from "../../../src/model/mod.ts";
import type { Architecture, ModelShape } from "../../../src/model/mod.ts";
import { openWritten, tensor, tinyLlama } from "../_files.ts";

/** What a tiny file has beyond the plain tiny Llama. */
export interface TinyFamily {
  readonly architecture: Architecture;
  /** Without the architecture's prefix unless they hold a colon in front; undefined takes away. */
  readonly keys?: Readonly<Record<string, ValueToWrite | undefined>>;
  /** Tensors of every layer, without `blk.N.`; undefined takes away. */
  readonly layer?: Readonly<Record<string, readonly number[] | undefined>>;
  /** Other tensors. */
  readonly other?: Readonly<Record<string, readonly number[] | undefined>>;
  /** @default 2 */
  readonly layerCount?: number;
}

/** Writes and reads the file's shape. */
export async function tinyShape(options: TinyFamily): Promise<ModelShape> {
  const { architecture, layerCount = 2 } = options;
  const plain = tinyLlama();
  const pairs = new Map(plain.metadata.map(([key, value]) => {
    return [key.replace(/^llama\./, `${architecture}.`), value];
  }));
  pairs.set("general.architecture", string(architecture));
  pairs.set(`${architecture}.block_count`, u32(layerCount));
  for (const [key, value] of Object.entries(options.keys ?? {})) {
    const name = key.startsWith(":") ? key.slice(1) : `${architecture}.${key}`;
    if (value === undefined) pairs.delete(name);
    else pairs.set(name, value);
  }
  const tensors = new Map<string, readonly number[]>();
  const layers = plain.tensors.filter(({ name }) => String(name).startsWith("blk.0."));
  for (let layer = 0; layer < layerCount; layer++) {
    for (const { name, shape } of layers) {
      tensors.set(String(name).replace("blk.0.", `blk.${layer}.`), shape.map(Number));
    }
    change(tensors, options.layer, `blk.${layer}.`);
  }
  tensors.set("token_embd.weight", [8, 6]);
  tensors.set("output_norm.weight", [8]);
  change(tensors, options.other, "");
  return readModelShape(
    await openWritten({
      metadata: [...pairs],
      tensors: [...tensors].map(([name, shape]) => tensor(name, [...shape])),
    }),
  );
}

function change(
  tensors: Map<string, readonly number[]>,
  changes: TinyFamily["other"],
  prefix: string,
): void {
  for (const [name, shape] of Object.entries(changes ?? {})) {
    if (shape === undefined) tensors.delete(`${prefix}${name}`);
    else tensors.set(`${prefix}${name}`, shape);
  }
}

/** Value of a key. */
export function u32(value: number): ValueToWrite {
  return { type: "u32", value };
}

/** Value of a key. */
export function f32(value: number): ValueToWrite {
  return { type: "f32", value };
}

/** Value of a key. */
export function string(value: string): ValueToWrite {
  return { type: "string", value };
}
