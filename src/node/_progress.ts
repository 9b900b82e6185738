/** Hands the loading progress of models, which services publish on the bus, to the caller of `run`. */
import type { Bus } from "../kernel/mod.ts";
import { loadTopic } from "../services/inference/mod.ts";
import { isRecord } from "./_settings.ts";
import type { BootProgress } from "./run_options.ts";

/** Follows until the returned function is called. */
export function followProgress(
  bus: Bus,
  onProgress: ((progress: BootProgress) => void) | undefined,
): () => void {
  if (onProgress === undefined) return () => {};
  const controller = new AbortController();
  follow(bus, { onProgress, signal: controller.signal });
  return () => controller.abort();
}

async function follow(
  bus: Bus,
  to: { readonly onProgress: (progress: BootProgress) => void; readonly signal: AbortSignal },
): Promise<void> {
  for await (const { payload } of bus.subscribe(loadTopic, { signal: to.signal })) {
    if (!isRecord(payload)) continue;
    const { name, loadedBytes, totalBytes } = payload;
    if (typeof loadedBytes !== "number" || typeof totalBytes !== "number") continue;
    to.onProgress({ what: String(name), loadedBytes, totalBytes });
  }
}
