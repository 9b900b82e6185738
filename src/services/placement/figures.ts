/** Figures out of the node's metrics, summed over their labels. */

/**
 * Sums of metrics in Prometheus' text format (version 0.0.4), by name without the prefix.
 *
 * @param names which; one that has no sample is left out
 */
export function figuresOf(text: string, names: ReadonlySet<string>): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [, name = "", value = ""] = /^skep_([a-z0-9_]+)(?:\{.*\})? (\S+)/.exec(line) ?? [];
    if (!names.has(name)) continue;
    const sum = (figures[name] ?? 0) + Number(value);
    if (Number.isFinite(sum)) figures[name] = sum;
  }
  return figures;
}

/** What an overview tells. */
export const overviewFigures: ReadonlySet<string> = new Set([
  "inference_completion_tokens_total",
  "inference_prompt_tokens_total",
  "inference_slots",
  "inference_slots_active",
  "inference_queue_depth",
  "inference_kv_pages",
  "inference_kv_pages_used",
  "stage_sessions_open",
  "stage_rows_total",
  "stage_lost_total",
  "stage_refused_total",
  "stage_replayed_positions_total",
  "stage_replayed_bytes",
  "mesh_traffic_bytes",
]);
