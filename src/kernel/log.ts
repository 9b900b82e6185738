/**
 * A node's log: levels, redaction, and lines in one of three forms, handed to a function.
 *
 * LogTape's formatters make the lines; its loggers are not used, because their configuration is one
 * for the whole process, and a node neither shares its log with another one nor touches the
 * application's.
 */
import { getAnsiColorFormatter, getJsonLinesFormatter, getTextFormatter } from "@logtape/logtape";
import type { LogRecord, TextFormatter } from "@logtape/logtape";
import type { Clock } from "../ports/mod.ts";
import { redactProperties } from "./redact.ts";
import type { Log } from "./service.ts";

/** Levels from the most talkative to the quietest; "off" writes nothing. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "off"] as const;

/** One of the levels. */
export type LogLevelName = typeof LOG_LEVELS[number];

/** The form of a line: "text" and "ansi" (coloured) for people, "json" for programs. */
export type LogForm = "text" | "ansi" | "json";

/** What a log needs. */
export interface LogOptions {
  readonly clock: Clock;
  /** Gets each line with its "\n"; must not throw. */
  readonly write: (line: string) => void;
  /** Lines below it are dropped. @default {"info"} */
  readonly level?: LogLevelName;
  /** @default {"text"} */
  readonly form?: LogForm;
}

/** A log that can be split by source. */
export interface NodeLog extends Log {
  /** The same log, with lines marked as coming from `source`. */
  withSource(source: string): NodeLog;
}

/** Makes a node's log; it holds no global state. */
export function createLog(options: LogOptions): NodeLog {
  const level = LOG_LEVELS.indexOf(options.level ?? "info");
  const format = formatterOf(options.form ?? "text", level === 0);
  return sourceLog(["skep"], { ...options, lowest: level, format });
}

/** A log that writes nothing. */
export function silentLog(clock: Clock): NodeLog {
  return createLog({ clock, level: "off", write: (): void => {} });
}

interface Sink extends LogOptions {
  readonly lowest: number;
  readonly format: (record: LogRecord) => string;
}

type LineLevel = Exclude<LogLevelName, "off">;

function sourceLog(category: readonly string[], sink: Sink): NodeLog {
  function write(
    level: LineLevel,
    message: string,
    properties: Readonly<Record<string, unknown>> = {},
  ): void {
    if (LOG_LEVELS.indexOf(level) < sink.lowest) return;
    sink.write(sink.format({
      category,
      level: level === "warn" ? "warning" : level,
      message: [message],
      rawMessage: message,
      timestamp: sink.clock.nowMs(),
      properties: redactProperties(properties),
    }));
  }
  return {
    debug: (message, properties) => write("debug", message, properties),
    info: (message, properties) => write("info", message, properties),
    warn: (message, properties) => write("warn", message, properties),
    error: (message, properties) => write("error", message, properties),
    withSource: (source) => sourceLog([...category, source], sink),
  };
}

function formatterOf(form: LogForm, stacks: boolean): (record: LogRecord) => string {
  if (form === "json") return getJsonLinesFormatter({ properties: "nest:properties" });
  const options = { timestamp: "rfc3339", sanitize: { newlines: "escape" } } as const;
  return withPropertyText(
    form === "ansi" ? getAnsiColorFormatter(options) : getTextFormatter(options),
    stacks,
  );
}

/**
 * The formatters for people write the message only; ours adds ` name=value` for each property. An
 * error's stack is for those who asked for "debug", and for programs.
 */
function withPropertyText(
  format: TextFormatter,
  stacks: boolean,
): (record: LogRecord) => string {
  return (record) => {
    const suffix = Object.entries(record.properties)
      .map(([name, value]) => ` ${name}=${valueText(value, stacks)}`).join("");
    return format({ ...record, message: [record.rawMessage + suffix] });
  };
}

function valueText(value: unknown, stacks: boolean): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  if (stacks) return JSON.stringify(value) ?? "undefined";
  return JSON.stringify(value, (name, inner) => name === "stack" ? undefined : inner) ??
    "undefined";
}
