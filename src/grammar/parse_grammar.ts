/**
 * Grammars as text: the EBNF that llama.cpp calls GBNF and xgrammar takes too.
 *
 *     root  ::= "yes" | "no" reason?     # a comment
 *     reason ::= ", as " [a-z ]{1,40}
 *
 * Literals and classes have the escapes \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH; `.` is
 * any character; repetitions are * + ? {m} {m,} {m,n}. A rule goes on until the next `name ::=`.
 */
import { codePointMax, complement, normalised } from "./code_points.ts";
import { GrammarError } from "./errors.ts";
import type { GrammarErrorCode } from "./errors.ts";
import { choice, empty } from "./expression.ts";
import type { Expression, Grammar, Range } from "./expression.ts";
import { depthMax, grammarUnitsMax, repeatMax, rulesMax } from "./limits.ts";

const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ...[..."\\\"'[]-^/"].map((letter) => [letter, letter] as const),
]);

/** Digits after a letter that begins a code point in hexadecimal. */
const hexDigits: ReadonlyMap<string, number> = new Map([["x", 2], ["u", 4], ["U", 8]]);

const namePattern = /[A-Za-z_][A-Za-z0-9_-]*/y;
const spacePattern = /(?:\s|#[^\n]*)*/y;
const definePattern = /[A-Za-z_][A-Za-z0-9_-]*(?:\s|#[^\n]*)*::=/y;
const boundsPattern = /\{\s*(\d{1,9})\s*(,?)\s*(\d{1,9})?\s*\}/y;

/**
 * Reads a grammar.
 *
 * @throws {GrammarError} `syntax` with line and column, `too-large`
 */
export function parseGrammar(source: string): Grammar {
  if (source.length > grammarUnitsMax) {
    throw new GrammarError(
      "too-large",
      `Cannot use the grammar as it must be at most ${grammarUnitsMax} characters: it has ${source.length}`,
    );
  }
  return new Parser(source).grammar();
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  grammar(): Grammar {
    const rules = new Map<string, Expression>();
    this.#space();
    while (this.#at < this.#source.length) {
      const name = this.#match(namePattern)?.[0] ?? this.#fail("a rule's name was expected");
      if (rules.has(name)) this.#fail(`rule "${name}" is defined twice`);
      if (rules.size >= rulesMax) this.#fail(`there may be at most ${rulesMax} rules`, "too-large");
      this.#space();
      if (!this.#take("::=")) this.#fail('"::=" was expected');
      this.#space();
      rules.set(name, this.#choice());
    }
    if (!rules.has("root")) this.#fail('there must be a rule "root"');
    return { root: "root", rules };
  }

  #choice(): Expression {
    if (++this.#depth > depthMax) {
      this.#fail(`groups may be nested at most ${depthMax} deep`, "too-large");
    }
    const options = [this.#sequence()];
    while (this.#take("|")) {
      this.#space();
      options.push(this.#sequence());
    }
    this.#depth--;
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : choice(...options);
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    for (;;) {
      const part = this.#primary();
      if (part === undefined) break;
      parts.push(this.#repeated(part));
      this.#space();
    }
    const [only] = parts;
    if (only === undefined) return empty;
    return parts.length === 1 ? only : { kind: "sequence", parts };
  }

  /** One part, or undefined where the sequence ends. */
  #primary(): Expression | undefined {
    const letter = this.#source[this.#at];
    if (letter === undefined || letter === "|" || letter === ")") {
      if (letter === ")" && this.#depth === 1) this.#fail('")" has no "("');
      return undefined;
    }
    if (this.#take('"')) return { kind: "text", text: this.#literal() };
    if (this.#take("[")) return { kind: "characters", ranges: this.#class() };
    if (this.#take(".")) return { kind: "characters", ranges: complement([]) };
    if (this.#take("(")) return this.#group();
    if (this.#looksAt(definePattern)) return undefined;
    const name = this.#match(namePattern)?.[0] ??
      this.#fail(`${JSON.stringify(letter)} was not expected`);
    return { kind: "rule", name };
  }

  #group(): Expression {
    this.#space();
    const inner = this.#choice();
    if (!this.#take(")")) this.#fail('")" was expected');
    return inner;
  }

  #repeated(part: Expression): Expression {
    this.#space();
    let repeated = part;
    for (;;) {
      const bounds = this.#bounds();
      if (bounds === undefined) return repeated;
      repeated = { kind: "repeat", part: repeated, ...bounds };
      this.#space();
    }
  }

  #bounds(): { min: number; max: number | undefined } | undefined {
    if (this.#take("*")) return { min: 0, max: undefined };
    if (this.#take("+")) return { min: 1, max: undefined };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (this.#source[this.#at] !== "{") return undefined;
    const found = this.#match(boundsPattern) ?? this.#fail("a repetition is {m}, {m,} or {m,n}");
    const [, low = "", comma, high] = found;
    const min = Number(low);
    const max = high === undefined ? (comma === "," ? undefined : min) : Number(high);
    if (min > (max ?? min)) this.#fail(`a repetition must not be from ${min} to ${max}`);
    if (Math.max(min, max ?? 0) > repeatMax) {
      this.#fail(`a repetition may be at most ${repeatMax} times`, "too-large");
    }
    return { min, max };
  }

  #literal(): string {
    let value = "";
    while (!this.#take('"')) value += String.fromCodePoint(this.#character('a closing "'));
    return value;
  }

  #class(): Range[] {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const from = this.#character("a closing ]");
      const isRange = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (isRange) this.#at++;
      const to = isRange ? this.#character("a closing ]") : from;
      if (to < from) this.#fail("a range of characters must go up");
      ranges.push([from, to]);
    }
    return negated ? complement(ranges) : normalised(ranges);
  }

  /** A code point, escaped or not. */
  #character(expected: string): number {
    const codePoint = this.#source.codePointAt(this.#at);
    if (codePoint === undefined || codePoint === 0x0a) this.#fail(`${expected} was expected`);
    this.#at += codePoint > 0xffff ? 2 : 1;
    if (codePoint !== 0x5c) return codePoint;
    const letter = this.#source[this.#at++] ?? "";
    const plain = escapes.get(letter);
    if (plain !== undefined) return plain.charCodeAt(0);
    const digits = this.#source.slice(this.#at, this.#at + (hexDigits.get(letter) ?? 0));
    const value = Number.parseInt(digits, 16);
    const isHex = digits.length === hexDigits.get(letter) && /^[0-9A-Fa-f]+$/.test(digits);
    if (!isHex || value > codePointMax || (value >= 0xd800 && value <= 0xdfff)) {
      this.#fail(`"\\${letter}${digits}" is no escape`);
    }
    this.#at += digits.length;
    return value;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #space(): void {
    this.#match(spacePattern);
  }

  #looksAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#source);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #fail(what: string, code: GrammarErrorCode = "syntax"): never {
    const before = this.#source.slice(0, this.#at).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new GrammarError(
      code,
      `Cannot read the grammar at line ${before.length}, column ${column}: ${what}`,
    );
  }
}
