/**
 * Ports that somebody else has: told by the setting that names them, and before a model is loaded for
 * minutes. Nothing is bound here, so that nobody reaches a node that is not ready; whoever takes the
 * port meanwhile is told of by the service that needs it.
 */
import { NetworkError } from "../ports/mod.ts";
import type { Clock, Network } from "../ports/mod.ts";
import { parseListenAddress } from "../services/api/mod.ts";
import type { ListenAddress } from "../services/api/mod.ts";
import type { Configuration, ConfiguredSetting } from "./configuration.ts";
import { NodeError } from "./node_error.ts";

/** Settings of addresses that are bound, and the flag that sets each. */
const bound: ReadonlyMap<string, string> = new Map([
  ["api.listen", "--listen HOST:PORT"],
  ["api.metricsListen", "--set api.metricsListen=HOST:PORT"],
]);

/** How long an address may take to say whether somebody is there. */
const dialMsMax = 1_000;

/** What is looked at. */
export interface PortCheck {
  readonly configuration: Configuration;
  readonly ports: { readonly network: Network; readonly clock: Clock };
}

/** @throws {NodeError} "port-taken" when somebody listens where this node is to */
export async function refuseTakenPorts({ configuration, ports }: PortCheck): Promise<void> {
  for (const setting of boundSettings(configuration)) {
    if (await answers(ports, addressOf(setting))) throw portTaken(setting);
  }
}

/** What a service has thrown, as the setting that is to be changed. */
export function takenPortOr(thrown: unknown, { configuration }: PortCheck): unknown {
  let cause = thrown;
  while (cause instanceof Error && !(cause instanceof NetworkError)) cause = cause.cause;
  if (!(cause instanceof NetworkError) || cause.code !== "in-use") return thrown;
  const { message } = cause;
  const taken = boundSettings(configuration).find((setting) => {
    const { host, port } = addressOf(setting);
    return message.includes(`"${host}:${port}"`);
  });
  return taken === undefined ? thrown : portTaken(taken, thrown);
}

function boundSettings({ settings }: Configuration): readonly ConfiguredSetting[] {
  return settings.filter(({ path, value }) =>
    bound.has(path) && typeof value === "string" && parseListenAddress(value).port !== 0
  );
}

function addressOf({ value }: ConfiguredSetting): ListenAddress {
  return parseListenAddress(String(value));
}

async function answers(
  { network, clock }: PortCheck["ports"],
  address: ListenAddress,
): Promise<boolean> {
  const limit = new AbortController();
  const timer = clock.after(dialMsMax, () => limit.abort());
  try {
    (await network.dial(address, limit.signal)).destroy();
    return true;
  } catch {
    return false;
  } finally {
    timer.cancel();
  }
}

function portTaken({ path, value, from }: ConfiguredSetting, cause?: unknown): NodeError {
  const by = from === "default" ? "the default" : `set by ${from}`;
  const message = `Cannot listen at ${value} (${path}, ${by}) as the port is in use: ` +
    `end the program that has it, or choose another port by ${bound.get(path)} ` +
    `or ${path} in skep.toml; port 0 picks a free one`;
  return new NodeError({ code: "port-taken", message, cause });
}
