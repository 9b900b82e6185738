/** How a stage of a running mesh is disturbed, and how it comes back. */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../../src/sim/mod.ts";
import type { MeshNode, MeshProcesses } from "./_mesh_processes.ts";
import type { Cut } from "./_wires.ts";

/**
 * - `kill`: kill -9; it is started again;
 * - `stop`: SIGSTOP for 30 s, and it goes on;
 * - `hole`: nothing of what it and others send arrives any more, and nobody is told, for 10 s;
 * - `reset`: its links are reset, and new ones too, for 10 s.
 */
export type DisturbanceKind = "kill" | "stop" | "hole" | "reset";

/** The names. */
export const disturbanceKinds: readonly DisturbanceKind[] = ["kill", "stop", "hole", "reset"];

/** One disturbance. */
export interface Disturbance {
  /** What it is done to, for people. */
  readonly what: string;
  /** Does it; at once. */
  strike(): void;
  /** Ends it, when its time is over; the node has yet to be found by the others. */
  end(): Promise<void>;
}

const stopMs = 30_000;
const partedMs = 10_000;

/** A disturbance of a node. */
export function disturbanceOf(
  kind: DisturbanceKind,
  about: {
    readonly mesh: MeshProcesses;
    readonly victim: MeshNode;
    /** The stages of the answer, in their order, without the gateway. */
    readonly route: readonly MeshNode[];
    readonly random: SeededRandom;
  },
): Disturbance {
  const { mesh, victim } = about;
  if (kind === "kill") return killed(mesh, victim);
  return kind === "stop" ? stopped(victim) : parted(kind, about);
}

function killed(mesh: MeshProcesses, victim: MeshNode): Disturbance {
  return {
    what: `stage ${victim.index}`,
    strike: () => void process.kill(victim.started.child.pid ?? 0, "SIGKILL"),
    end: async () => {
      await victim.started.exit;
      await mesh.restart(victim);
    },
  };
}

function stopped(victim: MeshNode): Disturbance {
  let sinceMs = 0;
  return {
    what: `stage ${victim.index}`,
    strike: () => {
      sinceMs = performance.now();
      process.kill(victim.started.child.pid ?? 0, "SIGSTOP");
    },
    end: async () => {
      await sleep(Math.max(0, sinceMs + stopMs - performance.now()));
      process.kill(victim.started.child.pid ?? 0, "SIGCONT");
    },
  };
}

/** A part of the mesh without the gateway and enough others, or only two stages that follow each other. */
function parted(
  how: Cut,
  { mesh, victim, route, random }: Parameters<typeof disturbanceOf>[1],
): Disturbance {
  const { wiring } = mesh;
  if (wiring === undefined) throw new TypeError("Cannot part a mesh whose nodes are not wired");
  const at = route.indexOf(victim);
  const before = route[at - 1];
  const isEdge = before !== undefined && random.below(3) === 0;
  const away = [victim.index, ...isEdge ? [] : companions(mesh, { victim, route, random })];
  const groups = {
    between: away,
    and: isEdge
      ? [before.index]
      : mesh.nodes.map(({ index }) => index).filter((one) => !away.includes(one)),
  };
  let sinceMs = 0;
  return {
    what: `${groups.and.join(",")} | ${away.join(",")}`,
    strike: () => {
      sinceMs = performance.now();
      wiring.cut(how, groups);
    },
    end: async () => {
      await sleep(Math.max(0, sinceMs + partedMs - performance.now()));
      wiring.mend(groups);
    },
  };
}

/** Stages that take no part, and of whose layers somebody else stays: any of them may go too. */
function companions(
  { nodes }: MeshProcesses,
  { victim, route, random }: Pick<
    Parameters<typeof disturbanceOf>[1],
    "victim" | "route" | "random"
  >,
): number[] {
  return nodes.filter((node) =>
    node !== nodes[0] && node !== victim && !route.includes(node) &&
    !isTwin(node, victim) && random.below(2) === 0
  ).map(({ index }) => index);
}

/** Whether two nodes have the same layers. */
export function isTwin({ span: [from, to] }: MeshNode, { span }: MeshNode): boolean {
  return from === span[0] && to === span[1];
}
