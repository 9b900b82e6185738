/**
 * How deep a JSON value is nested, found without going as deep on the stack.
 */

/** Whether a value has arrays and objects more than `levelsMax` deep. */
export function isNestedDeeper(value: unknown, levelsMax: number): boolean {
  let level = containersIn([value]);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > levelsMax) return true;
    level = level.flatMap((one) => containersIn(Object.values(one)));
  }
  return false;
}

function containersIn(values: readonly unknown[]): object[] {
  return values.filter((value): value is object => typeof value === "object" && value !== null);
}
