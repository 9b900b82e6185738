/**
 * The whole of skep.toml: the node's own sections, and one for each service, checked strictly. The
 * node's own settings are here; a service's are its own business.
 */
import * as v from "valibot";
import { wholeNumber } from "../kernel/mod.ts";
import type { Service } from "../kernel/mod.ts";

/** `log`: what is written about the node's life. */
export const logConfig = v.strictObject({
  level: v.pipe(
    v.optional(
      v.picklist(
        ["debug", "info", "warn", "error", "off"],
        "it must be debug, info, warn, error or off",
      ),
      "info",
    ),
    v.description("Log lines below this level are dropped."),
  ),
  form: v.pipe(
    v.optional(
      v.picklist(["auto", "text", "json"], "it must be auto, text or json"),
      "auto",
    ),
    v.description("The form of log lines; auto is text on a terminal and JSON elsewhere."),
  ),
});

/**
 * Names of services that can run in a worker thread, as `movableServices()` has them; written down
 * so that a configuration is checked without loading the services.
 */
export const movableNames = ["inference", "api", "models"] as const;

/** `node`: where services run, and the limits of starting and stopping. */
export const nodeConfig = v.strictObject({
  startMsMax: v.pipe(
    v.optional(milliseconds(), 600_000),
    v.description("How long a service may take to get ready; loading a large model takes a while."),
  ),
  drainMsMax: v.pipe(
    v.optional(milliseconds(), 30_000),
    v.description("How long all services together may take to stop."),
  ),
  workers: v.pipe(
    v.optional(v.array(v.picklist(movableNames, refusedWorker), "it must be a list of names"), []),
    v.description("Services that run in a worker thread of their own: inference, api, models."),
  ),
});

/** `journal`: how durable an append is, and what is kept of the past. */
export const journalConfig = v.strictObject({
  fsync: v.pipe(
    v.optional(
      v.picklist(["always", "interval", "never"], "it must be always, interval or never"),
      "always",
    ),
    v.description(
      "always: an append returns once it survives a power cut; interval: it is synced a little later; never: at a change of day and at the end.",
    ),
  ),
  intervalMs: v.pipe(
    v.optional(milliseconds(), 1_000),
    v.description('How much later, when fsync is "interval".'),
  ),
  snapshotEvents: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 1_000_000 }), 1_000),
    v.description("A signed snapshot is written after so many events ..."),
  ),
  snapshotSeconds: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 86_400 }), 600),
    v.description("... or so many seconds after the first event that none covers."),
  ),
  retention: v.pipe(
    v.optional(
      v.picklist(["archive", "rolling", "light"], "it must be archive, rolling or light"),
      "rolling",
    ),
    v.description(
      "archive: nothing is removed; rolling: day files older than retentionDays are; light: all but the newest are. A file is removed only where the next one begins with a signed snapshot.",
    ),
  ),
  retentionDays: v.pipe(
    v.optional(wholeNumber({ from: 1, to: 36_500 }), 30),
    v.description('Days of the log that are kept, when retention is "rolling".'),
  ),
});

/** The schema of a node with these services. */
export function configSchema(services: readonly Service[]): v.GenericSchema {
  const sections: Record<string, v.GenericSchema> = {
    log: v.optional(logConfig, {}),
    node: v.optional(nodeConfig, {}),
    journal: v.optional(journalConfig, {}),
  };
  for (const service of services) {
    if (Object.hasOwn(sections, service.name)) {
      throw new TypeError(
        `Cannot run two services with one name: current value is "${service.name}"`,
      );
    }
    sections[service.name] = v.optional(service.config, {});
  }
  return v.strictObject(sections);
}

function refusedWorker({ input }: { readonly input: unknown }): string {
  const names = movableNames.join(", ");
  return `it must be a service that can run in a worker (${names}): current value is ` +
    JSON.stringify(input);
}

function milliseconds(): v.GenericSchema<number> {
  return wholeNumber({ from: 1, to: 86_400_000, unit: "milliseconds" });
}
