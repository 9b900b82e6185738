/** The executable: argv to command to exit code. Importing it from another module does nothing. */
import { realCliIo, runCli } from "./cli/mod.ts";
import { exit, holdOpen } from "./platform/mod.ts";

// Where a runtime does not say (inside a single executable), this is the program.
if (import.meta.main !== false) {
  // The ports' timers don't keep a process alive; a command that waits for one does.
  holdOpen();
  exit(await runCli(realCliIo()));
}
