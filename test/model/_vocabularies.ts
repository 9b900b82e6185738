/** The vocabularies of test/fixtures/vocab, as the GGUF files that they were before packing. */
import { bytesSource, openGguf } from "../../src/model/mod.ts";
import type { GgufFile } from "../../src/model/mod.ts";
import { fixture } from "./_vectors.ts";

/** A vocabulary of llama.cpp's tree: SentencePiece (phi-3), WordPiece (bert-bge), byte-level BPE. */
export type VocabularyName = "phi-3" | "gpt-2" | "qwen2" | "falcon" | "mpt" | "bert-bge";

const unpacked = new Map<VocabularyName, Uint8Array>();
const opened = new Map<VocabularyName, Promise<GgufFile>>();

/** The bytes of `ggml-vocab-NAME.gguf`: metadata and no tensors; the same ones each time. */
export function vocabularyBytes(name: VocabularyName): Uint8Array {
  let bytes = unpacked.get(name);
  if (bytes === undefined) {
    bytes = fixture(`vocab/ggml-vocab-${name}.gguf`);
    unpacked.set(name, bytes);
  }
  return bytes;
}

/** The opened `ggml-vocab-NAME.gguf`; the same one each time. */
export function vocabulary(name: VocabularyName): Promise<GgufFile> {
  let file = opened.get(name);
  if (file === undefined) {
    file = openGguf(bytesSource(vocabularyBytes(name), `ggml-vocab-${name}.gguf`));
    opened.set(name, file);
  }
  return file;
}
