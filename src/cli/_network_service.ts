/** Asks the network service of the running node. */
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { requireNode } from "./_running_node.ts";
import { openService } from "./_service_sockets.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** How long an answer may take: joining dials another machine. */
const answerMsMax = 60_000;

/**
 * Calls a method of the network service.
 *
 * @throws {CliError} exit code 3 when no node runs
 * @throws {RemoteCallError} the service's refusal
 */
export async function callNetwork(
  io: CliIo,
  call: {
    readonly place: PlaceOptions;
    readonly method: string;
    readonly params?: Readonly<Record<string, unknown>>;
  },
): Promise<unknown> {
  const { info } = await requireNode(io, pathsOf(io, call.place));
  const connection = await openService(io, { sockets: info.sockets, name: "network" });
  const deadline = new AbortController();
  const message = `The node does not answer within ${answerMsMax / 1000} s`;
  const timer = io.clock.after(answerMsMax, () => {
    deadline.abort(new CliError({ exitCode: exitCodes.failure, message }));
  });
  const off = io.onSignal("SIGINT", () => {
    deadline.abort(new CliError({ exitCode: exitCodes.interrupted, message: "Interrupted" }));
  });
  try {
    return await connection.call(call.method, call.params ?? {}, deadline.signal);
  } catch (thrown) {
    throw deadline.signal.aborted ? deadline.signal.reason : thrown;
  } finally {
    off();
    timer.cancel();
    connection.close();
  }
}
