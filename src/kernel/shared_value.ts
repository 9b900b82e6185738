/**
 * Values that are handed on without a copy: frozen through and through, so nobody can tell whether he
 * has the original. Freezing a list again after one entry has changed costs that entry only.
 */

const shared = new WeakSet<object>();

/**
 * Freezes plain data, made of objects and arrays alone, and everything in it.
 *
 * @returns the same value
 * @throws {TypeError} for what can't be frozen: typed arrays
 */
export function share<T>(value: T): T {
  if (typeof value !== "object" || value === null || shared.has(value)) return value;
  Object.freeze(value);
  for (const entry of Array.isArray(value) ? value : Object.values(value)) share(entry);
  shared.add(value);
  return value;
}

/**
 * Freezes a list of values that `share` has frozen already, of which there may be many: they are not
 * looked at.
 */
export function shareList<T extends object>(list: T[]): readonly T[] {
  shared.add(list);
  return Object.freeze(list);
}

/** Whether a value came from `share`, or is a frozen plain object without anything to freeze in it. */
export function isShared(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return shared.has(value) || (Object.isFrozen(value) && isFlat(value));
}

function isFlat(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const entry of Object.values(value)) {
    if ((typeof entry === "object" && entry !== null) || typeof entry === "function") return false;
  }
  return true;
}
