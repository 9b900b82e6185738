/**
 * The packed formats.
 */
import type { Format } from "./format.ts";
import { q4_0 } from "./q4_0.ts";
import { q8_0 } from "./q8_0.ts";

/** Every packed format. */
export const formats: readonly Format[] = [q8_0, q4_0];
