/**
 * A node's configuration: defaults < skep.toml < what is remembered < environment < flags (or `run`'s
 * argument), checked by one strict schema, with the place that each value came from. It reads no file itself.
 */
import { getDotPath, safeParse } from "valibot";
import type { BaseIssue, GenericSchema } from "valibot";
import { fromCaller, fromEnvironment, fromRemembered, fromToml } from "./_config_sources.ts";
import type { ConfigSource } from "./_config_sources.ts";
import { isRecord, settingsOf, unknownKeys } from "./_settings.ts";
import type { Setting } from "./_settings.ts";
import { NodeError } from "./node_error.ts";
import type { Environment } from "./paths.ts";
import type { Remembered } from "./remembered.ts";
import { formatViolation } from "./violation.ts";
import type { Violation } from "./violation.ts";

/** What a configuration is made of. */
export interface ConfigurationInput {
  /** A strict object schema; each of its entries is a section. */
  readonly schema: GenericSchema;
  /** Looks up `SKEP_<SECTION>_<KEY>`. */
  readonly environment: Environment;
  /** skep.toml, if there is one. */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** remembered.json, if there is one. */
  readonly remembered?: { readonly path: string; readonly remembered: Remembered } | undefined;
  /** What the caller asks for; the same shape as skep.toml, every part optional. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Flag names by dotted path, for messages about `config`. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** A checked configuration. */
export interface Configuration {
  /** Sections by name, complete with defaults. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Every setting with its value and the place it came from ("default", a file and line ...). */
  readonly settings: readonly ConfiguredSetting[];
}

/** One line of `skep config show`. */
export interface ConfiguredSetting {
  readonly path: string;
  readonly value: unknown;
  readonly from: string;
  readonly environmentName: string;
}

/**
 * Merges and checks all sources.
 *
 * @throws {NodeError} code "config" with every violation
 */
export function loadConfiguration(input: ConfigurationInput): Configuration {
  const settings = settingsOf(input.schema);
  const sources = sourcesOf(input, settings);
  const merged: Record<string, unknown> = {};
  for (const source of sources) mergeInto(merged, source.values);
  const unknown = unknownKeys(input.schema, merged);
  const checked = safeParse(input.schema, merged);
  if (!checked.success || unknown.length > 0) {
    const issues = (checked.issues ?? []).filter((issue) =>
      !unknown.includes(getDotPath(issue) ?? "")
    );
    throw configError([
      ...unknown.map((path) => unknownViolation(path, sources, settings)),
      ...issues.map((issue) => violationOf(issue, sources)),
    ]);
  }
  const values = checked.output as Record<string, unknown>;
  return { values, settings: settings.map((setting) => provenance(setting, values, sources)) };
}

/** The weakest first. */
function sourcesOf(
  input: ConfigurationInput,
  settings: readonly Setting[],
): readonly ConfigSource[] {
  const file = input.file === undefined ? undefined : fromToml(input.file);
  if (file !== undefined && "message" in file) throw configError([file]);
  const above = [
    fromEnvironment(input.environment, settings),
    fromCaller({ ...input.config }, input.flags ?? {}),
  ];
  const { remembered } = input;
  const middle = remembered === undefined ? [] : [fromRemembered(remembered, { file, above })];
  return [...file === undefined ? [] : [file], ...middle, ...above];
}

function provenance(
  setting: Setting,
  values: Record<string, unknown>,
  sources: readonly ConfigSource[],
): ConfiguredSetting {
  const { path, environmentName } = setting;
  const source = settingSource(path, sources);
  const from = source === undefined ? "default" : source.placeOf(path);
  return { path, value: atPath(values, path), from, environmentName };
}

/** The last source that says anything about `path`. */
function settingSource(path: string, sources: readonly ConfigSource[]): ConfigSource | undefined {
  return sources.findLast((source) => atPath(source.values, path) !== undefined);
}

/** The place of `path`, or of the nearest part of it that is written down (an array's, say). */
function placeOf(path: string, sources: readonly ConfigSource[]): string {
  for (let rest = path; rest !== ""; rest = rest.slice(0, Math.max(0, rest.lastIndexOf(".")))) {
    const source = settingSource(rest, sources);
    if (source !== undefined) return source.placeOf(path);
  }
  return "configuration";
}

function unknownViolation(
  path: string,
  sources: readonly ConfigSource[],
  settings: readonly Setting[],
): Violation {
  const message = `is not a setting${hint(path, settings)}`;
  return { place: placeOf(path, sources), path, message };
}

function violationOf(issue: BaseIssue<unknown>, sources: readonly ConfigSource[]): Violation {
  const path = getDotPath(issue) ?? "";
  const message = issue.received === "undefined" ? "is required" : issue.message;
  return { place: placeOf(path, sources), path, message };
}

/** Names the known settings of the same section, nearest first, so that a typo is seen. */
function hint(path: string, settings: readonly Setting[]): string {
  const known = settings.map((setting) => setting.path);
  const near = known
    .map((name) => ({ name, distance: editDistance(name, path) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined && near.distance <= 3) return `; did you mean "${near.name}"?`;
  const section = path.split(".")[0] ?? "";
  const inside = known.filter((name) => name.startsWith(`${section}.`));
  const names = inside.length > 0 ? inside : [...new Set(known.map((name) => name.split(".")[0]))];
  return `; there is ${names.join(", ")}`;
}

function configError(violations: readonly Violation[]): NodeError {
  const lines = violations.map(formatViolation);
  const message = lines.length === 1
    ? `Cannot use the configuration: ${lines[0]}`
    : `Cannot use the configuration, ${lines.length} violations:\n  ${lines.join("\n  ")}`;
  return new NodeError({ code: "config", message, violations });
}

function mergeInto(target: Record<string, unknown>, values: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const present = Object.hasOwn(target, key) ? target[key] : undefined;
    if (isPlain(value)) {
      const into: Record<string, unknown> = isPlain(present) ? present : {};
      Object.defineProperty(target, key, { value: into, ...open });
      mergeInto(into, value);
    } else {
      Object.defineProperty(target, key, { value, ...open });
    }
  }
}

/** Defined rather than assigned, so that a key called "__proto__" is a key like any other. */
const open = { enumerable: true, writable: true, configurable: true } as const;

/** Tables; dates and byte arrays are values. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function atPath(values: Record<string, unknown>, path: string): unknown {
  let at: unknown = values;
  for (const key of path.split(".")) {
    if (!isRecord(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** Levenshtein distance; names are short. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const up = (previous[j] ?? 0) + 1;
      const left = (row[j - 1] ?? 0) + 1;
      row.push(Math.min(up, left, (previous[j - 1] ?? 0) + cost));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
