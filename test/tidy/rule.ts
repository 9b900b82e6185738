/**
 * What a tidy rule is: a name, a check over the tree, and the advice that it prints.
 *
 * Rules read text and syntax trees. They do not run the code that they look at, and they do not
 * repeat what `deno lint`, `deno fmt` and the type checker already say.
 */
import type { Tree } from "./tree.ts";

/** One place where a rule is broken. */
export interface Finding {
  /** Path from the top of the repository, with forward slashes. */
  readonly path: string;
  /** Line, from 1; 0 when the finding is about the entire file. */
  readonly line: number;
  /** What was found there. */
  readonly what: string;
}

/** A rule of the house that the tidy test enforces. */
export interface Rule {
  /** Kebab-case name, as `tidy: allow <name> as <reason>` comments use it. */
  readonly name: string;
  /** What to do instead, in a sentence. */
  readonly instead: string;
  /** Lists every place in the tree that breaks the rule. */
  check(tree: Tree): readonly Finding[];
}

/** The message of a failed rule: each place, then what to do instead. */
export function describeFindings(rule: Rule, findings: readonly Finding[]): string {
  const places = findings.map((finding) =>
    `  ${finding.path}${finding.line === 0 ? "" : `:${finding.line}`}: ${finding.what}`
  );
  return `${rule.name}: ${findings.length} found\n${places.join("\n")}\nInstead: ${rule.instead}`;
}
