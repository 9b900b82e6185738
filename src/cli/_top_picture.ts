/** The picture of `skep top`: lines that fit their terminal. */
import { shortHidOf } from "../identity/mod.ts";
import type { MeshOverview } from "../services/placement/mod.ts";
import { nodeLabel } from "./_node_names.ts";
import { formatBytes, painterFor, safeText } from "./_style.ts";
import type { Paint } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";

/** What is drawn. */
export interface TopPicture {
  readonly now: MeshOverview;
  /** A second, by the figure's name. */
  readonly rates: Readonly<Record<string, number>>;
  /** The terminal's, where the picture has to fit. */
  readonly size: { readonly columns: number; readonly rows: number } | undefined;
}

/** A piece of a line: text, and how it is painted. */
type Piece = readonly [text: string, style?: Parameters<Paint>[0]];

/** Draws. @returns lines without their ends */
export function topPicture(io: CliIo, { now, rates, size }: TopPicture): readonly string[] {
  const paint = painterFor(io, io.stdout);
  const lines = [
    ...headLines(now, rates),
    [],
    ...peerLines(now),
    [],
    ...stageLines(now),
    [],
    ...eventLines(now),
  ];
  // The newest events are at the top of theirs, so that what does not fit is the oldest.
  const shown = size === undefined ? lines : lines.slice(0, Math.max(1, size.rows - 1));
  return shown.map((pieces) => paintLine(pieces, { paint, columns: size?.columns ?? Infinity }));
}

function paintLine(
  pieces: readonly Piece[],
  { paint, columns }: { readonly paint: Paint; readonly columns: number },
): string {
  let left = columns;
  let line = "";
  for (const [text, style] of pieces) {
    // One line is one line, whatever a peer calls itself.
    const cut = [...safeText(text).replaceAll(/[\n\t]/g, " ")].slice(0, left).join("");
    left -= [...cut].length;
    line += style === undefined || cut === "" ? cut : paint(style, cut);
  }
  return line;
}

function headLines(
  { hid, mesh, peers, figures }: MeshOverview,
  rates: TopPicture["rates"],
): Piece[][] {
  const linked = peers.filter(({ state }) => state === "linked").length;
  const figure = (name: string): number => figures[name] ?? 0;
  const rate = (name: string): string => (rates[name] ?? 0).toFixed(1);
  const refused = Object.values(mesh.refusals).reduce((sum, count) => sum + count, 0);
  return [
    [
      ["skep ", "bold"],
      [shortHidOf(hid)],
      [`  mesh: ${mesh.state}, ${mesh.memberCount} members, ${linked} linked`],
      ...(refused > 0 ? [[`, ${refused} refusals`, "yellow"] as const] : []),
    ],
    [
      ["tokens/s  ", "dim"],
      [rate("inference_completion_tokens_total").padEnd(8), "green"],
      ["  prompt/s  ", "dim"],
      [rate("inference_prompt_tokens_total").padEnd(8)],
      ["  rows/s for others  ", "dim"],
      [rate("stage_rows_total")],
    ],
    [
      ["slots     ", "dim"],
      [`${figure("inference_slots_active")}/${figure("inference_slots")}`.padEnd(8)],
      ["  waiting   ", "dim"],
      [`${figure("inference_queue_depth")}`.padEnd(8)],
      ["  pages  ", "dim"],
      [`${figure("inference_kv_pages_used")}/${figure("inference_kv_pages")}`.padEnd(10)],
      ["  mesh  ", "dim"],
      [`${formatBytes(Math.round(rates["mesh_traffic_bytes"] ?? 0))}/s`],
    ],
    [
      ["replayed  ", "dim"],
      [`${figure("stage_replayed_positions_total")} positions, `],
      [`${formatBytes(figure("stage_replayed_bytes"))}`],
      ["  lost stages  ", "dim"],
      [`${figure("stage_lost_total")}`],
      ["  refused frames  ", "dim"],
      [`${figure("stage_refused_total")}`],
    ],
  ];
}

const peerHead = "  TRUST   STATE    VIA     HOP ms    SLOTS  MEMORY     LAYERS";

function peerLines({ peers }: MeshOverview): Piece[][] {
  if (peers.length === 0) return [[['No peers: see "skep invite --help"', "dim"]]];
  const width = nameWidth(peers.map(({ name }) => name));
  const rows = peers.map((peer): Piece[] => {
    const { name, trust, state, transport, roundTripMs, freeSlots, memoryFreeBytes, layers } = peer;
    const style = state === "linked" ? "green" : state === "gone" ? "red" : "yellow";
    const memory = memoryFreeBytes === null ? "-" : formatBytes(memoryFreeBytes);
    return [
      [`${fixed(name, width)}  ${fixed(trust, 6)}  `],
      [fixed(state, 7), style],
      [`  ${fixed(transport ?? "-", 6)}  ${numberText(roundTripMs).padStart(6)}  `],
      [`${(freeSlots ?? "any").toString().padStart(7)}  ${fixed(memory, 9)}  `],
      [layers.map(({ model, from, to }) => `${model} ${from}-${to}`).join(", ")],
    ];
  });
  return [[["PEER".padEnd(width) + peerHead, "bold"]], ...rows];
}

function stageLines({ plans }: MeshOverview): Piece[][] {
  const spread = plans.filter(({ isSolo }) => !isSolo);
  const solo = plans.filter(({ isSolo }) => isSolo).map(({ model }) => model);
  const lines: Piece[][] = [[["STAGES", "bold"]]];
  if (solo.length > 0) lines.push([[`${solo.join(", ")}: whole on this node`]]);
  const width = nameWidth(spread.flatMap(({ stages }) => (stages ?? []).map(({ name }) => name)));
  for (const { model, stages, costMs, missing } of spread) {
    if (stages === null) {
      lines.push([[`${model}: `], [`no route, layers ${missing.join(" ")} missing`, "red"]]);
      continue;
    }
    const cost = costMs === null ? "" : `  ${numberText(costMs)} ms a position`;
    lines.push([[`${model}: `], [`${stages.length} stages`, "green"], [cost, "dim"]]);
    for (const { name, from, to, embedding, head, computeMs, hopMs } of stages) {
      const ends = `${embedding ? " +embedding" : ""}${head ? " +head" : ""}`;
      const figures = `hop ${numberText(hopMs)} ms, compute ${numberText(computeMs)} ms`;
      lines.push([[
        `  ${fixed(name, width)}  ${`${from}-${to}${ends}`.padEnd(22)}  ${figures}`,
      ]]);
    }
  }
  if (plans.length === 0) lines.push([["No model is computed at hand", "dim"]]);
  return lines;
}

function eventLines({ events }: MeshOverview): Piece[][] {
  const width = nameWidth(
    events.flatMap(({ key, alias }) => key === undefined ? [] : [nodeLabel({ key, alias })]),
  );
  const rows = events.toReversed().map(({ atMs, kind, key, alias, detail }): Piece[] => {
    const bad = ["gone", "suspect", "refused", "stage-lost", "bad-frame", "removed"].includes(kind);
    const who = key === undefined ? "" : nodeLabel({ key, alias });
    return [
      [`${new Date(atMs).toISOString().slice(11, 19)}  `, "dim"],
      [fixed(kind, 14), bad ? "yellow" : "green"],
      [`  ${fixed(who, width)}  ${detail ?? ""}`],
    ];
  });
  return [[["EVENTS", "bold"]], ...rows];
}

/** Room for the longest of these names, within what a line has to spare. */
function nameWidth(names: readonly string[]): number {
  return Math.min(32, Math.max(17, ...names.map((name) => [...safeText(name)].length)));
}

/** Text in so many characters. */
function fixed(text: string, width: number): string {
  const letters = [...safeText(text).replaceAll(/[\n\t]/g, " ")];
  return letters.length > width ? `${letters.slice(0, width - 1).join("")}~` : text.padEnd(width);
}

function numberText(value: number | null): string {
  if (value === null) return "-";
  return value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : value.toFixed(0);
}
