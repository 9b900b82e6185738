/** The ports of a node: what the caller gave, and the system's for the rest. */
import { realClock, realDisk, realNetwork, realRandom } from "../ports/mod.ts";
import type { Clock, Disk, Network, Random } from "../ports/mod.ts";
import { processEnvironment } from "./environment.ts";
import type { Environment } from "./paths.ts";
import type { RunOptions } from "./run_options.ts";

/** Everything through which a node touches the world. */
export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly environment: Environment;
}

/** The ports for these options. */
export function portsOf(options: RunOptions): NodePorts {
  return {
    clock: options.clock ?? realClock(),
    random: options.random ?? realRandom(),
    disk: options.disk ?? realDisk(),
    network: options.network ?? realNetwork(),
    environment: options.environment ?? processEnvironment,
  };
}
