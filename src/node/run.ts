/**
 * The one way to boot a node. The executable, the library, the tests and the simulator call this
 * function; nobody else puts a node together. What it does in which order is in `_boot.ts`.
 */
import type { NodeConfig } from "./config_types.ts";
import { refuseThisPlatform } from "./_platform_check.ts";
import { checkRunOptions } from "./run_options.ts";
import type { RunOptions } from "./run_options.ts";
import type { RunningNode } from "./running_node.ts";

/**
 * Boots a node and resolves when it is ready.
 *
 * Configuration comes from defaults, skep.toml, `SKEP_*` and `config`, the later winning. Every step
 * that fails undoes those before it. A first `signal` (or `stop()`) drains; `stop({ force: true })`
 * cuts that short.
 *
 * @param config what differs from the configuration files; the same shape as skep.toml
 * @throws {NodeError} with a code and one sentence, when the node can't start
 * @throws {TypeError} when an override is not one, or asks for what this release does not have
 * @throws the signal's reason when it aborts before the node is ready
 *
 * @example
 * ```ts
 * await using node = await run({ api: { listen: "127.0.0.1:0" } }, { home: "/tmp/my-node" });
 * console.log(node.addresses.api);
 * ```
 */
export async function run(config: NodeConfig = {}, options: RunOptions = {}): Promise<RunningNode> {
  checkRunOptions(options);
  options.signal?.throwIfAborted();
  refuseThisPlatform();
  const { boot } = await import("./_boot.ts");
  return await boot(config, options);
}
