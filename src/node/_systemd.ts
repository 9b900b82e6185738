/**
 * Readiness and watchdog for systemd (sd_notify(3)): the messages are sent by systemd-notify(1),
 * because neither runtime has datagram sockets of the Unix kind. Nothing happens where systemd does
 * not ask for it.
 */
import { runCommand } from "../platform/mod.ts";
import type { Log } from "../kernel/mod.ts";
import type { Clock } from "../ports/mod.ts";
import type { Environment } from "./paths.ts";

/** What the notifier needs. */
export interface SystemdOptions {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked before each ping; a false or late answer sends none, so that systemd restarts the node. */
  readonly isHealthy: () => boolean;
  /** Sends one message. @default systemd-notify */
  readonly send?: (message: string) => Promise<void>;
}

/** A running notifier. */
export interface SystemdNotifier {
  /** Tells systemd that the node stops, and ends the pings; further calls wait for the first. */
  stop(): Promise<void>;
}

/** Says READY=1, and WATCHDOG=1 at half of WATCHDOG_USEC from then on. */
export async function startSystemdNotifier(options: SystemdOptions): Promise<SystemdNotifier> {
  const { environment } = options;
  if (environment("NOTIFY_SOCKET") === undefined) return { stop: () => Promise.resolve() };
  await notify(options, "READY=1");
  const watchdogUs = Number(environment("WATCHDOG_USEC") ?? "0");
  const endPings = watchdogUs > 0 ? startPings(options, watchdogUs / 2000) : (): void => {};
  let said: Promise<void> | undefined;
  function stop(): Promise<void> {
    endPings();
    said ??= notify(options, "STOPPING=1");
    return said;
  }
  return { stop };
}

function startPings(options: SystemdOptions, periodMs: number): () => void {
  let timer = options.clock.after(periodMs, ping);
  function ping(): void {
    timer = options.clock.after(periodMs, ping);
    if (options.isHealthy()) notify(options, "WATCHDOG=1");
    else options.log.error("No watchdog ping is sent as a critical service is not running");
  }
  return () => timer.cancel();
}

/** A message that can't be sent is logged once a time; the node goes on. */
async function notify(options: SystemdOptions, message: string): Promise<void> {
  try {
    await (options.send ?? sendBySystemdNotify)(message);
  } catch (error) {
    options.log.warn("Cannot notify systemd", { message, error });
  }
}

async function sendBySystemdNotify(message: string): Promise<void> {
  const { code } = await runCommand({ program: "systemd-notify", args: [message] });
  if (code === 0) return;
  throw new TypeError(`Cannot notify systemd as systemd-notify must end with 0: it was ${code}`);
}
