/** GGUF's architectures, and who describes a model of each. */
import type { Architecture } from "../family.ts";
import { bert } from "./bert.ts";
import type { FamilyReader } from "./family_reader.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { llama } from "./llama.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

/** The families that are executed. */
export const familyReaders: Readonly<Record<Architecture, FamilyReader>> = {
  llama,
  qwen2,
  qwen3,
  phi3,
  gemma2,
  gemma3,
  bert,
};
