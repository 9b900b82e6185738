/** Gauges of the mesh: how many peers there are, and what the links have carried. */
import type { Host } from "../../kernel/mod.ts";
import type { MeshMember } from "./mesh_member.ts";

/** How often the gauges are set, in milliseconds. */
const metricsMs = 5_000;

/** Sets the gauges now and then, until the host's signal aborts. */
export function exposePeers(
  host: Pick<Host, "metrics" | "mesh" | "clock" | "signal">,
  member: Pick<MeshMember, "membership" | "session">,
): void {
  const peers = host.metrics.gauge({
    name: "mesh_peers",
    help: "Members of the mesh by what this node thinks of them.",
    labels: ["state"],
  });
  const bytes = host.metrics.gauge({
    name: "mesh_traffic_bytes",
    help: "Bytes that streams of the mesh have carried.",
    labels: ["direction"],
  });
  const known: Record<string, number> = {};
  const update = (): void => {
    if (host.signal.aborted) return;
    for (const [state, count] of Object.entries(countPeers(member))) {
      if (known[state] === count) continue;
      known[state] = count;
      peers.set(count, { state });
    }
    const { sentBytes, receivedBytes } = host.mesh.counters();
    bytes.set(sentBytes, { direction: "sent" });
    bytes.set(receivedBytes, { direction: "received" });
    host.clock.after(metricsMs, update);
  };
  update();
}

/** A member of whom nothing was ever heard counts as gone. */
function countPeers(
  { membership, session }: Pick<MeshMember, "membership" | "session">,
): Record<"linked" | "alive" | "suspect" | "gone", number> {
  const { linked, alive, suspect } = session?.registry.counts() ??
    { linked: 0, alive: 0, suspect: 0 };
  const others = Math.max(0, membership.keys.size - 1);
  return { linked, alive, suspect, gone: Math.max(0, others - linked - alive - suspect) };
}
