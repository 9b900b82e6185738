/** The types of a node's configuration, for programs that embed one. */
import type { InferInput } from "valibot";
import type { apiConfig } from "../services/api/mod.ts";
import type { inferenceConfig } from "../services/inference/mod.ts";
import type { networkConfig } from "../services/network/mod.ts";
import type { journalConfig, logConfig, nodeConfig } from "./config_schema.ts";

/** What may be configured, every part optional; the same shape as skep.toml. */
export interface NodeConfig {
  /** What is written about the node's life. */
  readonly log?: InferInput<typeof logConfig>;
  /** The limits of starting and stopping. */
  readonly node?: InferInput<typeof nodeConfig>;
  /** How durable the journal is. */
  readonly journal?: InferInput<typeof journalConfig>;
  /** The node's part in a mesh. */
  readonly network?: InferInput<typeof networkConfig>;
  /** The model. */
  readonly inference?: InferInput<typeof inferenceConfig>;
  /** The HTTP API. */
  readonly api?: InferInput<typeof apiConfig>;
  /** Sections of services that `run` was given beside the node's own. */
  readonly [service: string]: unknown;
}
