/** The WebAssembly memory of an executor, and the kernels for it. */
import type { Layout } from "./_layout.ts";
import { fixedKernelModule, kernelMemory, kernelModule } from "./_module.ts";
import type { Build } from "./_module.ts";
import { EngineError } from "./errors.ts";

/** A memory, and the compiled kernels that accept it. */
export interface Arena {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

const wasmPageBytes = 2 ** 16;
/** Of 64 KiB each. */
const pagesMax = 2 ** 16;
/** Sizes are multiples of it, so that executors of small models share a module. */
const pagesStep = 2 ** 8;

/**
 * Room for weights, scratch and all pages of keys and values, of which the system gives each page
 * when it is first written to. Where the system promises no more than it has, pages are added as
 * they are needed (_pages.ts).
 *
 * @throws {EngineError} "no-memory"
 */
export function allocateMemory(
  layout: Layout,
  { name, build = "best" }: { readonly name: string; readonly build: Build | undefined },
): Arena {
  const end = layout.pagesPtr + layout.pageCountMax * layout.pageBytes;
  const pages = Math.min(pagesMax, Math.ceil(end / wasmPageBytes / pagesStep) * pagesStep);
  try {
    return { memory: kernelMemory(pages, pages), module: fixedKernelModule(build, pages) };
  } catch {
    // A memory that grows may still be had.
  }
  try {
    const memory = kernelMemory(
      Math.ceil(layout.pagesPtr / wasmPageBytes),
      Math.ceil(end / wasmPageBytes),
    );
    return { memory, module: kernelModule(build) };
  } catch (cause) {
    throw new EngineError({
      code: "no-memory",
      cause,
      message: `Cannot load "${name}" as the system refuses ${layout.pagesPtr} bytes of memory`,
    });
  }
}
