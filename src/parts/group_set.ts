/**
 * Which groups (16 KiB) of a model's file are held: a bit for each, least significant first.
 */
import type { GroupRange } from "../hot/mod.ts";

/** A set of group numbers below `groups`. */
export class GroupSet {
  /** Groups of the file. */
  readonly groups: number;
  readonly #bits: Uint8Array;
  #count = 0;

  /**
   * @param bits as `bytes` gave them; a set of another length, or with bits beyond the end, is none
   */
  constructor(groups: number, bits?: Uint8Array) {
    this.groups = groups;
    this.#bits = new Uint8Array(Math.ceil(groups / 8));
    if (bits === undefined || bits.length !== this.#bits.length) return;
    for (let group = 0; group < groups; group++) {
      if (((bits[group >> 3] ?? 0) >> (group & 7) & 1) === 1) this.add(group);
    }
  }

  /** The set of all groups. */
  static all(groups: number): GroupSet {
    return new GroupSet(groups, new Uint8Array(Math.ceil(groups / 8)).fill(255));
  }

  /** How many are in it. */
  get count(): number {
    return this.#count;
  }

  /** Whether `group` is in it. */
  has(group: number): boolean {
    return ((this.#bits[group >> 3] ?? 0) >> (group & 7) & 1) === 1;
  }

  /** Adds a group. */
  add(group: number): void {
    if (this.has(group) || group >= this.groups) return;
    this.#bits[group >> 3] = (this.#bits[group >> 3] ?? 0) | 1 << (group & 7);
    this.#count++;
  }

  /** Whether all groups of a range are in it. */
  hasAll({ first, count }: GroupRange): boolean {
    for (let group = first; group < first + count; group++) if (!this.has(group)) return false;
    return true;
  }

  /** The groups of `ranges` that are not in it, in runs of at most `runMax`. */
  missing(ranges: readonly GroupRange[], runMax: number): GroupRange[] {
    const runs: GroupRange[] = [];
    for (const { first, count } of ranges) {
      for (let group = first; group < first + count; group++) {
        if (this.has(group)) continue;
        const last = runs.at(-1);
        const isNext = last !== undefined && last.first + last.count === group &&
          last.count < runMax;
        if (isNext) runs[runs.length - 1] = { first: last.first, count: last.count + 1 };
        else runs.push({ first: group, count: 1 });
      }
    }
    return runs;
  }

  /** The bits, for a file. */
  bytes(): Uint8Array {
    return this.#bits.slice();
  }
}
