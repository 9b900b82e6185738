/**
 * What the command line asked of this node, for `skep restart`. Only settings that a flag named are
 * recorded: what an embedding program hands to `run` is its own, and may hold secrets.
 */
import type { NodeConfig } from "./config_types.ts";
import { isRecord } from "./_settings.ts";
import type { RunOptions } from "./run_options.ts";
import type { StartRecord } from "./runtime_file.ts";

/** The record for runtime.json. */
export function startRecord(config: NodeConfig, options: RunOptions): StartRecord {
  const set: Record<string, unknown> = {};
  for (const path of Object.keys(options.flags ?? {})) {
    const [section = "", key = ""] = path.split(".");
    const values: unknown = Object.hasOwn(config, section) ? config[section] : undefined;
    if (isRecord(values) && Object.hasOwn(values, key)) set[path] = values[key];
  }
  const { configFile } = options;
  return { set, ...(typeof configFile === "string" ? { configFile } : {}) };
}
