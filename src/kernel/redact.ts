/**
 * Makes log properties safe to write: secrets by the name of their property, and any value as plain
 * JSON-able data of bounded depth, length and size.
 *
 * By name only: a secret inside a sentence or under an innocent name is not found.
 */

/** A property is redacted when one of the words of its name is one of these. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...["key", "keys", "secret", "secrets", "token", "authorization"],
  ...["cookie", "seed", "password", "passphrase", "credential", "credentials"],
]);

/** What stands in a secret's place. */
export const REDACTED = "[redacted]";

/** Bounds of one property, so that a log line never carries a model or a database. */
const DEPTH_MAX = 6;
const ITEMS_MAX = 100;
const TEXT_CHARS_MAX = 8_192;

/** Whether a property of this name ("apiKey", "api_key", "X-Api-Key") holds a secret. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word));
}

/** A copy of log properties that may be written. */
export function redactProperties(
  properties: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return redactRecord(properties, 0);
}

function redactRecord(record: object, depth: number): Record<string, unknown> {
  const safe: [string, unknown][] = [];
  for (const [name, value] of Object.entries(record).slice(0, ITEMS_MAX)) {
    safe.push([name, isSecretName(name) ? REDACTED : redactValue(value, depth + 1)]);
  }
  return Object.fromEntries(safe);
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cut(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return cut(String(value));
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_MAX) return "[too deep]";
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date || value instanceof URL) return cut(String(value));
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Map) return redactRecord(Object.fromEntries(value), depth);
  if (value instanceof Set) return redactValue([...value], depth);
  if (!Array.isArray(value)) return redactRecord(value, depth);
  return value.slice(0, ITEMS_MAX).map((item) => redactValue(item, depth + 1));
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const code: unknown = Reflect.get(error, "code");
  return {
    name: error.name,
    message: cut(error.message),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
    ...(error.stack === undefined ? {} : { stack: cut(error.stack) }),
  };
}

function cut(text: string): string {
  if (text.length <= TEXT_CHARS_MAX) return text;
  return `${text.slice(0, TEXT_CHARS_MAX)} [and ${text.length - TEXT_CHARS_MAX} more]`;
}
