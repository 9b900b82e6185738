/** Reading of llama.cpp's tokenisation vectors: texts joined by a marker line, a line of ids each. */
import { readFileSync } from "node:fs";
import { expandVocabulary } from "./_compact_vocabulary.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

const VOCABULARY = /^vocab\/ggml-vocab-(.+)\.gguf$/;

/** The bytes of a fixture, by its path below test/fixtures; vocabularies are unpacked. */
export function fixture(path: string): Uint8Array {
  const vocabulary = VOCABULARY.exec(path)?.[1];
  if (vocabulary !== undefined) return expandVocabulary(read(`vocab/${vocabulary}.vocab.br`));
  return read(path);
}

/** Texts of test/fixtures/vocab/cases.inp with the ids of `outputs`. */
export function vectors(outputs: string): { text: string; ids: number[] }[] {
  const texts = new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(fixture("vocab/cases.inp")).split("\n__ggml_vocab_test__\n");
  const lines = new TextDecoder().decode(fixture(outputs)).split("\n");
  return texts.map((text, i) => {
    const line = (lines[i] ?? "").trim();
    return { text, ids: line === "" ? [] : line.split(/\s+/).map(Number) };
  });
}

function read(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, FIXTURES)));
}
