/** Written models of each family are read back as what was asked for, with real vocabularies. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { familyNames, familyShape, isFamilyName } from "../../bench/models/family_shapes.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import type { RandomModel } from "../../bench/models/gguf_writer.ts";
import { parseWriterArguments } from "../../bench/models/gguf_writer_options.ts";
import {
  bytesSource,
  chatTemplate,
  openGguf,
  readModelShape,
  renderChat,
} from "../../src/model/mod.ts";
import type { GgufFile } from "../../src/model/mod.ts";
import { vocabulary } from "./_vocabularies.ts";

const EXTENTS = {
  layerCount: 7,
  width: 64,
  ffnWidth: 96,
  headCount: 4,
  kvHeadCount: 2,
  headWidth: 16,
  vocabularySize: 360,
  contextMax: 8192,
  tiedOutput: false,
};

async function written(model: Omit<RandomModel, "path">): Promise<GgufFile> {
  const folder = mkdtempSync(join(tmpdir(), "skep-writer-"));
  try {
    const path = join(folder, "m.gguf");
    writeRandomModel({ ...model, path });
    return await openGguf(bytesSource(new Uint8Array(readFileSync(path)), "m"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const name of familyNames) {
  test(`a written ${name} is read back as the shape that was asked for`, async () => {
    for (const contextMax of [EXTENTS.contextMax, 256]) {
      const shape = familyShape(name, { ...EXTENTS, contextMax });
      const file = await written({ shape, type: "q8_0", seed: 1 });
      assert.deepEqual(readModelShape(file), shape);
    }
  });
}

test("isFamilyName() knows its families only", () => {
  assert.ok(isFamilyName("phi3-long") && isFamilyName("llama"));
  assert.ok(!isFamilyName("toString") && !isFamilyName(undefined));
});

test("a model with qwen2's vocabulary has ChatML with tools", async () => {
  const tokenizer = await vocabulary("qwen2");
  const shape = familyShape("qwen2", { ...EXTENTS, layerCount: 1, vocabularySize: 151_936 });
  const file = await written({ shape, type: "q4_0", seed: 1, tokenizer });
  const tools = [{ type: "function", function: { name: "add", parameters: {} } }];
  const call = { type: "function", function: { name: "add", arguments: '{"a":1}' } };
  const text = renderChat(chatTemplate(file), {
    tools,
    messages: [
      { role: "user", content: "1+1?" },
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", content: "2" },
      { role: "tool", content: "two" },
    ],
  });
  const called = '<tool_call>\n{"name": "add", "arguments": {"a":1}}\n</tool_call>';
  const results = "<tool_response>\n2\n</tool_response>\n<tool_response>\ntwo\n</tool_response>";
  assert.ok(text.startsWith("<|im_start|>system\nYou are a helpful assistant.\n\n# Tools\n"), text);
  assert.ok(
    text.endsWith(
      `<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n${called}<|im_end|>\n` +
        `<|im_start|>user\n${results}<|im_end|>\n<|im_start|>assistant\n`,
    ),
    text,
  );
  assert.equal(file.metadata.get("tokenizer.ggml.eos_token_id"), 151_645);
});

test("a model with phi-3's vocabulary has Phi's roles", async () => {
  const tokenizer = await vocabulary("phi-3");
  const shape = familyShape("phi3", { ...EXTENTS, layerCount: 1, vocabularySize: 32_064 });
  const file = await written({ shape, type: "q4_0", seed: 1, tokenizer });
  const text = renderChat(chatTemplate(file), {
    messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hi" }],
  });
  assert.equal(text, "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n");
  assert.equal(file.metadata.get("tokenizer.ggml.eos_token_id"), 32_007);
});

test("parseWriterArguments() takes custom extents, a family, a vocabulary and a context", async () => {
  const size = "layers=2,width=256,ffn=512,heads=4,kv=2";
  const model = await parseWriterArguments([size, "q4_k", "x.gguf", "--family", "phi3"]);
  assert.deepEqual(
    model?.shape,
    familyShape("phi3", {
      ...EXTENTS,
      layerCount: 2,
      width: 256,
      ffnWidth: 512,
      headWidth: 64,
      vocabularySize: 32_064,
      contextMax: 32_768,
    }),
  );
  assert.equal(model?.tokenizer?.metadata.get("tokenizer.ggml.model"), "llama");
  const plain = await parseWriterArguments(["15m", "q8_0", "x.gguf", "7"]);
  assert.deepEqual([plain?.seed, plain?.shape.contextMax, plain?.tokenizer], [7, 2048, undefined]);
  assert.equal(await parseWriterArguments(["--help"]), undefined);
});

for (
  const [args, words] of [
    [["2m", "q8_0", "x"], /no size '2m'/],
    [["15m", "q9", "x"], /no type 'q9'/],
    [["15m", "f32"], /path/],
    [["15m", "f32", "x", "--family", "gpt"], /no family 'gpt'/],
    [["layers=1", "f32", "x"], /need a width/],
    [["depth=1", "f32", "x"], /no extent 'depth'/],
    [["15m", "f32", "x", "--context", "long"], /'long' is not a count/],
    [["15m", "f32", "x", "--colour"], /colour/],
  ] as const
) {
  test(`parseWriterArguments() refuses ${args.join(" ")}`, async () => {
    await assert.rejects(parseWriterArguments(args), words);
  });
}
