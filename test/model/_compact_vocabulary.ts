/**
 * A compact form of GGUF files that hold a vocabulary and no tensors, for fixtures: Brotli over JSON.
 *
 * Merges are stored as the lengths of their left halves, since the joined halves are the tokens from
 * some id on, and token types as runs. `compactVocabulary` refuses what `expandVocabulary` would not
 * give back byte for byte. To make a fixture:
 *
 *     deno run -A test/model/_compact_vocabulary.ts IN.gguf OUT.vocab.br
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { encodeGguf, VALUE_TYPES } from "../../bench/models/encode_gguf.ts";
import type { ValueToWrite } from "../../bench/models/encode_gguf.ts";

/** A pair: key, type of the value or of its items, value; `null` stands for a derived array. */
type Pair = readonly [key: string, type: string, value: unknown];
type Strings = readonly string[];

const TYPE_ARRAY = 9;
const MERGES = "tokenizer.ggml.merges";
const TOKENS = "tokenizer.ggml.tokens";
const TYPE_NAMES = new Map(Object.entries(VALUE_TYPES).map(([name, id]) => [id as number, name]));

/**
 * Packs a GGUF of metadata only.
 *
 * @throws {RangeError} when unpacking would not give the same bytes
 */
export function compactVocabulary(gguf: Uint8Array): Uint8Array {
  const json = JSON.stringify(packed(readPairs(gguf)));
  const bytes = new TextEncoder().encode(json);
  const compact = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  const again = expandVocabulary(compact);
  if (again.length !== gguf.length || again.some((byte, i) => byte !== gguf[i])) {
    throw new RangeError("Cannot pack a vocabulary as it must unpack to the same bytes");
  }
  return new Uint8Array(compact);
}

/** The GGUF that `compactVocabulary` packed. */
export function expandVocabulary(compact: Uint8Array): Uint8Array {
  const pairs: Pair[] = JSON.parse(new TextDecoder().decode(brotliDecompressSync(compact)));
  const tokens = pairs.find(([key]) => key === TOKENS)?.[2] as Strings;
  const metadata = pairs.map(([key, type, value]) =>
    [key, unpacked(type, { value, tokens })] as const
  );
  return encodeGguf({ metadata, alignmentBytes: 1 });
}

function unpacked(type: string, options: { value: unknown; tokens: Strings }): ValueToWrite {
  const { value, tokens } = options;
  const [of, form] = type.split(":") as [keyof typeof VALUE_TYPES, string | undefined];
  if (form === undefined) return { type: of, value } as ValueToWrite;
  const items = form === "merges"
    ? unpackMerges(value as [number, string], tokens)
    : form === "runs"
    ? (value as [number, number][]).flatMap(([item, count]) => new Array<number>(count).fill(item))
    : value as (number | string)[];
  return { type: "array", of, value: items };
}

/** Left lengths are letters: "b" is one code point. */
function unpackMerges([from, lefts]: readonly [number, string], tokens: Strings): string[] {
  return Array.from(lefts, (letter, i) => {
    const points = [...tokens[from + i] ?? ""];
    const left = letter.charCodeAt(0) - 0x61;
    return `${points.slice(0, left).join("")} ${points.slice(left).join("")}`;
  });
}

function packed(pairs: readonly Pair[]): Pair[] {
  const tokens = pairs.find(([key]) => key === TOKENS)?.[2] as Strings;
  return pairs.map(([key, type, value]): Pair => {
    if (key === MERGES) {
      const merges = packMerges(value as Strings, tokens);
      return merges === undefined ? [key, type, value] : [key, "string:merges", merges];
    }
    return type === "i32:array" ? [key, "i32:runs", runsOf(value as number[])] : [key, type, value];
  });
}

function packMerges(merges: Strings, tokens: Strings): [number, string] | undefined {
  const joined = merges.map((merge) => merge.replace(" ", ""));
  const from = tokens.indexOf(joined[0] ?? "");
  if (from < 0 || joined.some((text, i) => text !== tokens[from + i])) return undefined;
  const lefts = merges.map((merge) => [...merge.slice(0, merge.indexOf(" "))].length);
  return [from, lefts.map((length) => String.fromCharCode(0x61 + length)).join("")];
}

function runsOf(items: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const item of items) {
    const last = runs.at(-1);
    if (last?.[0] === item) last[1]++;
    else runs.push([item, 1]);
  }
  return runs;
}

/** The pairs of a header, with their exact types; trusts its input. */
function readPairs(gguf: Uint8Array): Pair[] {
  const view = new DataView(gguf.buffer, gguf.byteOffset, gguf.byteLength);
  let at = 24;
  const readers: Readonly<Record<string, () => unknown>> = {
    u8: () => view.getUint8(at++),
    bool: () => view.getUint8(at++) === 1,
    u32: () => view.getUint32((at += 4) - 4, true),
    i32: () => view.getInt32((at += 4) - 4, true),
    f32: () => view.getFloat32((at += 4) - 4, true),
    u64: () => Number(view.getBigUint64((at += 8) - 8, true)),
    string: () => {
      const length = Number(view.getBigUint64(at, true));
      at += 8 + length;
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(gguf.subarray(at - length, at));
    },
  };
  const read = (type: string): unknown => readers[type]?.();
  const nextType = (): number => read("u32") as number;
  return Array.from({ length: Number(view.getBigUint64(16, true)) }, (): Pair => {
    const key = read("string") as string;
    const type = nextType();
    const name = TYPE_NAMES.get(type === TYPE_ARRAY ? nextType() : type) ?? "";
    if (type !== TYPE_ARRAY) return [key, name, read(name)];
    const length = read("u64") as number;
    return [key, `${name}:array`, Array.from({ length }, () => read(name))];
  });
}

if (import.meta.main) {
  const [input = "", output = ""] = process.argv.slice(2);
  writeFileSync(output, compactVocabulary(new Uint8Array(readFileSync(input))));
}
