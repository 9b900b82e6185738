/** Gauges of the mesh: peers by state, and bytes of streams. */
import type { Host } from "../../kernel/mod.ts";
import type { MeshMember } from "./mesh_member.ts";

/** How often the gauges are set. */
const metricsMs = 5_000;

/** Sets the gauges now, and every few seconds until the service ends. */
export function exposePeers(
  { host, member }: { readonly host: Host; readonly member: MeshMember },
): void {
  const gauge = host.metrics.gauge({
    name: "mesh_peers",
    help: "Members of the mesh by what this node thinks of them.",
    labels: ["state"],
  });
  const bytes = host.metrics.gauge({
    name: "mesh_traffic_bytes",
    help: "Bytes that streams of the mesh have carried.",
    labels: ["direction"],
  });
  const update = (): void => {
    if (host.signal.aborted) return;
    const counts = { linked: 0, alive: 0, suspect: 0, gone: 0 };
    const registry = member.session?.registry;
    for (const key of member.membership.keys) {
      if (key === host.identity.key) continue;
      counts[
        registry?.linkOf(key) !== undefined ? "linked" : registry?.stateOf(key)?.state ?? "gone"
      ] += 1;
    }
    for (const [state, count] of Object.entries(counts)) gauge.set(count, { state });
    const { sentBytes, receivedBytes } = host.mesh.counters();
    bytes.set(sentBytes, { direction: "sent" });
    bytes.set(receivedBytes, { direction: "received" });
    host.clock.after(metricsMs, update);
  };
  update();
}
