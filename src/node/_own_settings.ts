/** The node's own sections of a checked configuration, with their types. */
import { parse, strictObject } from "valibot";
import type { InferOutput } from "valibot";
import { journalConfig, logConfig, nodeConfig } from "./config_schema.ts";

const ownSchema = strictObject({ log: logConfig, node: nodeConfig, journal: journalConfig });

/** What the node itself is configured by. */
export type OwnSettings = InferOutput<typeof ownSchema>;

/** Picks them out of values that the whole schema has accepted. */
export function ownSettings(values: Readonly<Record<string, unknown>>): OwnSettings {
  const { log, node, journal } = values;
  return parse(ownSchema, { log, node, journal });
}
