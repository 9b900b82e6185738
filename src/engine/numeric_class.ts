/**
 * The name of the arithmetic that this release executes (docs/NUMERIC_CLASS.md), and its constants.
 */

/** The numeric class of executors that store keys and values as f32, and of every sampler. */
export const numericClass = "skep-q8a/1";

/** How keys and values are stored. */
export type KeyValueType = "f32" | "f16";

/** The numeric class of executors that store keys and values so. */
export function numericClassOf(keyValueType: KeyValueType): string {
  return keyValueType === "f32" ? numericClass : "skep-q8a-kv16/1";
}

/** How executors of a numeric class store keys and values; undefined for no class of this release. */
export function keyValueTypeOf(name: string): KeyValueType | undefined {
  return (["f32", "f16"] as const).find((type) => numericClassOf(type) === name);
}

/** Every numeric class that this release executes a model in. */
export const numericClasses: readonly string[] = [numericClassOf("f32"), numericClassOf("f16")];

/** Positions in an attention tile; tiles start at multiples of it. It is also the KV page length. */
export const tilePositions = 32;

/** No session may be longer, whatever the model says: the range in which `sin` and `cos` are exact. */
export const contextMaxLimit = 2 ** 20;
