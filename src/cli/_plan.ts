/** Asks the running node for its plans, and draws them. */
import { drawRoute, layerWords } from "../placement/mod.ts";
import type { PlacementPlan, PlacementPlans } from "../services/placement/mod.ts";
import { shortIdOf } from "./_node_names.ts";
import { openService, socketsOf } from "./_service_sockets.ts";
import { columns, painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { exitCodes } from "./exit_code.ts";
import type { PlanOptions } from "./plan.ts";

/** Prints plans. @throws {RemoteCallError} when the node knows no such model */
export async function plan(io: CliIo, options: PlanOptions): Promise<number> {
  const { model, json } = options;
  const connection = await openService(io, {
    sockets: await socketsOf(io, options),
    name: "placement",
  });
  try {
    const params = model === undefined ? {} : { model };
    // A node of this release answers with this shape, as its own tests show.
    const answer = await connection.call("placement.plan", params) as PlacementPlans;
    if (json) io.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
    else io.stdout.write(describePlans(io, answer));
    return answer.plans.every(({ stages }) => stages !== null) ? exitCodes.ok : exitCodes.failure;
  } finally {
    connection.close();
  }
}

function describePlans(io: CliIo, { plans, rules }: PlacementPlans): string {
  if (plans.length === 0) return "No model is computed at hand.\n";
  const { ownEdgeLayers: edge, ownEnds } = rules;
  const kept = [
    ...edge === 0 ? [] : [`${edge === 1 ? "the layer" : `${edge} layers`} at either end`],
    ...ownEnds ? ["embedding and head"] : [],
  ].join(", ");
  const note = kept === "" ? "Any member may compute anything" : `Kept to own nodes: ${kept}`;
  return `${plans.map((one) => describePlan(io, one)).join("\n")}\n${note}.\n`;
}

function describePlan(io: CliIo, one: PlacementPlan): string {
  const paint = painterFor(io, io.stdout);
  const root = one.root === null ? "" : `, root ${one.root.slice(0, 16)}`;
  const title = `${one.model}: ${one.layerCount} layers, ${one.numericClass}${root}`;
  const rows = one.candidates.map(({ name, trust, isSelf, reason, words }) =>
    [
      safeText(name),
      `${(isSelf ? "self" : trust).padEnd(6)}  ${
        paint(reasonStyle(reason), reason.padEnd(11))
      }  ${words}`,
    ] as const
  );
  return [
    `${paint("bold", safeText(title))}\n`,
    routeWords(one),
    "Candidates:\n",
    columns(rows, "  "),
    `${readerWords(one, "readers", "prompt")}${readerWords(one, "answerReaders", "answer")}`,
  ].join("");
}

function routeWords(
  { stages, costMs, costBasis, isSolo, missing }: PlacementPlan,
): string {
  if (stages === null) {
    return missing.length === 0
      ? "No way leads through all layers.\n"
      : `Nobody at hand computes ${layerWords(missing)}.\n`;
  }
  const basis = costBasis === "guessed" ? ", of which some is guessed" : "";
  const cost = costMs === null
    ? ""
    : `, about ${costMs.toFixed(costMs < 10 ? 2 : 1)} ms a position${basis}`;
  if (isSolo) return `This node computes all of it${cost}.\n`;
  const self = "this node";
  const shown = stages.map((stage) => ({ ...stage, name: safeText(stage.name) }));
  const start = stages[0]?.isSelf === true ? "" : `  ${self}\n`;
  return `Route${cost}:\n${start}${drawRoute(shown, { self, costMs: costMs ?? 0 })}`;
}

function readerWords(
  one: PlacementPlan,
  which: "readers" | "answerReaders",
  what: "prompt" | "answer",
): string {
  if (one.stages === null) return "";
  const names = one[which].map((peer) =>
    one.candidates.find((each) => each.peer === peer)?.name ?? shortIdOf(peer)
  );
  const who = names.length === 0 ? "nobody but this node" : names.join(", ");
  const later = one.candidates.filter(({ reason, readsPrompt, readsAnswer }) =>
    reason === "standby" && (what === "prompt" ? readsPrompt : readsAnswer)
  ).map(({ name }) => name);
  const standbys = later.length === 0 ? "" : `; if they step in: ${later.join(", ")}`;
  return `Could read the ${what}: ${safeText(who + standbys)}.\n`;
}

function reasonStyle(
  reason: PlacementPlan["candidates"][number]["reason"],
): "green" | "yellow" | "dim" {
  if (reason === "chosen") return "green";
  return reason === "standby" ? "yellow" : "dim";
}
