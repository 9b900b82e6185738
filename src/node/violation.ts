/** One thing that is wrong with a configuration, with its place. */

/** A violation: where it was written, which setting, and what the rule is. */
export interface Violation {
  /** "skep.toml:12" with its directory, an environment name, a flag, or "run(config)". */
  readonly place: string;
  /** The setting as a dotted path; empty when the whole source is meant. */
  readonly path: string;
  /** What is wrong and what is allowed, without the place. */
  readonly message: string;
}

/** One line for people: `place: path: message`. */
export function formatViolation(violation: Violation): string {
  const parts = [violation.place, violation.path, violation.message];
  return parts.filter((part) => part !== "").join(": ");
}
