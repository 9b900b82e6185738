/** What the service "control" promises: its methods, their parameters and their answers. */
import * as v from "valibot";
import { callContract } from "../../kernel/mod.ts";
import { journalStatus } from "../journal/mod.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const noParams = v.optional(v.strictObject({}), {});

const directories = v.object({
  config: v.string(),
  state: v.string(),
  data: v.string(),
  models: v.string(),
  sockets: v.string(),
});

const service = v.object({
  name: v.string(),
  state: v.string(),
  critical: v.boolean(),
  restarts: v.pipe(count, v.description("Starts after a failure, since the node started.")),
  sinceMs: v.pipe(v.number(), v.description("When it entered its state, Unix milliseconds.")),
  lastError: v.optional(v.string()),
});

/** What a node says about itself. */
const status = v.object({
  version: v.string(),
  thrumVersion: v.string(),
  pid: count,
  hid: v.pipe(v.string(), v.description('The node\'s id: "skep_" and 64 hex digits.')),
  startedAtMs: v.number(),
  uptimeMs: v.number(),
  addresses: v.pipe(
    v.record(v.string(), v.string()),
    v.description('Where it can be reached: "api" is a URL, "control" a path.'),
  ),
  directories,
  services: v.pipe(v.array(service), v.readonly()),
});

const settings = v.pipe(
  v.array(v.object({
    path: v.string(),
    value: v.pipe(v.optional(v.unknown()), v.description("Absent when nothing was set.")),
    from: v.string(),
    environmentName: v.string(),
  })),
  v.readonly(),
);

/** The contract. */
export const controlContract = {
  "node.status": callContract({
    summary: "Tells the node's version, id, addresses, folders and services.",
    params: noParams,
    result: status,
  }),
  "node.stop": callContract({
    summary: "Stops the node: it drains, then ends; `force` cuts the draining short.",
    params: v.optional(v.strictObject({ force: v.optional(v.boolean(), false) }), {}),
    result: v.object({ stopping: v.boolean() }),
  }),
  "journal.status": callContract({
    summary: "Tells how far the journal has come.",
    params: noParams,
    result: journalStatus,
  }),
  "config.show": callContract({
    summary: "Lists every setting with its value and the place it came from.",
    params: noParams,
    result: settings,
  }),
};

/** What `node.status` answers. */
export type ControlStatus = v.InferOutput<typeof status>;

/** What `config.show` answers. */
export type ControlSettings = v.InferOutput<typeof settings>;
