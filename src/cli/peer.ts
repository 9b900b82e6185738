/** `skep peer`: who is in the mesh, and how far each is trusted. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, flag, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import type { MeshStatus, PeerList, PeerView } from "../services/network/mod.ts";
import { callNetwork } from "./_network_service.ts";
import { nodeLabel, readAliases, shortIdOf } from "./_node_names.ts";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { columns, painterFor, safeText } from "./_style.ts";
import { addressValue, aliasValue, nodeName } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

interface Asked extends PlaceOptions {
  readonly json: boolean;
}

const whoArgument = argument(nodeName("PEER"), {
  description:
    message`Its alias, id or key, or the beginning of the latter two (8 digits or more).`,
});

const listCommand = command(
  "list",
  map(
    merge(
      object({
        all: withDefault(
          flag("--all", { description: message`Also members that are gone.` }),
          false,
        ),
        json: jsonOption,
      }),
      placeOptions,
    ),
    (options): Invocation => (io) => listPeers(io, options),
  ),
  {
    brief: message`List the mesh's other nodes.`,
    description: message`List the other nodes: how far each is trusted, and whether it is there.`,
    footer: examples("skep peer list", "skep peer list --all --json | jq '.peers[].key'"),
  },
);

const addCommand = command(
  "add",
  map(
    merge(
      object({
        key: argument(nodeName("PEER"), {
          description:
            message`The node's key (64 hex digits); of one that is known also its alias, its id, or the beginning of either (8 digits or more).`,
        }),
        addresses: multiple(option("--address", addressValue(), {
          description: message`Where it can be dialled: host:port, or a multiaddress.`,
        })),
        alias: optional(option("--alias", aliasValue(), {
          description: message`A name for it, on this node.`,
        })),
        trust: optional(option("--trust", choice(["own", "member"], { metavar: "TRUST" }), {
          description: message`How far it is trusted.`,
        })),
        json: jsonOption,
      }),
      placeOptions,
    ),
    ({ key, addresses, alias, trust, ...options }): Invocation => (io) => {
      const params = {
        ...{ key, addresses },
        ...(alias === undefined ? {} : { alias }),
        ...(trust === undefined ? {} : { trust }),
      };
      return change(io, { options, method: "peers.add", params, done: "is in the roster" });
    },
  ),
  {
    brief: message`Add a node, or an address or name of one.`,
    description:
      message`Put a node into the roster without a ticket, which its issuer alone can; or tell this node an address and a name of a member. Both are kept in peers.json.`,
    footer: examples(
      "skep peer add skep_0f3a9c41 --alias attic",
      "skep peer add attic --address 192.0.2.7:4001",
    ),
  },
);

const removeCommand = command(
  "rm",
  map(
    merge(object({ key: whoArgument, json: jsonOption }), placeOptions),
    ({ key, ...options }): Invocation => (io) =>
      change(io, { options, method: "peers.remove", params: { key }, done: "was removed" }),
  ),
  {
    brief: message`Remove a node from the mesh.`,
    description:
      message`Take a node out of the roster: every member closes its links to it at once. The mesh's issuer alone can.`,
    footer: examples("skep peer rm attic"),
  },
);

const trustCommand = command(
  "trust",
  map(
    merge(
      object({
        key: whoArgument,
        trust: argument(choice(["own", "member"], { metavar: "TRUST" }), {
          description: message`own may read prompts, member may compute middle layers.`,
        }),
        json: jsonOption,
      }),
      placeOptions,
    ),
    ({ key, trust, ...options }): Invocation => (io) => {
      const params = { key, trust };
      return change(io, { options, method: "peers.trust", params, done: `is trusted as ${trust}` });
    },
  ),
  {
    brief: message`Say how far a node is trusted.`,
    footer: examples("skep peer trust attic own"),
  },
);

/** The parser of `skep peer`. */
export const peerCommand: CommandParser = command(
  "peer",
  or(listCommand, addCommand, removeCommand, trustCommand),
  {
    brief: message`Look at and change who is in the mesh.`,
    footer: examples("skep peer list", "skep peer trust attic own", "skep peer rm attic"),
  },
);

/** Prints the peers. */
export async function listPeers(
  io: CliIo,
  options: Asked & { readonly all: boolean },
): Promise<number> {
  const params = { all: options.all };
  // The service answers with what its contract says.
  const list = await callNetwork(io, {
    place: options,
    method: "peers.list",
    params,
  }) as PeerList;
  if (options.json) {
    io.stdout.write(`${JSON.stringify(list)}\n`);
    return exitCodes.ok;
  }
  const status = await callNetwork(io, { place: options, method: "mesh.status" }) as MeshStatus;
  io.stdout.write(safeText(describe(io, { list, status })));
  return exitCodes.ok;
}

function describe(
  io: CliIo,
  { list, status }: { readonly list: PeerList; readonly status: MeshStatus },
): string {
  if (status.state === "none") {
    return 'This node is in no mesh: "skep invite" founds one, "skep join TICKET" joins one\n';
  }
  if (status.state === "removed") {
    return "This node was removed from its mesh: join again with a new ticket\n";
  }
  const bold = painterFor(io, io.stdout);
  const role = status.state === "issuer" ? ", which this node issues" : "";
  const self = `; this node is ${nodeLabel(list.self)}, ${list.self.trust}`;
  const name = status.mesh === null ? "" : ` ${shortIdOf(status.mesh)}`;
  const mesh = `Mesh${name} of ${status.memberCount}`;
  const title = bold("bold", `${mesh}${role}${self}`);
  const rows = list.peers.map((peer): [string, string] => [nodeLabel(peer), rowOf(peer)]);
  const shown = rows.length === 0 ? "  nobody else is there\n" : columns(rows, "  ");
  const notes = status.missing.map((sentence) => `  ${sentence}\n`).join("");
  const away = status.memberCount - 1 - rows.length;
  const others = away > 0 ? `  ${away} more, which can't be reached: --all shows them\n` : "";
  return `${title}\n${shown}${others}${notes}`;
}

function rowOf(peer: PeerView): string {
  const { state, trust, transport, roundTripMs, address, capabilities } = peer;
  const trip = roundTripMs === undefined ? "" : ` ${roundTripMs.toFixed(1)} ms`;
  const link = transport === undefined ? "" : ` by ${transport}${trip} ${address ?? ""}`;
  const computes = (capabilities?.models ?? []).flatMap(({ name, loaded }) =>
    loaded === undefined ? [] : [`${name} ${loaded.layers.from}-${loaded.layers.to}`]
  );
  const work = computes.length === 0 ? "computes nothing" : `computes ${computes.join(", ")}`;
  return `${trust} ${state}${link}${capabilities === null ? "" : `; ${work}`}`;
}

async function change(
  io: CliIo,
  asked: {
    readonly options: Asked;
    readonly method: string;
    readonly params: Readonly<Record<string, unknown>>;
    readonly done: string;
  },
): Promise<number> {
  const { options, method, params, done } = asked;
  const answer = await callNetwork(io, { place: options, method, params }) as {
    readonly key: string;
    readonly rosterVersion: number;
  };
  const { key, rosterVersion } = answer;
  if (options.json) io.stdout.write(`${JSON.stringify(answer)}\n`);
  else {
    const alias = (await readAliases(io, options)).get(key);
    io.stdout.write(`${nodeLabel({ key, alias })} ${done} (roster version ${rosterVersion})\n`);
  }
  return exitCodes.ok;
}
