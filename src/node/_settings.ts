/**
 * Walks a configuration schema: which settings there are, and the schema of each. It knows valibot's
 * object and wrapper schemas; anything else is a leaf.
 */
import type { GenericSchema } from "valibot";

/** One setting: a leaf of the schema. */
export interface Setting {
  /** Dotted path, such as "api.listen". */
  readonly path: string;
  /** Its environment name, such as "SKEP_API_LISTEN". */
  readonly environmentName: string;
  /** Checks the value. */
  readonly schema: GenericSchema;
}

/** All settings of `schema`, in the order of the schema. */
export function settingsOf(schema: GenericSchema, prefix: readonly string[] = []): Setting[] {
  const entries = entriesOf(schema);
  if (entries === undefined) {
    const path = prefix.join(".");
    return [{ path, environmentName: environmentNameOf(prefix), schema }];
  }
  return Object.entries(entries).flatMap(([key, entry]) => settingsOf(entry, [...prefix, key]));
}

/** "contextMax" of "inference" reads SKEP_INFERENCE_CONTEXT_MAX. */
function environmentNameOf(path: readonly string[]): string {
  const words = path.map((part) =>
    part.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll("-", "_").toUpperCase()
  );
  return `SKEP_${words.join("_")}`;
}

/** The entries of an object schema, also inside optional(), nullish() and their kin. */
function entriesOf(schema: GenericSchema): Record<string, GenericSchema> | undefined {
  const entries: unknown = Reflect.get(schema, "entries");
  if (isRecord(entries)) return entries as Record<string, GenericSchema>;
  const wrapped: unknown = Reflect.get(schema, "wrapped");
  return isRecord(wrapped) ? entriesOf(wrapped as unknown as GenericSchema) : undefined;
}

/** Dotted paths of keys that the schema's objects do not have; valibot names only the first. */
export function unknownKeys(
  schema: GenericSchema,
  values: unknown,
  prefix: readonly string[] = [],
): string[] {
  const entries = entriesOf(schema);
  if (entries === undefined || !isRecord(values)) return [];
  return Object.entries(values).flatMap(([key, value]) => {
    const path = [...prefix, key];
    const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
    return entry === undefined ? [path.join(".")] : unknownKeys(entry, value, path);
  });
}

/** Whether a value is an object with keys (not an array, not null). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
