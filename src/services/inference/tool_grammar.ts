/**
 * Answers with tool calls as a grammar: calls that are always well-formed, alone or after any text.
 */
import {
  choice,
  empty,
  GrammarError,
  json,
  jsonRules,
  repeat,
  rule,
  schemaGrammar,
  sequence,
} from "../../grammar/mod.ts";
import type { Expression, Grammar, Range } from "../../grammar/mod.ts";
import type { ToolFormat } from "../../model/mod.ts";
import { toolCallsMax } from "./limits.ts";
import type { Tool } from "./schemas.ts";

/** What may be called, and whether something must be. */
export interface ToolCalls {
  readonly format: ToolFormat;
  readonly tools: readonly Tool[];
  /** Whether an answer must be calls; else it may be text, or text and then calls. */
  readonly required: boolean;
  /** Whether there may be more calls than one. */
  readonly parallel: boolean;
}

/**
 * The grammar of such answers. Arguments are held to a tool's schema; where that cannot be done and
 * the tool is not strict, they are any object.
 *
 * @throws {GrammarError} for a strict tool whose schema cannot be held to
 */
export function toolGrammar({ format, tools, required, parallel }: ToolCalls): Grammar {
  const rules = new Map<string, Expression>(jsonRules);
  const calls = tools.map((tool, at) =>
    sequence(
      format.start + tool.name + format.middle,
      argumentsOf(tool, { rules, prefix: `tool ${at} ` }),
      format.end,
    )
  );
  rules.set("call", choice(...calls));
  const more = repeat(sequence(format.between, rule("call")), 0, parallel ? toolCallsMax - 1 : 0);
  const list = sequence(rule("call"), more, format.close);
  const all = sequence(format.open, list);
  if (required) rules.set("root", all);
  else if (format.trigger === "") {
    rules.set("root", callOrText(format.start, { calls: all, rules }));
  } else {
    const rest = sequence(format.open.slice(format.trigger.length), list);
    rules.set("root", textThenCalls(format.trigger, { rest, rules }));
  }
  return { root: "root", rules };
}

function argumentsOf(
  tool: Tool,
  { rules, prefix }: { readonly rules: Map<string, Expression>; readonly prefix: string },
): Expression {
  try {
    const grammar = schemaGrammar(closed(tool.parameters));
    for (const [name, expression] of grammar.rules) {
      rules.set(prefix + name, renamed(expression, prefix));
    }
    return rule(prefix + grammar.root);
  } catch (thrown) {
    if (!(thrown instanceof GrammarError)) throw thrown;
    if (!tool.strict) return json.object;
    const { code, message, path } = thrown;
    const which = `${message}, in the parameters of ${JSON.stringify(tool.name)}`;
    throw new GrammarError(code, which, path);
  }
}

/** A tool without parameters is called with none. */
function closed(parameters: unknown): unknown {
  const none = { type: "object", properties: {}, additionalProperties: false };
  if (typeof parameters !== "object" || parameters === null) return none;
  const { properties, additionalProperties } = parameters as Readonly<Record<string, unknown>>;
  const isEmpty = properties === undefined ||
    (typeof properties === "object" && Object.keys(properties ?? {}).length === 0);
  return isEmpty && additionalProperties === undefined
    ? { ...parameters, additionalProperties: false }
    : parameters;
}

/** The expression with its rules' names put apart from those of other tools. */
function renamed(expression: Expression, prefix: string): Expression {
  const of = (part: Expression): Expression => renamed(part, prefix);
  switch (expression.kind) {
    case "rule":
      return rule(prefix + expression.name);
    case "sequence":
      return { ...expression, parts: expression.parts.map(of) };
    case "choice":
      return { ...expression, options: expression.options.map(of) };
    case "repeat":
      return { ...expression, part: of(expression.part) };
    default:
      return expression;
  }
}

const anyByte: Expression = { kind: "bytes", ranges: [[0, 255]] };

/** Calls, or a text that does not begin as a call does. */
function callOrText(
  start: string,
  { calls, rules }: { readonly calls: Expression; readonly rules: Map<string, Expression> },
): Expression {
  let unlike: Expression = choice();
  for (const byte of new TextEncoder().encode(start).toReversed()) {
    const other: Expression = { kind: "bytes", ranges: allBut([byte]) };
    const goesOn: Expression = { kind: "bytes", ranges: [[byte, byte]] };
    unlike = choice(empty, sequence(other, rule("any text")), sequence(goesOn, unlike));
  }
  rules.set("any text", repeat(anyByte, 0));
  return choice(calls, unlike);
}

/** Text that does not have the trigger; with it, calls begin, which end the answer. */
function textThenCalls(
  trigger: string,
  { rest, rules }: { readonly rest: Expression; readonly rules: Map<string, Expression> },
): Expression {
  const bytes = new TextEncoder().encode(trigger);
  const name = (matched: number): string => `text ${matched}`;
  bytes.forEach((_, matched) => {
    const byNext = new Map<number, number[]>();
    for (const byte of new Set(bytes)) {
      const next = matchedAfter(bytes, matched, byte);
      byNext.set(next, [...(byNext.get(next) ?? []), byte]);
    }
    const options: Expression[] = [empty];
    for (const [next, group] of byNext) {
      if (next === 0) continue;
      const ranges = group.map((byte): Range => [byte, byte]);
      const then = next === bytes.length ? rest : rule(name(next));
      options.push(sequence({ kind: "bytes", ranges }, then));
    }
    const going = [...byNext].flatMap(([next, group]) => next === 0 ? [] : group);
    options.push(sequence({ kind: "bytes", ranges: allBut(going) }, rule(name(0))));
    rules.set(name(matched), choice(...options));
  });
  return rule(name(0));
}

/** How much of the trigger the text ends with after another byte (Knuth, Morris and Pratt). */
function matchedAfter(trigger: Uint8Array, matched: number, byte: number): number {
  const seen = [...trigger.subarray(0, matched), byte];
  for (let length = seen.length; length > 0; length--) {
    const end = seen.slice(seen.length - length);
    if (end.every((one, at) => one === trigger[at])) return length;
  }
  return 0;
}

function allBut(bytes: readonly number[]): Range[] {
  const ranges: Range[] = [];
  let from = 0;
  for (const byte of bytes.toSorted((a, b) => a - b)) {
    if (byte > from) ranges.push([from, byte - 1]);
    from = byte + 1;
  }
  if (from <= 255) ranges.push([from, 255]);
  return ranges;
}
