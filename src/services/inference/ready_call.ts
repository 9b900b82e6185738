/** Calls of services that may be starting beside this one. */
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { MeshStatus } from "../network/mod.ts";

/** How long a service that starts beside this one is waited for, and how often it is asked. */
const readyWaitMs = 10_000;
const readyRetryMs = 20;

/** What the node is in its mesh; undefined without the network service. */
export async function meshStateOf(host: Host): Promise<MeshStatus["state"] | undefined> {
  const call = { service: "network", method: "mesh.status", params: {} };
  // The service answers with what its contract says.
  const status = await callReady(host, call).catch(() => undefined) as MeshStatus | undefined;
  return status?.state;
}

/** Calls a service that may be starting beside this one. @throws {RpcError} */
export async function callReady(
  { call, clock, signal }: Host,
  { service, method, params }: {
    readonly service: string;
    readonly method: string;
    readonly params: unknown;
  },
): Promise<unknown> {
  for (let waitedMs = 0;; waitedMs += readyRetryMs) {
    try {
      return await call(service, method, params, signal);
    } catch (thrown) {
      const isStarting = thrown instanceof RpcError && thrown.kind === "unavailable";
      if (!isStarting || waitedMs >= readyWaitMs) throw thrown;
      await clock.sleep(readyRetryMs, signal);
    }
  }
}
