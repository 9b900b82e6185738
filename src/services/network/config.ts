/** The section `network`: how the node takes part in a mesh, once it is in one. */
import * as v from "valibot";
import { wholeNumber } from "../../kernel/mod.ts";

const hostPort = v.pipe(
  v.string("it must be host:port or false"),
  v.regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):[0-9]{1,5}$/, "it must be host:port or false"),
  v.check((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "it has no such port"),
);

/** The schema. */
export const networkConfig = v.strictObject({
  tcpListen: v.pipe(
    v.optional(v.union([hostPort, v.literal(false)], "it must be host:port or false"), "0.0.0.0:0"),
    v.description(
      "Where other nodes of the mesh reach this one by TCP; port 0 keeps the one that was free at first; false for no TCP. Nothing listens before the node is in a mesh.",
    ),
  ),
  iroh: v.pipe(
    v.optional(v.boolean("it must be true or false"), true),
    v.description("Whether to be reachable by iroh too, where its native part can be loaded."),
  ),
  advertise: v.pipe(
    v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256)), "it must be a list of texts"),
        v.maxLength(16),
      ),
      [],
    ),
    v.description(
      "Addresses that tickets and peers are told, in place of those that were found: /ip4/203.0.113.7/tcp/4001, or host:port.",
    ),
  ),
  linksMax: v.pipe(
    v.optional(wholeNumber({ from: 2, to: 1024 }), 32),
    v.description(
      "A mesh of up to so many nodes is linked fully; in a larger one each node keeps a few links and makes others when it needs them.",
    ),
  ),
  probeMs: v.pipe(
    v.optional(wholeNumber({ from: 50, to: 60_000 }), 1_000),
    v.description("How often a peer is asked whether it is still there."),
  ),
});

/** The section, checked. */
export type NetworkConfig = v.InferOutput<typeof networkConfig>;
