/**
 * The versions that this source has: its own and the worker wire's. The one place in the sources; a
 * test holds it against deno.json, so that the npm package and the executables need no manifest.
 */

/** This release, as in deno.json. */
export const version = "0.1.0";

/** The version of the worker wire (thrum) that this release is written for. */
export const thrumVersion = "0.7.0";

/** What `skep version` prints. */
export const versionLine: string = `skep ${version} (thrum ${thrumVersion})`;
