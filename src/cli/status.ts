/** `skep status`: what the running node says about itself. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { NodeStatus } from "../node/mod.ts";
import type { ControlSettings } from "../services/control/mod.ts";
import { examples, jsonOption, pathsOf, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { findNode, notRunning } from "./_running_node.ts";
import { columns, formatDuration, painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

/** The parser of `skep status`. */
export const statusCommand: CommandParser = command(
  "status",
  map(
    merge(placeOptions, object({ json: jsonOption })),
    (options) => (io: CliIo) => printStatus(io, options),
  ),
  {
    brief: message`Show whether a node runs, and how it is.`,
    description:
      message`Show the running node's model and layers with the place that they were set at, its addresses and services. The exit code is 3 when no node runs.`,
    footer: examples("skep status", "skep status --json | jq .addresses"),
  },
);

/** Prints the status. */
export async function printStatus(
  io: CliIo,
  options: PlaceOptions & { readonly json: boolean },
): Promise<number> {
  const paths = pathsOf(io, options);
  const node = await findNode(io, paths);
  if (node === undefined) {
    if (options.json) io.stdout.write(`${JSON.stringify({ running: false })}\n`);
    else io.stdout.write(`${notRunning(paths)}\n`);
    return exitCodes.state;
  }
  const status = await node.call("node.status") as NodeStatus;
  const settings = await node.call("config.show") as ControlSettings;
  const chosen = chosenSettings(settings);
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ running: true, ...status, settings: chosen })}\n`);
  } else io.stdout.write(describe(io, { status, chosen }));
  return exitCodes.ok;
}

/** What the node is to compute, and who says so. */
type ChosenSettings = Readonly<
  Record<"model" | "layers", { readonly value: unknown; readonly from: string }>
>;

function chosenSettings(settings: ControlSettings): ChosenSettings {
  const of = (path: string): ChosenSettings["model"] => {
    const { value, from = "default" } = settings.find((one) => one.path === path) ?? {};
    return { value, from };
  };
  return { model: of("inference.model"), layers: of("inference.layers") };
}

function describe(
  io: CliIo,
  { status, chosen }: { readonly status: NodeStatus; readonly chosen: ChosenSettings },
): string {
  const paint = painterFor(io, io.stdout);
  const told = ({ value, from }: ChosenSettings["model"]): string =>
    `${safeText(String(value))}  ${paint("dim", `(${safeText(from)})`)}`;
  const rows: [string, string][] = [
    ["process", `${status.pid}, up ${formatDuration(status.uptimeMs)}`],
    ["id", status.hid],
    ["model", told(chosen.model)],
    ["layers", told(chosen.layers)],
    ...Object.entries(status.addresses),
    ["state", status.directories.state],
  ];
  const services = status.services.map((service): [string, string] => [
    service.name,
    paint(service.state === "ready" ? "green" : "yellow", service.state) +
    (service.restarts > 0 ? `, restarted ${service.restarts} times` : ""),
  ]);
  const title = paint("bold", `skep ${status.version} is running`);
  return `${title}\n${columns(rows, "  ")}Services:\n${columns(services, "  ")}`;
}
