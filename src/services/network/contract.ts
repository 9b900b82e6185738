/** What the service "network" promises: its methods, their parameters and their answers. */
import * as v from "valibot";
import { callContract, streamContract } from "../../kernel/mod.ts";
import { capabilitiesPatchSchema, capabilitiesSchema, logHeadsSchema } from "../../mesh/mod.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const noParams = v.optional(v.strictObject({}), {});

const key = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/),
  v.description("A node's Ed25519 public key: 64 hex digits."),
);
const alias = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));
const trust = v.pipe(
  v.picklist(["own", "member"]),
  v.description("own: it may read prompts; member: it may compute middle layers."),
);
const addresses = v.pipe(v.array(v.pipe(v.string(), v.maxLength(256))), v.maxLength(16));
const who = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(80),
  v.description(
    "A node by its key, its id, the beginning of either (8 digits or more), or its alias.",
  ),
);

/** A peer, as this node sees it. */
const peer = v.object({
  key,
  hid: v.pipe(v.string(), v.description('Its id: "skep_" and 64 hex digits.')),
  alias: v.optional(alias),
  trust,
  state: v.pipe(
    v.picklist(["linked", "alive", "suspect", "gone"]),
    v.description(
      "linked: a verified link leads to it, and only then may it be chosen for work; alive: others reach it; suspect: nobody has lately; gone: it is not there.",
    ),
  ),
  sinceMs: v.pipe(v.number(), v.description("When it entered its state, Unix milliseconds.")),
  transport: v.optional(v.picklist(["tcp", "iroh", "memory"])),
  address: v.optional(v.string()),
  direction: v.optional(v.picklist(["inbound", "outbound"])),
  roundTripMs: v.optional(v.number()),
  addresses: v.pipe(addresses, v.description("Where it can be dialled, as it says.")),
  capabilities: v.pipe(
    v.nullable(capabilitiesSchema),
    v.description("What it says of itself; null before it has."),
  ),
});

/** A peer, as this node sees it; plain data. */
export type PeerView = v.InferOutput<typeof peer>;

const peerList = v.object({
  self: v.object({
    key,
    hid: v.string(),
    trust: v.pipe(v.optional(trust), v.description("Absent when the node is in no mesh.")),
    capabilities: capabilitiesSchema,
  }),
  peers: v.pipe(v.array(peer), v.readonly()),
});

/** The answer of `peers.list`, and what bus topic "mesh.peers" says whenever it changes. */
export type PeerList = v.InferOutput<typeof peerList>;

const missing = v.pipe(
  v.array(v.string()),
  v.description("A sentence for each transport that could not be had."),
);

const meshStatus = v.object({
  state: v.pipe(
    v.picklist(["none", "issuer", "member", "removed"]),
    v.description("none: it is in no mesh, and nothing listens; removed: the mesh has put it out."),
  ),
  mesh: v.pipe(v.nullable(key), v.description("The key of the mesh's issuer.")),
  key,
  hid: v.string(),
  rosterVersion: count,
  memberCount: count,
  addresses: v.pipe(v.array(v.string()), v.description("Where this node can be dialled.")),
  missing,
  openInvitations: count,
  refusals: v.pipe(
    v.record(v.string(), count),
    v.description("What was refused since the start, by name."),
  ),
});

/** The answer of `mesh.status`. */
export type MeshStatus = v.InferOutput<typeof meshStatus>;

const invitation = v.object({
  ticket: v.pipe(
    v.string(),
    v.description("The text to hand over; whoever has it may join, once."),
  ),
  expiresAtMs: v.number(),
  trust,
  addresses: v.array(v.string()),
  missing,
});

/** The answer of `mesh.invite`. */
export type Invited = v.InferOutput<typeof invitation>;

const meshEvent = v.object({
  atMs: v.pipe(v.number(), v.description("Unix milliseconds.")),
  kind: v.pipe(
    v.picklist([
      "listening",
      "linked",
      "closed",
      "suspect",
      "gone",
      "alive",
      "refused",
      "joined",
      "removed",
      "roster",
      "invited",
      "route",
      "stage-lost",
      "stage-replaced",
      "replayed",
      "bad-frame",
      "log-fork",
      "log-shrink",
      "log-unproved",
      "log-behind",
    ]),
    v.description(
      "What happened: to links and members; from route on, to this node's pipelines; from log-fork on, to journals.",
    ),
  ),
  key: v.optional(key),
  alias: v.optional(alias),
  detail: v.pipe(v.optional(v.string()), v.description("One sentence or name.")),
});

/** What happens in the mesh; on bus topic "mesh.events", with replay. */
export type NetworkEvent = v.InferOutput<typeof meshEvent>;

/** Bus topic with a `PeerList` whenever it changes; subscribe with `replay: 1` for the latest. */
export const peersTopic = "mesh.peers";

/** Bus topic with a `NetworkEvent` for everything that happens. */
export const eventsTopic = "mesh.events";

/** The contract. */
export const networkContract = {
  "mesh.status": callContract({
    summary: "Tells which mesh the node is in, where it listens, and what it has refused.",
    params: noParams,
    result: meshStatus,
  }),
  "mesh.invite": callContract({
    summary:
      "Makes a ticket with which one other node can join; founds a mesh where there is none.",
    params: v.optional(
      v.strictObject({
        trust: v.optional(trust, "member"),
        expiresMs: v.pipe(
          v.optional(
            v.pipe(count, v.minValue(1_000), v.maxValue(30 * 86_400_000)),
            3_600_000,
          ),
          v.description("How long it can be used, in milliseconds."),
        ),
      }),
      {},
    ),
    result: invitation,
  }),
  "mesh.join": callContract({
    summary: "Joins the mesh of a ticket.",
    params: v.strictObject({
      ticket: v.pipe(v.string(), v.maxLength(4096)),
      leave: v.pipe(
        v.optional(v.boolean(), false),
        v.description("Whether to leave the mesh that the node is in."),
      ),
    }),
    result: v.object({ mesh: key, trust, memberCount: count }),
  }),
  "mesh.leave": callContract({
    summary: "Leaves the mesh: links are closed, nothing listens any more.",
    params: noParams,
    result: v.object({ left: v.boolean() }),
  }),
  "mesh.events": streamContract({
    summary: "Streams what happens in the mesh, the last events first.",
    params: v.optional(
      v.strictObject({ replay: v.optional(v.pipe(count, v.maxValue(64)), 16) }),
      {},
    ),
    result: meshEvent,
  }),
  "peers.list": callContract({
    summary: "Lists the mesh's other nodes: those that are there, or all.",
    params: v.optional(
      v.strictObject({
        all: v.pipe(
          v.optional(v.boolean(), false),
          v.description("Also those that are gone."),
        ),
      }),
      {},
    ),
    result: peerList,
  }),
  "peers.connect": callContract({
    summary: "Sees to it that a verified link leads to a peer.",
    params: v.strictObject({ key: who }),
    result: v.object({ key, transport: v.string() }),
    errors: ["notFound", "unavailable"],
  }),
  "peers.add": callContract({
    summary: "Adds a node to the roster, or addresses and an alias to a known one.",
    params: v.strictObject({
      key: who,
      addresses: v.optional(addresses, []),
      alias: v.optional(alias),
      trust: v.optional(trust),
    }),
    result: v.object({ key, trust, rosterVersion: count }),
  }),
  "peers.remove": callContract({
    summary: "Removes a node from the roster and closes its links, everywhere.",
    params: v.strictObject({ key: who }),
    result: v.object({ key, rosterVersion: count }),
    errors: ["notFound"],
  }),
  "peers.trust": callContract({
    summary: "Says how far a node is trusted.",
    params: v.strictObject({ key: who, trust }),
    result: v.object({ key, trust, rosterVersion: count }),
    errors: ["notFound"],
  }),
  "log.heads": callContract({
    summary: "Lists how far the journals of the mesh's other nodes have come, and what is wrong.",
    params: noParams,
    result: v.object({ peers: logHeadsSchema }),
  }),
  "log.accept": callContract({
    summary: "Takes a peer's journal as good from its last head on, after a fork or a shrink.",
    params: v.strictObject({ key: who }),
    result: v.object({ key, size: count }),
    errors: ["notFound"],
  }),
  "capabilities.set": callContract({
    summary: "Says what a service of this node adds to what the node tells the mesh of itself.",
    params: v.strictObject({
      source: v.pipe(
        v.string(),
        v.regex(/^[a-z][a-z0-9-]{0,31}$/),
        v.description("The service; what it said before is replaced."),
      ),
      capabilities: capabilitiesPatchSchema,
    }),
    result: v.object({ changed: v.boolean() }),
  }),
};
