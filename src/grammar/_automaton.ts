/**
 * A grammar as an automaton over bytes with a stack: states with edges, each rule entered by a call
 * that remembers where to go on. Made by Thompson's construction; repetitions are written out.
 */
import { analyse } from "./_analysis.ts";
import type { Analysis } from "./_analysis.ts";
import { utf8Sequences } from "./code_points.ts";
import { GrammarError } from "./errors.ts";
import type { Expression, Grammar, Range } from "./expression.ts";
import { statesMax } from "./limits.ts";

/** To another state by one byte of a range. */
export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly target: number;
}

/** One state. */
export interface AutomatonState {
  readonly edges: Edge[];
  /** Where one may go without reading. */
  readonly moves: number[];
  /** A rule's first state, and where to go on after it. */
  call: { readonly start: number; readonly back: number } | undefined;
  /** Whether a rule ends here. */
  returns: boolean;
}

/** The whole. */
export interface Automaton {
  readonly start: number;
  readonly states: readonly AutomatonState[];
  /** Bytes that no edge tells apart have one class. */
  readonly classOf: Uint8Array;
  readonly classCount: number;
}

/**
 * Makes the automaton of a grammar.
 *
 * @throws {GrammarError} as `analyse`, and `too-large`
 */
export function buildAutomaton(grammar: Grammar): Automaton {
  const builder = new Builder(grammar, analyse(grammar));
  const start = builder.startOf(grammar.root);
  builder.finish();
  return { start, states: builder.states, ...byteClasses(builder.states) };
}

class Builder {
  readonly states: AutomatonState[] = [];
  readonly #grammar: Grammar;
  readonly #analysis: Analysis;
  readonly #starts = new Map<string, number>();
  readonly #pending: string[] = [];

  constructor(grammar: Grammar, analysis: Analysis) {
    this.#grammar = grammar;
    this.#analysis = analysis;
  }

  /** The first state of a rule, which is built later. */
  startOf(name: string): number {
    const known = this.#starts.get(name);
    if (known !== undefined) return known;
    const start = this.#add();
    this.#starts.set(name, start);
    this.#pending.push(name);
    return start;
  }

  /** Builds the rules that were named. */
  finish(): void {
    for (let name = this.#pending.pop(); name !== undefined; name = this.#pending.pop()) {
      const expression = this.#grammar.rules.get(name);
      if (expression === undefined) continue;
      const end = this.#build(expression, this.startOf(name));
      this.#at(end).returns = true;
    }
  }

  #add(): number {
    if (this.states.length >= statesMax) {
      throw new GrammarError(
        "too-large",
        `Cannot use the grammar as it must have at most ${statesMax} states with its repetitions written out`,
      );
    }
    this.states.push({ edges: [], moves: [], call: undefined, returns: false });
    return this.states.length - 1;
  }

  #at(state: number): AutomatonState {
    const found = this.states[state];
    if (found === undefined) throw new RangeError(`Cannot find state ${state}: there is none`);
    return found;
  }

  /** Appends what the expression matches to a state; returns where it ends. */
  #build(expression: Expression, from: number): number {
    switch (expression.kind) {
      case "text":
        return this.#text(expression.text, from);
      case "characters":
        return this.#ranges(utf8Sequences(expression.ranges), from);
      case "bytes":
        return this.#ranges(expression.ranges.map((range) => [range]), from);
      case "rule": {
        const call = this.#add();
        const back = this.#add();
        this.#at(from).moves.push(call);
        this.#at(call).call = { start: this.startOf(expression.name), back };
        return back;
      }
      case "sequence":
        return expression.parts.reduce((at, part) => this.#build(part, at), from);
      case "choice":
        return this.#choice(expression.options, from);
      case "repeat":
        return this.#repeat(expression, from);
    }
  }

  #text(text: string, from: number): number {
    let at = from;
    for (const byte of new TextEncoder().encode(text)) {
      const next = this.#add();
      this.#at(at).edges.push({ from: byte, to: byte, target: next });
      at = next;
    }
    return at;
  }

  /** Sequences of byte ranges; those that end alike share their ends. */
  #ranges(sequences: readonly (readonly Range[])[], from: number): number {
    const end = this.#add();
    const tails = new Map<string, number>([["", end]]);
    const tailOf = (rest: readonly Range[]): number => {
      const key = rest.join(";");
      const known = tails.get(key);
      if (known !== undefined) return known;
      const state = this.#add();
      tails.set(key, state);
      this.#edge(state, rest, tailOf);
      return state;
    };
    for (const ranges of sequences) this.#edge(from, ranges, tailOf);
    return end;
  }

  #edge(
    state: number,
    [first, ...rest]: readonly Range[],
    tailOf: (rest: readonly Range[]) => number,
  ): void {
    if (first === undefined) return;
    this.#at(state).edges.push({ from: first[0], to: first[1], target: tailOf(rest) });
  }

  #choice(options: readonly Expression[], from: number): number {
    const end = this.#add();
    for (const option of options) {
      if (!this.#analysis.isProductive(option)) continue;
      const start = this.#add();
      this.#at(from).moves.push(start);
      this.#at(this.#build(option, start)).moves.push(end);
    }
    return end;
  }

  #repeat({ part, min, max }: Expression & { readonly kind: "repeat" }, from: number): number {
    if (!this.#analysis.isProductive(part)) return from;
    let at = from;
    for (let i = 0; i < min; i++) at = this.#build(part, at);
    const end = this.#add();
    if (max === undefined) {
      const loop = this.#add();
      this.#at(at).moves.push(loop);
      this.#at(this.#build(part, loop)).moves.push(loop);
      this.#at(loop).moves.push(end);
      return end;
    }
    for (let i = min; i < max; i++) {
      this.#at(at).moves.push(end);
      // A state of its own, as a part may begin with a loop back to where it began.
      const start = this.#add();
      this.#at(at).moves.push(start);
      at = this.#build(part, start);
    }
    this.#at(at).moves.push(end);
    return end;
  }
}

function byteClasses(
  states: readonly AutomatonState[],
): { readonly classOf: Uint8Array; readonly classCount: number } {
  const begins = new Uint8Array(257);
  for (const { edges } of states) {
    for (const { from, to } of edges) {
      begins[from] = 1;
      begins[to + 1] = 1;
    }
  }
  const classOf = new Uint8Array(256);
  let current = 0;
  for (let byte = 1; byte < 256; byte++) {
    current += begins[byte] ?? 0;
    classOf[byte] = current;
  }
  return { classOf, classCount: current + 1 };
}
