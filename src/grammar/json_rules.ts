/**
 * JSON as a grammar: RFC 8259 without space between tokens, of which models write any amount.
 *
 * A character is written in one way, that of `JSON.stringify`: an escape is used where JSON demands
 * one and nowhere else. A number may be written in any way that JSON has (`1.00`, `-0`, `1E+5`), with
 * at most 15 digits before and after the point, which is what an f64 tells apart, and two digits of
 * an exponent.
 */
import { complement, includes, normalised } from "./code_points.ts";
import { characters, choice, repeat, rule, sequence, text } from "./expression.ts";
import type { Expression, Range } from "./expression.ts";

/** Control characters, the quote and the backslash: a JSON string has them escaped. */
const escaped: readonly Range[] = [[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]];

const plain = complement(escaped);

/** Any characters but those that need an escape. */
export const plainCharacters: Expression = characters(...plain);

const quote = text('"');

/** Characters of a JSON string that stand for those of the ranges. */
export function stringCharacters(ranges: readonly Range[]): Expression {
  const wanted = normalised(ranges);
  const escapes: Expression[] = [];
  for (const [from, to] of escaped) {
    for (let codePoint = from; codePoint <= to; codePoint++) {
      if (!includes(wanted, codePoint)) continue;
      escapes.push(text(JSON.stringify(String.fromCodePoint(codePoint)).slice(1, -1)));
    }
  }
  const unescaped = complement([...complement(wanted), ...escaped]);
  return choice(characters(...unescaped), ...escapes);
}

/** A JSON string with the given inside. */
export function quoted(inside: Expression): Expression {
  return sequence(quote, inside, quote);
}

const digit = characters([0x30, 0x39]);
const integer = sequence(
  repeat(text("-"), 0, 1),
  choice("0", sequence(characters([0x31, 0x39]), repeat(digit, 0, 14))),
);
const sign = repeat(characters([0x2b, 0x2b], [0x2d, 0x2d]), 0, 1);
const number = sequence(
  integer,
  repeat(sequence(".", repeat(digit, 1, 15)), 0, 1),
  repeat(sequence(characters([0x45, 0x45], [0x65, 0x65]), sign, repeat(digit, 1, 2)), 0, 1),
);

/** Names of the rules in `jsonRules`. */
export const json = {
  value: rule("json-value"),
  object: rule("json-object"),
  array: rule("json-array"),
  string: rule("json-string"),
  /** One character of a string. */
  character: rule("json-character"),
  number: rule("json-number"),
  integer: rule("json-integer"),
  boolean: choice("true", "false"),
  null: text("null"),
  /** A member's name without its opening quote, none of whose characters needs an escape. */
  restOfKey: rule("json-key"),
} as const;

const member = sequence(json.string, ":", json.value);

/** The rules that `json` names. */
export const jsonRules: ReadonlyMap<string, Expression> = new Map([
  [
    "json-value",
    choice(json.object, json.array, json.string, json.number, json.boolean, json.null),
  ],
  ["json-object", sequence("{", repeat(listOf(member), 0, 1), "}")],
  ["json-array", sequence("[", repeat(listOf(json.value), 0, 1), "]")],
  ["json-string", quoted(repeat(json.character, 0))],
  ["json-key", sequence(repeat(plainCharacters, 0), quote)],
  ["json-character", stringCharacters(complement([]))],
  ["json-number", number],
  ["json-integer", integer],
]);

/** One or more, with commas between them. */
export function listOf(item: Expression): Expression {
  return sequence(item, repeat(sequence(",", item), 0));
}

/** Any JSON object, for `json_object`. */
export const jsonObjectGrammar = { root: "json-object", rules: jsonRules } as const;
