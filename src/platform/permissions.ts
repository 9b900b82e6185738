/**
 * The Deno permissions that a node in the foreground has, and why it needs each.
 *
 * There is one list: `deno task start`, the executable (`npm/permissions.ts`), and what this program
 * starts by itself, in the background or under systemd (`self_command.ts`), are all held to it.
 */

/** Environment names that are read; others are seen as unset. */
export const ENVIRONMENT_ALLOWED: readonly string[] = ["SKEP_*", "XDG_*", "HOME"];

/**
 * What the system is asked: which addresses this machine has, as a node that invites others has to tell
 * them one; and how much memory is free, of which depends what a node can take on.
 */
export const SYSTEM_FLAG = "--allow-sys=networkInterfaces,systemMemoryInfo";

/**
 * Flags of `deno run`, save for the folders that are written.
 *
 * - net: the API's loopback listener, the sockets of services.
 * - read: `--model FILE` may name any file; everything else is read below the node's own folders.
 * - env: as listed. Libraries that look for others, say for colours, see them unset.
 * - no run, no ffi: a node in the foreground needs none.
 */
export const PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  `--allow-env=${ENVIRONMENT_ALLOWED.join(",")}`,
  "--ignore-env",
  SYSTEM_FLAG,
];
