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
 * - sys: which addresses this machine has, as a node that invites others has to tell them one.
 * - no run, no ffi: a node in the foreground needs none.
 */
export const PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  `--allow-env=${ENVIRONMENT_ALLOWED.join(",")}`,
  "--ignore-env",
  "--allow-sys=networkInterfaces",
];

/**
 * What the task `start:iroh` has beyond `start`: native code of the installed packages, which is not held
 * to any permission once it runs. Without it a mesh is reached by TCP alone.
 */
export const IROH_FLAG = "--allow-ffi=node_modules";

/**
 * Flags of `deno compile`, where the program must also do what a task never asks for.
 *
 * - write: anywhere that the user may, as a binary can't name its user's folders.
 * - sys: as above; there is no ffi, as no native library is in the executable.
 * - run: `up --detach` and `restart` start the program itself, readiness runs `systemd-notify`.
 * - env: systemd's two names, and where temporary files go; NO_COLOR, as terminals have it.
 */
export const EXECUTABLE_PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  "--allow-sys=networkInterfaces",
  `--allow-env=${
    [...ENVIRONMENT_ALLOWED, "NOTIFY_SOCKET", "WATCHDOG_USEC", "TMPDIR", "NO_COLOR"].join(",")
  }`,
  "--ignore-env",
];
