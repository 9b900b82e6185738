/**
 * Rules with a limit that some code already breaks: `ratchet.json` lists it with its size, which
 * may only shrink. New code keeps the limit.
 */
import ratchetText from "./ratchet.json" with { type: "json" };
import type { Finding, Rule } from "./rule.ts";
import type { Tree } from "./tree.ts";

/** The size of one thing that a ratchet watches. */
export interface Measure {
  /** The name under which the list knows it: "src/a.ts" or "src/a.ts#run". */
  readonly key: string;
  readonly path: string;
  readonly line: number;
  readonly size: number;
}

/** Sizes above the limit that are known: rule name to key to size. */
export type Ratchet = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What a ratchet rule is made of. */
export interface RatchetOptions {
  readonly name: string;
  readonly instead: string;
  readonly sizeMax: number;
  readonly unit: string;
  readonly measure: (tree: Tree) => readonly Measure[];
  /** @default the committed list */
  readonly known?: Readonly<Record<string, number>>;
}

/** The committed list. */
export const RATCHET: Ratchet = ratchetText;

/** Makes a rule that holds `measure` to `sizeMax`, or to the listed size where it is above. */
export function ratchetRule(options: RatchetOptions): Rule {
  const known = options.known ?? RATCHET[options.name] ?? {};
  return {
    name: options.name,
    instead: `${options.instead}; the sizes in test/tidy/ratchet.json only shrink`,
    check: (tree) => ratchetFindings(largest(options.measure(tree)), known, options),
  };
}

/** One measure for each key: overloaded names count by their largest. */
function largest(measures: readonly Measure[]): ReadonlyMap<string, Measure> {
  const byKey = new Map<string, Measure>();
  for (const measure of measures) {
    if (measure.size >= (byKey.get(measure.key)?.size ?? 0)) byKey.set(measure.key, measure);
  }
  return byKey;
}

function ratchetFindings(
  measures: ReadonlyMap<string, Measure>,
  known: Readonly<Record<string, number>>,
  { sizeMax, unit }: RatchetOptions,
): readonly Finding[] {
  const grown = [...measures.values()]
    .filter(({ key, size }) => size > (known[key] ?? sizeMax))
    .map(({ key, path, line, size }) => ({
      path,
      line,
      what: `${key} has ${size} ${unit}, above ${known[key] ?? sizeMax}`,
    }));
  const stale = Object.entries(known).flatMap(([key, size]) => {
    const now = measures.get(key)?.size ?? 0;
    if (now >= size) return [];
    const what = now <= sizeMax ? `remove ${key}` : `lower ${key} from ${size} to ${now}`;
    return [{ path: "test/tidy/ratchet.json", line: 0, what }];
  });
  return [...grown, ...stale];
}
