/**
 * Cuts a model to some of its layers, block by block as they are: a small file of real blocks.
 *
 *     deno run -A bench/models/cut_gguf.ts IN.gguf FROM TO OUT.gguf[.br]
 *
 * Layers FROM to TO - 1 become 0, 1, ...; a name that ends in .br is compressed by Brotli.
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { brotliCompressSync, constants } from "node:zlib";
import { bytesSource, openGguf, TENSOR_TYPE_BY_ID } from "../../src/model/mod.ts";
import type { MetadataValue } from "../../src/model/mod.ts";
import { encodeGguf } from "./encode_gguf.ts";
import type { ValueToWrite } from "./encode_gguf.ts";

/** The layers to keep. */
export interface Cut {
  readonly from: number;
  readonly to: number;
}

/** The bytes of a GGUF that has some layers of another. */
export async function cutGguf(bytes: Uint8Array, { from, to }: Cut): Promise<Uint8Array> {
  const file = await openGguf(bytesSource(bytes, "model to cut"));
  const tensors = [...file.tensors.values()].flatMap((tensor) => {
    const name = cutName(tensor.name, { from, to });
    const typeId = [...TENSOR_TYPE_BY_ID].find(([, type]) => type === tensor.type)?.[0] ?? -1;
    const data = bytes.subarray(tensor.offset, tensor.offset + tensor.sizeBytes);
    return name === undefined ? [] : [{ name, shape: tensor.shape, typeId, data }];
  });
  const metadata = [...file.metadata].map(([key, value]) => {
    const kept = key.endsWith(".block_count") ? to - from : value;
    return [key, valueToWrite(key, kept)] as const;
  });
  return encodeGguf({ metadata, tensors, alignmentBytes: file.alignmentBytes });
}

function cutName(name: string, { from, to }: Cut): string | undefined {
  const match = /^blk\.(\d+)\.(.*)$/.exec(name);
  if (match === null) return name;
  const layer = Number(match[1]);
  return layer >= from && layer < to ? `blk.${layer - from}.${match[2]}` : undefined;
}

/** The reader does not keep the type of a number: integers are written as u32, others as f32. */
export function valueToWrite(key: string, value: MetadataValue): ValueToWrite {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "number") {
    const real = !Number.isInteger(value) || /epsilon|freq_base|scale/.test(key);
    return { type: real ? "f32" : "u32", value };
  }
  if (value instanceof Float32Array) return { type: "array", of: "f32", value };
  if (value instanceof Int32Array) return { type: "array", of: "i32", value };
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) {
    return { type: "array", of: "string", value };
  }
  throw new TypeError(`Cannot cut the model as "${key}" holds a list of an unexpected type`);
}

async function main(): Promise<void> {
  const [input, from, to, output] = process.argv.slice(2);
  if (input === undefined || output === undefined || !(Number(from) < Number(to))) {
    console.error("usage: cut_gguf.ts IN.gguf FROM TO OUT.gguf[.br]");
    process.exitCode = 2;
    return;
  }
  const bytes = new Uint8Array(readFileSync(input));
  const cut = await cutGguf(bytes, { from: Number(from), to: Number(to) });
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24 };
  writeFileSync(output, output.endsWith(".br") ? brotliCompressSync(cut, { params }) : cut);
  console.log(`${output}: ${cut.length} bytes of GGUF`);
}

if (import.meta.main) await main();
