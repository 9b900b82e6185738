/** `skep service`: runs one service alone, and looks at those that run. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional } from "@optique/core/modifiers";
import { argument, command, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import type { MethodDocument, OpenRpcDocument } from "../kernel/mod.ts";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { discover, findServices, openService, socketsOf } from "./_service_sockets.ts";
import { columns, painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

const listCommand = command(
  "list",
  map(
    merge(object({ json: jsonOption }), placeOptions),
    (options): Invocation => (io) => listServices(io, options),
  ),
  {
    brief: message`List the services that run.`,
    footer: examples("skep service list", "skep service list --json | jq '.[].name'"),
  },
);

const infoCommand = command(
  "info",
  map(
    merge(
      object({
        name: argument(string({ metavar: "NAME" }), { description: message`The service.` }),
        json: jsonOption,
      }),
      placeOptions,
    ),
    (options): Invocation => (io) => showService(io, options),
  ),
  {
    brief: message`Show a running service's methods.`,
    description: message`Show what a service offers; with --json, its OpenRPC document.`,
    footer: examples("skep service info inference", "skep service info journal --json"),
  },
);

const runOptions = merge(
  object("Run", {
    name: argument(string({ metavar: "NAME" }), {
      description: message`The service; what it needs runs with it.`,
    }),
    logLevel: optional(
      option("--log-level", choice(["debug", "info", "warn", "error"], { metavar: "LEVEL" }), {
        description: message`How much the log says.`,
      }),
    ),
    set: multiple(option("--set", string({ metavar: "KEY=VALUE" }), {
      description: message`Any setting of skep.toml.`,
    })),
    json: jsonOption,
  }),
  placeOptions,
);

/** The parser of `skep service`. */
export const serviceCommand: CommandParser = command(
  "service",
  or(
    listCommand,
    infoCommand,
    map(runOptions, ({ name, ...options }): Invocation => async (io) => {
      const { up } = await import("./_up.ts");
      const none = {
        model: undefined,
        layers: undefined,
        listen: undefined,
        logFile: undefined,
        detach: false,
      };
      return await up(io, { ...options, ...none, only: [name] });
    }),
  ),
  {
    brief: message`Run one service alone, or look at those that run.`,
    description:
      message`Run one service and what it needs, with the same sockets as in a whole node, until Ctrl-C.`,
    footer: examples("skep service inference", "skep service list", "skep service info journal"),
  },
);

/** Prints the services. */
export async function listServices(
  io: CliIo,
  options: PlaceOptions & { readonly json: boolean },
): Promise<number> {
  const found = await findServices(io, await socketsOf(io, options));
  const rows = found.map(({ name, path, document }) => ({
    name,
    path,
    answers: document !== undefined,
    version: document?.info.version,
    description: document?.info.description,
    methods: document?.methods.map((method) => method.name) ?? [],
  }));
  if (options.json) io.stdout.write(`${JSON.stringify(rows)}\n`);
  else {
    const lines = rows.map(({ name, answers, methods, description }): [string, string] => [
      name,
      answers ? `${methods.length} methods. ${description}` : "does not answer",
    ]);
    io.stdout.write(safeText(columns(lines)));
  }
  return exitCodes.ok;
}

/** Prints one service. @throws {CliError} exit code 3 when it does not run */
export async function showService(
  io: CliIo,
  options: PlaceOptions & { readonly name: string; readonly json: boolean },
): Promise<number> {
  const sockets = await socketsOf(io, options);
  const connection = await openService(io, { sockets, name: options.name });
  const document = await discover(io, connection).finally(() => connection.close());
  if (options.json) io.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  else io.stdout.write(describe(io, document));
  return exitCodes.ok;
}

function describe(io: CliIo, { info, methods }: OpenRpcDocument): string {
  const title = painterFor(io, io.stdout)("bold", `${info.title} ${info.version}`);
  const rows = methods.map((method): [string, string] => [signature(method), method.summary]);
  return `${title}\n${safeText(`${info.description}\n${columns(rows, "  ")}`)}`;
}

/** "tokenize(text, model?)", and a star behind what streams. */
function signature(method: MethodDocument): string {
  const params = method.params.map(({ name, required }) => required === true ? name : `${name}?`);
  return `${method.name}(${params.join(", ")})${method["x-stream"] === true ? "*" : ""}`;
}
