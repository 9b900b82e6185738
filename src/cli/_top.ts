/**
 * Looks at the running node again and again. On a terminal the picture has a screen of its own, which
 * is given back however the command ends.
 */
import type { MeshOverview } from "../services/placement/mod.ts";
import type { RpcConnection } from "../wire/mod.ts";
import { openService, socketsOf } from "./_service_sockets.ts";
import { topPicture } from "./_top_picture.ts";
import type { CliIo } from "./cli_io.ts";
import { exitCodes } from "./exit_code.ts";
import type { TopOptions } from "./top.ts";

/** Xterm's private modes: the other screen (1049), the cursor (25); cursor home, erase below. */
const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const eraseLine = "\x1b[K";
const eraseBelow = "\x1b[J";

/** Watches until it is stopped; once with `once`. @throws {CliError} exit code 3 when no node runs */
export async function top(io: CliIo, options: TopOptions): Promise<number> {
  const connection = await openService(io, {
    sockets: await socketsOf(io, options),
    name: "placement",
  });
  const stopping = new AbortController();
  const offs = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) =>
    io.onSignal(name, () => stopping.abort())
  );
  const isLive = io.stdout.isTerminal && !options.once && !options.json;
  try {
    if (isLive) io.stdout.write(enter);
    await watch(io, { ...options, connection, isLive, signal: stopping.signal });
    return exitCodes.ok;
  } catch (thrown) {
    // It was asked to end, and there is no other way to.
    if (stopping.signal.aborted) return options.once ? exitCodes.interrupted : exitCodes.ok;
    throw thrown;
  } finally {
    if (isLive) io.stdout.write(leave);
    for (const off of offs) off();
    connection.close();
  }
}

interface Watch extends TopOptions {
  readonly connection: RpcConnection;
  readonly isLive: boolean;
  readonly signal: AbortSignal;
}

async function watch(io: CliIo, about: Watch): Promise<void> {
  const { connection, intervalMs, signal, once, json, isLive } = about;
  let before: MeshOverview | undefined;
  for (;;) {
    // A node of this release answers with this shape, as its own tests show.
    const now = await connection.call("mesh.overview", {}, signal) as MeshOverview;
    const rates = ratesOf(before, now);
    // Rates need two looks.
    if (before !== undefined || isLive) {
      if (json) io.stdout.write(`${JSON.stringify({ ...now, rates })}\n`);
      else io.stdout.write(frameOf(io, { now, rates, isLive }));
      if (once) return;
    }
    before = now;
    await io.clock.sleep(intervalMs, signal);
  }
}

function frameOf(
  io: CliIo,
  { now, rates, isLive }: {
    readonly now: MeshOverview;
    readonly rates: Readonly<Record<string, number>>;
    readonly isLive: boolean;
  },
): string {
  // Asked for at each picture, as windows are resized.
  const size = isLive ? { columns: io.stdout.columns, rows: io.stdout.rows } : undefined;
  const lines = topPicture(io, { now, rates, size });
  if (!isLive) return lines.map((line) => `${line}\n`).join("");
  return `${home}${lines.map((line) => `${line}${eraseLine}`).join("\n")}${eraseBelow}`;
}

/** Of each figure that counts up, how much a second; none after a restart of the node. */
export function ratesOf(
  before: MeshOverview | undefined,
  now: MeshOverview,
): Record<string, number> {
  const seconds = (now.monotonicMs - (before?.monotonicMs ?? now.monotonicMs)) / 1000;
  if (before === undefined || !(seconds > 0)) return {};
  const rates: Record<string, number> = {};
  for (const [name, value] of Object.entries(now.figures)) {
    const more = value - (before.figures[name] ?? 0);
    if (/_(total|bytes)$/.test(name) && more >= 0) rates[name] = more / seconds;
  }
  return rates;
}
