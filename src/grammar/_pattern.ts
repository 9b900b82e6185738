/**
 * Regular expressions of `pattern` as expressions over the inside of a JSON string.
 *
 * ECMA-262 without what a grammar cannot hold to, or not cheaply: assertions other than `^` at the
 * beginning and `$` at the end, back references, properties. A pattern that is not anchored is found
 * anywhere, as JSON Schema has it.
 */
import { codePointMax, complement } from "./code_points.ts";
import { choice, repeat, sequence } from "./expression.ts";
import type { Expression, Range } from "./expression.ts";
import { json, stringCharacters } from "./json_rules.ts";
import { depthMax, repeatMax } from "./limits.ts";
import { refuse } from "./_schema_reading.ts";

const digits: readonly Range[] = [[0x30, 0x39]];
const words: readonly Range[] = [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
// The white space and line ends of ECMA-262, section 12.2 and 12.3.
const spaces: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: readonly Range[] = [[0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]];

const classes: ReadonlyMap<string, readonly Range[]> = new Map([
  ["d", digits],
  ["D", complement(digits)],
  ["w", words],
  ["W", complement(words)],
  ["s", spaces],
  ["S", complement(spaces)],
]);

const controls: ReadonlyMap<string, number> = new Map([
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["f", 0x0c],
  ["v", 0x0b],
  ["0", 0x00],
]);

const boundsPattern = /\{(\d{1,6})(?:(,)(\d{1,6})?)?\}/y;

/**
 * The inside of strings that a pattern matches.
 *
 * @param path its place in the schema
 * @throws {GrammarError} `unsupported` for what is not held to
 */
export function patternExpression(pattern: string, path: string): Expression {
  try {
    new RegExp(pattern, "u");
  } catch {
    throw refuse(path, "it must be a regular expression of ECMA-262");
  }
  return new PatternParser(pattern, path).whole();
}

class PatternParser {
  readonly #source: string;
  readonly #path: string;
  #at = 0;
  #depth = 0;

  constructor(source: string, path: string) {
    this.#source = source;
    this.#path = path;
  }

  whole(): Expression {
    const options = this.#options(true);
    if (this.#at < this.#source.length) this.#refuse("$ inside of the pattern");
    return options;
  }

  /** Options up to the end or a closing parenthesis. At the top each has its own anchors. */
  #options(isTop: boolean): Expression {
    if (++this.#depth > depthMax) throw refuse(this.#path, "its groups are nested too deeply");
    const options: Expression[] = [];
    do {
      const isFixed = isTop && this.#take("^");
      const parts = this.#parts();
      const ends = isTop && this.#take("$");
      const anything = repeat(json.character, 0);
      const before = isTop && !isFixed ? [anything] : [];
      const after = isTop && !ends ? [anything] : [];
      options.push(sequence(...before, ...parts, ...after));
    } while (this.#take("|"));
    this.#depth--;
    return choice(...options);
  }

  #parts(): Expression[] {
    const parts: Expression[] = [];
    for (;;) {
      const letter = this.#source[this.#at];
      if (letter === undefined || letter === "|" || letter === ")" || letter === "$") return parts;
      parts.push(this.#repeated(this.#atom(letter)));
    }
  }

  #atom(letter: string): Expression {
    if (letter === "^") this.#refuse("^ inside of the pattern");
    if (letter === "(") return this.#group();
    if (letter === "[") return stringCharacters(this.#class());
    if (letter === ".") {
      this.#at++;
      return stringCharacters(complement(lineEnds));
    }
    return stringCharacters(letter === "\\" ? this.#escape() : [this.#literal()]);
  }

  #group(): Expression {
    this.#at++;
    if (this.#take("?") && !this.#take(":")) {
      const name = /<[A-Za-z_$][\w$]*>/y;
      name.lastIndex = this.#at;
      const found = name.exec(this.#source);
      if (found === null) this.#refuse("an assertion");
      this.#at += found[0].length;
    }
    const inner = this.#options(false);
    if (!this.#take(")")) this.#refuse("$ inside of the pattern");
    return inner;
  }

  #repeated(part: Expression): Expression {
    let bounds: readonly [number, number | undefined];
    if (this.#take("*")) bounds = [0, undefined];
    else if (this.#take("+")) bounds = [1, undefined];
    else if (this.#take("?")) bounds = [0, 1];
    else {
      boundsPattern.lastIndex = this.#at;
      const found = boundsPattern.exec(this.#source);
      if (found === null) return part;
      const [all, min = "", comma, max] = found;
      this.#at += all.length;
      bounds = [
        Number(min),
        max === undefined ? (comma === undefined ? Number(min) : undefined) : Number(max),
      ];
    }
    // Lazy repetitions match the same texts.
    this.#take("?");
    if (Math.max(bounds[0], bounds[1] ?? 0) > repeatMax) {
      throw refuse(this.#path, `its repetitions may be at most ${repeatMax}`);
    }
    return repeat(part, ...bounds);
  }

  #class(): Range[] {
    this.#at++;
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const from = this.#member();
      const isRange = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const to = this.#member();
      ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? codePointMax]);
    }
    return negated ? complement(ranges) : ranges;
  }

  #member(): readonly Range[] {
    if (this.#source[this.#at] !== "\\") return [this.#literal()];
    if (this.#source[this.#at + 1] !== "b") return this.#escape();
    this.#at += 2;
    return [[0x08, 0x08]];
  }

  #literal(): Range {
    const codePoint = this.#source.codePointAt(this.#at) ?? 0;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return [codePoint, codePoint];
  }

  #escape(): readonly Range[] {
    const letter = this.#source[this.#at + 1] ?? "";
    const set = classes.get(letter);
    const control = controls.get(letter);
    if (set !== undefined || control !== undefined) {
      this.#at += 2;
      return set ?? [[control ?? 0, control ?? 0]];
    }
    const hex = /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\})/y;
    hex.lastIndex = this.#at;
    const found = hex.exec(this.#source);
    if (found !== null) {
      this.#at += found[0].length;
      const codePoint = Number.parseInt(found[1] ?? found[2] ?? found[3] ?? "", 16);
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) this.#refuse("half of a surrogate pair");
      return [[codePoint, codePoint]];
    }
    if (/[A-Za-z1-9]/.test(letter)) this.#refuse(`\\${letter}`);
    this.#at++;
    return [this.#literal()];
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #refuse(what: string): never {
    throw refuse(this.#path, `${what} is not held to by this release`);
  }
}
