/**
 * Running an automaton: all places where it may be, found a byte at a time and remembered.
 *
 * A place is a state and a stack of states to go on at. Stacks share their rests, and equal sets of
 * places are one object, so that a text that goes in circles (the inside of a string) stays in one.
 */
import type { Automaton } from "./_automaton.ts";
import { GrammarError } from "./errors.ts";
import { placeSetsMax, placesMax, placesOfMaskMax } from "./limits.ts";

/** Where a text may be. */
export interface PlaceSet {
  /** Whether the text may end here. */
  readonly accepts: boolean;
  /** By class of byte: the next set, null when there is none, undefined when it is not known yet. */
  readonly next: (PlaceSet | null | undefined)[];
  /** States that read a byte, and their stacks, in pairs. */
  readonly places: readonly number[];
}

/** A stack by its number; 0 is the empty one. */
interface Stack {
  readonly state: number;
  readonly rest: number;
}

/** The sets of places of one automaton. */
export class PlaceSets {
  readonly #automaton: Automaton;
  readonly #known = new Map<string, PlaceSet>();
  readonly #stacks: Stack[] = [{ state: -1, rest: 0 }];
  readonly #stackIds = new Map<number, number>();
  /** A byte of each class. */
  readonly #byteOf: Uint8Array;
  /** States at which a rule does nothing more but end. */
  readonly #onlyReturns: Uint8Array;
  readonly #placesMax: number;
  #foundCount = 0;
  #allowance = placesOfMaskMax;
  readonly start: PlaceSet;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.#placesMax = placesMax + 2 * automaton.states.length;
    this.#byteOf = new Uint8Array(automaton.classCount);
    automaton.classOf.forEach((number, byte) => {
      this.#byteOf[number] = byte;
    });
    this.#onlyReturns = Uint8Array.from(automaton.states, (_, state) => this.#justReturns(state));
    this.start = this.#close([automaton.start, 0]);
  }

  /** How many places and stacks have been found. */
  get size(): number {
    return this.#foundCount + this.#stacks.length;
  }

  /** Allows as many new places as one mask may cost. */
  allow(): void {
    this.#allowance = placesOfMaskMax;
  }

  /** The set after a byte, or null when the byte does not fit. */
  step(set: PlaceSet, byte: number): PlaceSet | null {
    const number = this.#automaton.classOf[byte] ?? 0;
    const known = set.next[number];
    return known === undefined ? this.learn(set, number) : known;
  }

  /** Finds the set after a byte of a class, and remembers it. */
  learn(set: PlaceSet, byteClass: number): PlaceSet | null {
    const byte = this.#byteOf[byteClass] ?? 0;
    const { states } = this.#automaton;
    const targets: number[] = [];
    for (let i = 0; i < set.places.length; i += 2) {
      const stack = set.places[i + 1] ?? 0;
      for (const { from, to, target } of states[set.places[i] ?? 0]?.edges ?? []) {
        if (byte >= from && byte <= to) targets.push(target, stack);
      }
    }
    const next = targets.length === 0 ? null : this.#close(targets);
    set.next[byteClass] = next;
    return next;
  }

  /** Adds all that is reached without reading. */
  #close(targets: readonly number[]): PlaceSet {
    const { states } = this.#automaton;
    const count = states.length;
    const seen = new Set<number>();
    const work: number[] = [];
    const add = (state: number, stack: number): void => {
      const place = stack * count + state;
      if (seen.has(place)) return;
      seen.add(place);
      work.push(state, stack);
    };
    for (let i = 0; i < targets.length; i += 2) add(targets[i] ?? 0, targets[i + 1] ?? 0);
    let accepts = false;
    const places: number[] = [];
    while (work.length > 0) {
      if (seen.size > this.#placesMax) throw ambiguous(this.#placesMax);
      const stack = work.pop() ?? 0;
      const state = work.pop() ?? 0;
      const { edges, moves, call, returns } = states[state] ?? states[0] ?? nowhere;
      if (edges.length > 0) places.push(stack * count + state);
      for (const target of moves) add(target, stack);
      if (call !== undefined) {
        const isLast = this.#onlyReturns[call.back] === 1;
        add(call.start, isLast ? stack : this.#push(call.back, stack));
      }
      if (!returns) continue;
      if (stack === 0) accepts = true;
      else {
        const top = this.#stacks[stack];
        if (top !== undefined) add(top.state, top.rest);
      }
    }
    this.#foundCount += seen.size;
    this.#allowance -= seen.size;
    if (this.#allowance < 0) throw ambiguous(placesOfMaskMax);
    return this.#intern(places.sort((a, b) => a - b), accepts);
  }

  #intern(sorted: readonly number[], accepts: boolean): PlaceSet {
    const key = `${accepts ? 1 : 0},${sorted.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const count = this.#automaton.states.length;
    const places = sorted.flatMap((place) => [place % count, Math.floor(place / count)]);
    const set = { accepts, next: new Array(this.#automaton.classCount).fill(undefined), places };
    // Sets that matchers and other sets still hold live on; new ones are found beside them.
    if (this.#known.size >= placeSetsMax) this.#known.clear();
    this.#known.set(key, set);
    return set;
  }

  #push(state: number, rest: number): number {
    const key = rest * this.#automaton.states.length + state;
    const known = this.#stackIds.get(key);
    if (known !== undefined) return known;
    this.#stacks.push({ state, rest });
    this.#stackIds.set(key, this.#stacks.length - 1);
    return this.#stacks.length - 1;
  }

  #justReturns(from: number): number {
    let state = this.#automaton.states[from];
    for (let steps = 0; state !== undefined && steps < 64; steps++) {
      if (state.edges.length > 0 || state.call !== undefined) return 0;
      if (state.returns) return state.moves.length === 0 ? 1 : 0;
      const [only, ...others] = state.moves;
      if (only === undefined || others.length > 0) return 0;
      state = this.#automaton.states[only];
    }
    return 0;
  }
}

const nowhere = { edges: [], moves: [], call: undefined, returns: false };

function ambiguous(countMax: number): GrammarError {
  return new GrammarError(
    "too-large",
    `Cannot go on with the grammar as it must not take more than ${countMax} places to look at: it is too ambiguous`,
  );
}
