/**
 * What must be known of a grammar's rules before an automaton is made of them: whether each is there,
 * whether it can end, whether it can be empty, and whether it begins with itself.
 */
import { GrammarError } from "./errors.ts";
import type { Expression, Grammar } from "./expression.ts";

/** What was found. */
export interface Analysis {
  /** Whether some text matches. */
  isProductive(expression: Expression): boolean;
}

/**
 * Looks at all rules that the root reaches.
 *
 * @throws {GrammarError} `syntax` for a rule that is missing or begins with itself, `unsatisfiable`
 * when no text matches the root
 */
export function analyse(grammar: Grammar): Analysis {
  const names = reachable(grammar);
  const productive = fixpoint(grammar, names, (expression, has) => canEnd(expression, has));
  if (!productive.has(grammar.root)) {
    throw new GrammarError(
      "unsatisfiable",
      `Cannot hold to the grammar as no text fits it: every way from "${grammar.root}" goes on for ever`,
    );
  }
  const nullable = fixpoint(grammar, names, (expression, has) => canBeEmpty(expression, has));
  refuseLeftRecursion(grammar, { names, productive, nullable });
  return { isProductive: (expression) => canEnd(expression, (name) => productive.has(name)) };
}

/** Whether some text matches the root; all rules that it reaches must be there. */
export function isSatisfiable(grammar: Grammar): boolean {
  return fixpoint(grammar, reachable(grammar), canEnd).has(grammar.root);
}

type Has = (name: string) => boolean;

/** Rules in the order in which they are met, the root first. */
function reachable({ root, rules }: Grammar): string[] {
  const seen = new Set([root]);
  for (const name of seen) {
    const expression = rules.get(name);
    if (expression === undefined) {
      throw new GrammarError(
        "syntax",
        `Cannot use the grammar as rule "${name}" is named but not defined`,
      );
    }
    for (const called of calls(expression)) seen.add(called);
  }
  return [...seen];
}

function* calls(expression: Expression): Generator<string> {
  switch (expression.kind) {
    case "rule":
      yield expression.name;
      return;
    case "sequence":
      for (const part of expression.parts) yield* calls(part);
      return;
    case "choice":
      for (const option of expression.options) yield* calls(option);
      return;
    case "repeat":
      yield* calls(expression.part);
  }
}

/** The rules for which `holds` follows, by trying until nothing changes, in turns from both ends. */
function fixpoint(
  { rules }: Grammar,
  names: readonly string[],
  holds: (expression: Expression, has: Has) => boolean,
): Set<string> {
  const found = new Set<string>();
  const has = (name: string): boolean => found.has(name);
  const order = [...names];
  for (let before = -1; before < found.size;) {
    before = found.size;
    order.reverse();
    for (const name of order) {
      const expression = rules.get(name);
      if (!found.has(name) && expression !== undefined && holds(expression, has)) found.add(name);
    }
  }
  return found;
}

function canEnd(expression: Expression, has: Has): boolean {
  switch (expression.kind) {
    case "text":
      return true;
    case "characters":
    case "bytes":
      return expression.ranges.length > 0;
    case "rule":
      return has(expression.name);
    case "sequence":
      return expression.parts.every((part) => canEnd(part, has));
    case "choice":
      return expression.options.some((option) => canEnd(option, has));
    case "repeat":
      return expression.min === 0 || canEnd(expression.part, has);
  }
}

function canBeEmpty(expression: Expression, has: Has): boolean {
  switch (expression.kind) {
    case "text":
      return expression.text === "";
    case "characters":
    case "bytes":
      return false;
    case "rule":
      return has(expression.name);
    case "sequence":
      return expression.parts.every((part) => canBeEmpty(part, has));
    case "choice":
      return expression.options.some((option) => canBeEmpty(option, has));
    case "repeat":
      return expression.min === 0 || canBeEmpty(expression.part, has);
  }
}

interface Known {
  readonly names: readonly string[];
  readonly productive: ReadonlySet<string>;
  readonly nullable: ReadonlySet<string>;
}

/** Such a rule would be entered without end before a byte is read. */
function refuseLeftRecursion(grammar: Grammar, { names, productive, nullable }: Known): void {
  const has = (name: string): boolean => nullable.has(name);
  const firsts = new Map(names.map((name) => {
    const expression = grammar.rules.get(name);
    return [name, expression === undefined ? [] : [...firstCalls(expression, has)]] as const;
  }));
  const done = new Set<string>();
  for (const start of names) {
    const path: { readonly name: string; next: number }[] = [];
    const open = new Set<string>();
    const enter = (name: string): void => {
      if (done.has(name) || !productive.has(name)) return;
      if (open.has(name)) {
        throw new GrammarError(
          "syntax",
          `Cannot use the grammar as rule "${name}" begins with itself: put something before it`,
        );
      }
      open.add(name);
      path.push({ name, next: 0 });
    };
    enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const called = firsts.get(top.name)?.[top.next++];
      if (called !== undefined) {
        enter(called);
        continue;
      }
      done.add(top.name);
      open.delete(top.name);
      path.pop();
    }
  }
}

/** Rules that may be entered before the first byte. */
function* firstCalls(expression: Expression, has: Has): Generator<string> {
  switch (expression.kind) {
    case "rule":
      yield expression.name;
      return;
    case "sequence":
      for (const part of expression.parts) {
        yield* firstCalls(part, has);
        if (!canBeEmpty(part, has)) return;
      }
      return;
    case "choice":
      for (const option of expression.options) yield* firstCalls(option, has);
      return;
    case "repeat":
      if (expression.max !== 0) yield* firstCalls(expression.part, has);
  }
}
