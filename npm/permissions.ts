/**
 * The Deno permissions that Skep's executable has, and why it needs each.
 *
 * `deno task start` and the documents name the same ones; `test/e2e/permissions_test.ts` holds them
 * together and boots a node with them.
 */

/** Environment names that are read; others are seen as unset. */
export const ENVIRONMENT_ALLOWED: readonly string[] = ["SKEP_*", "XDG_*", "HOME"];

/**
 * Flags of `deno run` and `deno compile`, save for the folders that are written.
 *
 * - net: the API's loopback listener, the sockets of services.
 * - read: `--model FILE` may name any file; everything else is read below the node's own folders.
 * - env: as listed. Libraries that look for others, say for colours, see them unset.
 * - no run, no ffi, no sys: a node in the foreground needs none.
 */
export const PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  `--allow-env=${ENVIRONMENT_ALLOWED.join(",")}`,
  "--ignore-env",
];

/**
 * Flags of `deno compile`, where the program must also do what a task never asks for.
 *
 * - write: anywhere that the user may, as a binary can't name its user's folders.
 * - run: `up --detach` and `restart` start the program itself, readiness runs `systemd-notify`.
 * - env: systemd's two names, and where temporary files go; NO_COLOR, as terminals have it.
 */
export const EXECUTABLE_PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  `--allow-env=${
    [...ENVIRONMENT_ALLOWED, "NOTIFY_SOCKET", "WATCHDOG_USEC", "TMPDIR", "NO_COLOR"].join(",")
  }`,
  "--ignore-env",
];
