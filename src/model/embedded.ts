/**
 * The model that is part of the library and the executable, so that nothing has to be downloaded.
 *
 * stories260K: a Llama of 260 thousand parameters that tells children's stories, by Andrej Karpathy
 * (karpathy/tinyllamas, MIT), as Q8_0. Its greedy text equals that of its F32 file in full.
 */
import { EMBEDDED_BASE64, EMBEDDED_SIZE_BYTES } from "./embedded_bytes.ts";
import type { ByteSource } from "./gguf_types.ts";
import { bytesSource } from "./source.ts";

/** The embedded model's name, as it is asked for and listed. */
export const EMBEDDED_MODEL_NAME = "stories260K";

/** Opens the embedded model as a source; every call decodes its own copy (370 KiB). */
export function embeddedModel(): ByteSource {
  const binary = atob(EMBEDDED_BASE64);
  const bytes = new Uint8Array(EMBEDDED_SIZE_BYTES);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytesSource(bytes, `embedded:${EMBEDDED_MODEL_NAME}`);
}
