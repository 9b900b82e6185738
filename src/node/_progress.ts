/**
 * Hands the loading progress of models, and what is waited for, which services publish on the bus, to
 * the caller of `run`.
 */
import type { Bus } from "../kernel/mod.ts";
import { loadTopic, waitTopic } from "../services/inference/mod.ts";
import { isRecord } from "./_settings.ts";
import type { BootProgress } from "./run_options.ts";

/** Follows until the returned function is called. */
export function followProgress(
  bus: Bus,
  onProgress: ((progress: BootProgress) => void) | undefined,
): () => void {
  if (onProgress === undefined) return () => {};
  const controller = new AbortController();
  const to = { onProgress, signal: controller.signal };
  follow(bus, to);
  followWaiting(bus, to);
  return () => controller.abort();
}

interface Listener {
  readonly onProgress: (progress: BootProgress) => void;
  readonly signal: AbortSignal;
}

async function follow(bus: Bus, to: Listener): Promise<void> {
  for await (const { payload } of bus.subscribe(loadTopic, { signal: to.signal })) {
    if (!isRecord(payload)) continue;
    const { name, loadedBytes, totalBytes } = payload;
    if (typeof loadedBytes !== "number" || typeof totalBytes !== "number") continue;
    to.onProgress({ what: String(name), loadedBytes, totalBytes });
  }
}

async function followWaiting(bus: Bus, to: Listener): Promise<void> {
  for await (const { payload } of bus.subscribe(waitTopic, { signal: to.signal })) {
    if (!isRecord(payload)) continue;
    const { name, sentence } = payload;
    if (typeof sentence !== "string") continue;
    to.onProgress({ what: String(name), loadedBytes: 0, totalBytes: 0, waiting: sentence });
  }
}
