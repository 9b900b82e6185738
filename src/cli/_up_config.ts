/** Turns the flags of `skep up` into a configuration, and remembers which flag set what. */
import { modelSetting } from "./_model_argument.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";
import type { UpOptions } from "./up.ts";

/** A partial configuration and the flags it came from. */
export interface FlagConfig {
  readonly config: Record<string, Record<string, unknown>>;
  /** Flag names by dotted path. */
  readonly flags: Record<string, string>;
}

/** @throws {CliError} exit code 2 for a `--set` that is not KEY=VALUE */
export function flagConfig(io: CliIo, options: UpOptions): FlagConfig {
  const result: FlagConfig = { config: {}, flags: {} };
  for (const text of options.set) {
    const [, path, value] = /^([A-Za-z][\w-]*\.[A-Za-z]\w*)=(.*)$/s.exec(text) ?? [];
    if (path === undefined || value === undefined) {
      throw new CliError({
        exitCode: exitCodes.usage,
        message: `Cannot use --set as it must be SECTION.KEY=VALUE: current value is "${text}"`,
      });
    }
    put(result, { path, value: valueOf(value), flag: "--set" });
  }
  const model = options.model === undefined ? undefined : modelSetting(io, options.model);
  if (model !== undefined) put(result, { path: "inference.model", value: model, flag: "--model" });
  const { layers, listen, logLevel } = options;
  if (layers !== undefined) {
    put(result, { path: "inference.layers", value: layers, flag: "--layers" });
  }
  if (listen !== undefined) put(result, { path: "api.listen", value: listen, flag: "--listen" });
  if (logLevel !== undefined) {
    put(result, { path: "log.level", value: logLevel, flag: "--log-level" });
  }
  return result;
}

function put(
  into: FlagConfig,
  setting: { readonly path: string; readonly value: unknown; readonly flag: string },
): void {
  const [section = "", key = ""] = setting.path.split(".");
  const values = Object.hasOwn(into.config, section) ? into.config[section] : undefined;
  into.config[section] = { ...values, [key]: setting.value };
  into.flags[setting.path] = setting.flag;
}

/** JSON where it is JSON (numbers, true, lists), else the text itself. */
function valueOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return text;
  }
}
