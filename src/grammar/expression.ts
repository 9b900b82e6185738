/**
 * Grammars as values: rules by name, each an expression over bytes and characters.
 */

/** Inclusive bounds of code points or bytes. */
export type Range = readonly [from: number, to: number];

/** What a rule matches. */
export type Expression =
  /** These characters, as UTF-8. */
  | { readonly kind: "text"; readonly text: string }
  /** One character of these, as UTF-8; surrogates never match. */
  | { readonly kind: "characters"; readonly ranges: readonly Range[] }
  /** One byte of these, whatever it is part of. */
  | { readonly kind: "bytes"; readonly ranges: readonly Range[] }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "choice"; readonly options: readonly Expression[] }
  /** `max` undefined: as often as one likes. */
  | {
    readonly kind: "repeat";
    readonly part: Expression;
    readonly min: number;
    readonly max: number | undefined;
  };

/** Rules by name; one of them is where a text begins. */
export interface Grammar {
  readonly root: string;
  readonly rules: ReadonlyMap<string, Expression>;
}

/** Matches nothing but the empty text. */
export const empty: Expression = { kind: "sequence", parts: [] };

/** Matches no text at all. */
export const nothing: Expression = { kind: "choice", options: [] };

/** Whether nothing can match, as far as that is seen without looking at rules. */
export function isNothing(expression: Expression): boolean {
  switch (expression.kind) {
    case "sequence":
      return expression.parts.some(isNothing);
    case "choice":
      return expression.options.every(isNothing);
    case "repeat":
      return expression.min > 0 && isNothing(expression.part);
    case "characters":
    case "bytes":
      return expression.ranges.length === 0;
    default:
      return false;
  }
}

/** These characters. */
export function text(value: string): Expression {
  return { kind: "text", text: value };
}

/** One character of the ranges. */
export function characters(...ranges: readonly Range[]): Expression {
  return { kind: "characters", ranges };
}

/** A reference to a rule. */
export function rule(name: string): Expression {
  return { kind: "rule", name };
}

/** One after the other; a string stands for its characters. */
export function sequence(...parts: readonly (Expression | string)[]): Expression {
  return { kind: "sequence", parts: parts.map(asExpression) };
}

/** Any one of them; a string stands for its characters. */
export function choice(...options: readonly (Expression | string)[]): Expression {
  return { kind: "choice", options: options.map(asExpression) };
}

/** From `min` to `max` times. */
export function repeat(part: Expression, min: number, max?: number): Expression {
  return { kind: "repeat", part, min, max };
}

function asExpression(part: Expression | string): Expression {
  return typeof part === "string" ? text(part) : part;
}
