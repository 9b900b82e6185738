/**
 * Why a run of a service failed when the service itself did not say so.
 */
import { KernelError } from "./kernel_error.ts";
import type { SupervisorLimits } from "./supervisor.ts";

/** The failure of a run that was neither ready nor failed in its time. */
export function startedTooLate(
  service: string,
  { startTimeoutMs }: SupervisorLimits,
): KernelError {
  const message = `Cannot start service "${service}" as it was neither ready nor failed ` +
    `within ${startTimeoutMs} ms`;
  return new KernelError({ code: "start-timeout", message, service });
}

/** The failure of a run that returned though nobody had asked it to. */
export function endedUnasked(service: string): KernelError {
  const message = `Cannot keep service "${service}" running as it ended without being asked to`;
  return new KernelError({ code: "returned", message, service });
}
