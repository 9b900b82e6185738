/** Counts and seeds from the arguments of scripts. */

/** A count or a seed of up to ten digits, not 0. @throws {TypeError} for what would run nothing at all */
export function countOf(text: string, what: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Number(text);
  throw new TypeError(
    `Cannot run as ${what} must be a whole number from 1 on: current value is "${text}"`,
  );
}
