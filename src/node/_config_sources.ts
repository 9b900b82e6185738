/** Reads each source of configuration into one form: a partial object, and a place for every path. */
import { parse as parseToml, TomlError } from "smol-toml";
import { safeParse } from "valibot";
import type { GenericSchema } from "valibot";
import type { Environment } from "./paths.ts";
import type { Setting } from "./_settings.ts";
import { isRecord } from "./_settings.ts";
import { tomlLineOf, tomlPlaces } from "./_toml_places.ts";
import { holdingOf } from "./remembered.ts";
import type { Remembered } from "./remembered.ts";
import type { Violation } from "./violation.ts";

/** What one source sets. */
export interface ConfigSource {
  /** A partial object of the schema's shape, unchecked. */
  readonly values: Record<string, unknown>;
  /** Where `path` is written, for people. */
  placeOf(path: string): string;
}

/** The file's settings, or the one violation that makes it unreadable. */
export function fromToml(file: { path: string; text: string }): ConfigSource | Violation {
  try {
    const values = parseToml(file.text) as Record<string, unknown>;
    const places = tomlPlaces(file.text);
    return {
      values,
      placeOf(path: string): string {
        const line = tomlLineOf(places, path);
        return line === undefined ? file.path : `${file.path}:${line}`;
      },
    };
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = (thrown.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    return { place: `${file.path}:${thrown.line}`, path: "", message: `is not TOML: ${reason}` };
  }
}

/** The settings that the environment holds, converted from text as their schemas want them. */
export function fromEnvironment(
  environment: Environment,
  settings: readonly Setting[],
): ConfigSource {
  const values: Record<string, unknown> = {};
  const names = new Map<string, string>();
  for (const setting of settings) {
    const text = environment(setting.environmentName);
    if (text === undefined) continue;
    names.set(setting.path, setting.environmentName);
    setPath(values, setting.path, fromText(text, setting.schema));
  }
  return { values, placeOf: (path): string => nearest(names, path) ?? "environment" };
}

/** What of the remembered settings holds, given what the other sources say. */
export function fromRemembered(
  { path, remembered }: { readonly path: string; readonly remembered: Remembered },
  others: {
    readonly file: ConfigSource | undefined;
    /** Those that win over it, the strongest last. */
    readonly above: readonly ConfigSource[];
  },
): ConfigSource {
  const said = (source: ConfigSource | undefined): Record<string, unknown> => {
    const section = source?.values["inference"];
    return isRecord(section) ? section : {};
  };
  const { model, layers } = said(others.file);
  const modelAbove = others.above.map((source) => said(source)["model"])
    .findLast((value) => value !== undefined);
  const inference = holdingOf(remembered, { file: { model, layers }, modelAbove });
  return {
    values: { inference },
    placeOf: () => `remembered since "${remembered.by}": ${path}`,
  };
}

/** What the caller of `run` (or a flag of the command line) asked for. */
export function fromCaller(
  config: Record<string, unknown>,
  flags: Readonly<Record<string, string>>,
): ConfigSource {
  const names = new Map(Object.entries(flags));
  return { values: config, placeOf: (path): string => nearest(names, path) ?? "run(config)" };
}

/**
 * As a TOML value ("4096", "false", "[1, 2]") when the schema takes that, else as it is; where a list
 * is wanted, text that is no TOML list is one of its parts between commas.
 */
function fromText(text: string, schema: GenericSchema): unknown {
  const value = tomlValue(text);
  if (takes(schema, value)) return value;
  if (takes(schema, text)) return text;
  if (takes(schema, []) && !Array.isArray(value)) {
    return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  }
  return value;
}

function takes(schema: GenericSchema, value: unknown): boolean {
  return safeParse(schema, value).success;
}

/** The text itself when it is no value of TOML. */
function tomlValue(text: string): unknown {
  try {
    return parseToml(`value = ${text}`)["value"];
  } catch {
    return text;
  }
}

function nearest(names: ReadonlyMap<string, string>, path: string): string | undefined {
  for (let rest = path; rest !== ""; rest = rest.slice(0, Math.max(0, rest.lastIndexOf(".")))) {
    const name = names.get(rest);
    if (name !== undefined) return name;
  }
  return undefined;
}

function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? path;
  let at = target;
  for (const key of keys) {
    const next = at[key];
    at = isRecord(next) ? next : (at[key] = {} as Record<string, unknown>);
  }
  at[last] = value;
}
