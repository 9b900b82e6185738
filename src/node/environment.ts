/** The process's environment, as configuration sees it. */
import { env } from "../platform/mod.ts";

/** Looks a name up: unset, empty, and names that Deno's permissions hide are the same. */
export function processEnvironment(name: string): string | undefined {
  try {
    const value = env(name);
    return value === "" ? undefined : value;
  } catch {
    return undefined;
  }
}
