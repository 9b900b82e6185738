/**
 * The start-up probe, as others see it.
 */
export { probeMode } from "./_module.ts";
export type { ProbeMode } from "./_kinds.ts";
