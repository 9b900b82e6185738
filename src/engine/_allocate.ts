/** The WebAssembly memory of an executor. */
import type { Layout } from "./_layout.ts";
import { kernelMemory } from "./_module.ts";
import { EngineError } from "./errors.ts";

/** Weights and scratch at once, pages as they are needed. @throws {EngineError} "no-memory" */
export function allocateMemory(layout: Layout, name: string): WebAssembly.Memory {
  const initial = Math.ceil(layout.pagesPtr / 2 ** 16);
  const end = layout.pagesPtr + layout.pageCountMax * layout.pageBytes;
  try {
    return kernelMemory(initial, Math.ceil(end / 2 ** 16));
  } catch (cause) {
    throw new EngineError({
      code: "no-memory",
      cause,
      message: `Cannot load "${name}" as the system refuses ${layout.pagesPtr} bytes of memory`,
    });
  }
}
