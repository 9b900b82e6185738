/**
 * Rows of a prompt on their way through the layers, a few layers at a time.
 *
 * Deep in a long prompt one row may take longer than others can wait for their next token, and rows
 * that pass a layer together share the reading of all keys and values before them. So a chunk of
 * rows is cut by layers instead of by rows: between two steps it passes as many as there is time for.
 */
import type { ModelExecutor, Session } from "../../engine/mod.ts";
import type { BatchMember } from "./batch_member.ts";
import type { LayerRange, RowRange } from "./work.ts";

/** A chunk; it is given up when its sequence loses its session. */
export class LayeredChunk {
  readonly member: BatchMember;
  readonly range: RowRange;
  readonly #executor: ModelExecutor;
  readonly #session: Session;
  readonly #tokens: Uint32Array;
  #hidden: Float32Array | undefined;
  #layer: number;

  /** @param rows at least 1, at most what is pending; the sequence has a session */
  constructor(executor: ModelExecutor, member: BatchMember, rows: number) {
    const entry = member.entry(rows, 0);
    if (entry === undefined) {
      throw new RangeError("Cannot cut a chunk as its sequence has no session");
    }
    this.member = member;
    this.range = {
      firstPosition: member.positionCount,
      rows,
      logitRows: Number(entry.logits === "last"),
    };
    this.#executor = executor;
    this.#session = entry.session;
    this.#tokens = entry.tokens;
    this.#layer = executor.layers.from;
  }

  /** Layers that it has yet to pass. */
  get layers(): LayerRange {
    return { from: this.#layer, to: this.#executor.layers.to };
  }

  /** How many those are; 0 when it is done. */
  get layersLeft(): number {
    return this.#executor.layers.to - this.#layer;
  }

  /** Whether anybody still waits for it. */
  get isWanted(): boolean {
    return this.layersLeft > 0 && this.member.isAsking && this.member.holds(this.#session);
  }

  /** Pages that it has yet to take. */
  get pagesNeeded(): number {
    return this.#hidden === undefined ? this.member.pagesFor(this.range.rows) : 0;
  }

  /**
   * Passes some layers.
   *
   * @returns the logits of the prompt's last row, once it has passed all layers
   * @throws what the executor throws
   */
  async advance(layers: number, signal: AbortSignal): Promise<Float32Array | undefined> {
    const { firstPosition, rows, logitRows } = this.range;
    const tokens = this.#tokens;
    const from = this.#layer;
    const to = from + Math.min(layers, this.layersLeft);
    const batch = [{ session: this.#session, firstPosition, positionCount: rows, tokens }];
    const hidden = this.#hidden ?? await this.#executor.embed(tokens);
    this.#hidden = await this.#executor.forward({ from, to }, batch, hidden, signal);
    this.#layer = to;
    if (this.layersLeft > 0 || logitRows === 0) return undefined;
    const { width } = this.#executor.shape;
    return await this.#executor.head(this.#hidden.subarray((rows - 1) * width), signal);
  }

  /** Forgets what it has computed: the session is as it was before. */
  undo(): void {
    if (this.member.holds(this.#session)) this.#session.truncate(this.range.firstPosition);
    this.#hidden = undefined;
    this.#layer = this.#executor.layers.from;
  }
}
