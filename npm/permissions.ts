/**
 * The Deno permissions of the tasks and of the executable; those of a node in the foreground, with
 * their reasons, are in `src/platform/permissions.ts`.
 *
 * `deno task start` and the documents name the same ones; `test/e2e/permissions_test.ts` holds them
 * together and boots a node with them.
 */
import { ENVIRONMENT_ALLOWED, SYSTEM_FLAG } from "../src/platform/mod.ts";

/**
 * What the task `start:iroh` has beyond `start`: native code of the installed packages, which is not held
 * to any permission once it runs. Without it a mesh is reached by TCP alone.
 */
export const IROH_FLAG = "--allow-ffi=node_modules";

/**
 * Flags of `deno compile`, where the program must also do what a task never asks for.
 *
 * - write: anywhere that the user may, as a binary can't name its user's folders.
 * - sys: as there; there is no ffi, as no native library is in the executable.
 * - run: `up --detach` and `restart` start the program itself, readiness runs `systemd-notify`.
 * - env: systemd's two names, and where temporary files go; NO_COLOR, as terminals have it.
 */
export const EXECUTABLE_PERMISSION_FLAGS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  SYSTEM_FLAG,
  `--allow-env=${
    [...ENVIRONMENT_ALLOWED, "NOTIFY_SOCKET", "WATCHDOG_USEC", "TMPDIR", "NO_COLOR"].join(",")
  }`,
  "--ignore-env",
];
