/**
 * The script of a simulation: what happens to the nodes, and when. One action a line: a time since the
 * start, a verb, and what it is done to.
 *
 * ```text
 * # two halves can't hear each other for a minute
 * 10s  partition 1-5 | 6-10
 * 70s  heal
 * 80s  crash 3        # the process dies: its links close at once, its disk is as it was
 * 85s  cut 4,7-9      # the machine loses power: silence, and what was not synced is lost
 * 2m   restart 3,4,7-9
 * 3m   stop 5         # it takes leave
 * 4m   churn every 20s down 30s until 50m
 * 1h   end
 * ```
 */

/** Something that a script does to nodes at a time, in milliseconds since the start. */
export type Action =
  | { readonly kind: NodeVerb; readonly atMs: number; readonly nodes: readonly number[] }
  | {
    readonly kind: "partition";
    readonly atMs: number;
    readonly groups: readonly (readonly number[])[];
  }
  | { readonly kind: "heal" | "check" | "end"; readonly atMs: number }
  | Churn;

/** What is done to nodes by their numbers. */
export type NodeVerb = "crash" | "cut" | "stop" | "restart";

/** Nodes that go and come back at random moments: one each `everyMs`, for `downMs`, on average. */
export interface Churn {
  readonly kind: "churn";
  readonly atMs: number;
  readonly everyMs: number;
  readonly downMs: number;
  readonly untilMs: number;
}

/** Lines of a script, and virtual time of a simulation, at most. */
const linesMax = 10_000;
const timeMsMax = 30 * 86_400_000;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const nodeVerbs: ReadonlySet<string> = new Set(["crash", "cut", "stop", "restart"]);

/** How each verb is written. */
const forms: Readonly<Record<string, string>> = {
  crash: "10s crash 3,5-7",
  cut: "10s cut 3,5-7",
  stop: "10s stop 3,5-7",
  restart: "10s restart 3,5-7",
  partition: "10s partition 1-5 | 6-10",
  heal: "10s heal",
  churn: "10s churn every 20s down 30s until 50m",
  check: "10s check",
  end: "10s end",
};

/**
 * Reads a script; its actions come in the order of their times.
 *
 * @throws {SyntaxError} naming the line, for anything that is not of the form above
 */
export function parseScript(text: string, nodeCount: number): readonly Action[] {
  const lines = text.split("\n");
  if (lines.length > linesMax) {
    throw new SyntaxError(
      `Cannot read the script as it must have at most ${linesMax} lines: current value is ${lines.length}`,
    );
  }
  return lines
    .flatMap((line, i) => {
      const words = line.replace(/#.*/, "").trim().split(/\s+/).filter((word) => word !== "");
      return words.length === 0 ? [] : [parseLine(words, { number: i + 1, nodeCount })];
    })
    .toSorted((one, other) => one.atMs - other.atMs);
}

/**
 * A time as "250ms", "10s", "2m" or "1h", in milliseconds.
 *
 * @throws {SyntaxError} for anything else, and above 30 days
 */
export function parseTime(text: string): number {
  const [, digits = "", unit = ""] = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(digits) * (unitMs[unit] ?? Number.NaN);
  if (digits !== "" && ms <= timeMsMax) return ms;
  throw new SyntaxError(
    `Cannot read a time as it must be like 250ms, 10s, 2m or 1h, and at most 30 days: current value is ${
      JSON.stringify(text.slice(0, 40))
    }`,
  );
}

interface Place {
  readonly number: number;
  readonly nodeCount: number;
}

function parseLine(words: readonly string[], place: Place): Action {
  try {
    const [time = "", verb = "", ...rest] = words;
    const action = parseAction({ atMs: parseTime(time), verb, rest }, place.nodeCount);
    if (action !== undefined) return action;
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    const form = forms[words[1] ?? ""];
    const fix = form === undefined ? "" : `: write it like "${form}"`;
    const message = `${thrown.message}, in line ${place.number}${fix}`;
    throw new SyntaxError(message, { cause: thrown });
  }
  const form = forms[words[1] ?? ""];
  const rule = form === undefined
    ? `it must be a time and one of ${Object.keys(forms).join(", ")}`
    : `it must be written like "${form}"`;
  throw new SyntaxError(
    `Cannot read line ${place.number} of the script as ${rule}: current value is ${
      JSON.stringify(words.join(" ").slice(0, 80))
    }`,
  );
}

function parseAction(
  { atMs, verb, rest }: {
    readonly atMs: number;
    readonly verb: string;
    readonly rest: readonly string[];
  },
  nodeCount: number,
): Action | undefined {
  if (nodeVerbs.has(verb) && rest.length > 0) {
    return { kind: verb as NodeVerb, atMs, nodes: parseNodes(rest.join(" "), nodeCount) };
  }
  if (verb === "partition" && rest.length > 0) {
    const groups = rest.join(" ").split("|").map((group) => parseNodes(group, nodeCount));
    checkGroups(groups, nodeCount);
    return { kind: verb, atMs, groups };
  }
  if ((verb === "heal" || verb === "check" || verb === "end") && rest.length === 0) {
    return { kind: verb, atMs };
  }
  if (verb !== "churn" || rest.length !== 6) return undefined;
  const [everyMs, downMs, untilMs] = ["every", "down", "until"].map((name, i) =>
    rest[2 * i] === name ? parseTime(rest[2 * i + 1] ?? "") : 0
  );
  if (!everyMs || !downMs || !untilMs) return undefined;
  return { kind: "churn", atMs, everyMs, downMs, untilMs };
}

/** Whether groups part anybody. @throws {SyntaxError} when they don't, or one is in two of them */
function checkGroups(groups: readonly (readonly number[])[], nodeCount: number): void {
  const all = groups.flat();
  const twice = all.find((node, i) => all.indexOf(node) !== i);
  if (twice !== undefined) {
    throw new SyntaxError(
      `Cannot part the nodes as each may be in one group only: name node ${twice} once`,
    );
  }
  if (groups.length > 1 || all.length < nodeCount) return;
  throw new SyntaxError(
    `Cannot part the nodes as all ${nodeCount} are in one group: put a "|" between those that are to be parted`,
  );
}

/** "1-3, 7" as 1, 2, 3, 7. */
function parseNodes(text: string, nodeCount: number): number[] {
  return text.split(",").map((part) => part.trim()).flatMap((part) => {
    const [, first = "", last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first !== "" && from >= 1 && from <= to && to <= nodeCount) {
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    }
    throw new SyntaxError(
      `Cannot name nodes as they must be like 1-3,7 and from 1 to ${nodeCount}: current value is ${
        JSON.stringify(part.slice(0, 40))
      }`,
    );
  });
}
