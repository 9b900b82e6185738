/** What an executor over WebAssembly is made of. */
import type { ModelShape } from "../model/mod.ts";
import type { Layout } from "./_layout.ts";
import type { Kernels } from "./_module.ts";
import type { ProgramHome } from "./_program.ts";
import type { Threads } from "./_threads.ts";
import type { LayerRange } from "./face.ts";
import type { KeyValueType } from "./numeric_class.ts";

/** What an executor is made of. */
export interface ExecutorParts {
  readonly shape: ModelShape;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  /** The host's own instance. */
  readonly kernels: Kernels;
  readonly threads: Threads;
  /** Where the tables have been written. */
  readonly program: ProgramHome;
  readonly keyValueType: KeyValueType;
  /** The BLAKE3 root of the model's file, for the links of the prefix cache. */
  readonly root?: string | undefined;
}
