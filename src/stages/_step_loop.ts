/**
 * Computes what waits for one executor: one loop, one ragged batch after the other, over sessions and
 * requesters. What is wrong with one frame concerns that frame only.
 */
import type { BatchEntry } from "../engine/mod.ts";
import { KeptController } from "../hot/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { forwardRows } from "./held_part.ts";
import type { HeldPart } from "./held_part.ts";
import { stageErrorOf } from "./_engine_refusals.ts";
import { joined, wantedRows } from "./_batch_rows.ts";
import { isWanted, StepQueue } from "./_step_queue.ts";
import type { QueuedEntry, QueuedForward } from "./_step_queue.ts";
import type { StageWitness } from "./server_types.ts";
import { StageError } from "./stage_error.ts";

/** Rows of a frame, computed. */
export interface ComputedFrame {
  readonly item: QueuedForward;
  /** The entries that are still wanted. */
  readonly entries: readonly QueuedEntry[];
  /** Their rows, one after the other. */
  readonly rows: Float32Array;
  /** Logits of the wanted rows, where the request ends here and the head is here. */
  readonly logits: Float32Array | undefined;
  readonly ms: number;
}

/** What a loop works with. */
export interface StepLoopOptions {
  readonly part: HeldPart;
  readonly clock: Clock;
  readonly witness: StageWitness | undefined;
  readonly onComputed: (frame: ComputedFrame) => void;
  readonly onFailed: (item: QueuedForward, error: StageError) => void;
  readonly onStep: (step: { readonly rows: number; readonly ms: number }) => void;
}

/** The wanted part of a frame. */
interface Live {
  readonly item: QueuedForward;
  readonly entries: readonly QueuedEntry[];
}

/** The loop of one part. */
export class StepLoop {
  readonly queue = new StepQueue();
  readonly #options: StepLoopOptions;
  readonly #stops = new KeptController();
  #isRunning = false;
  #pass: { readonly live: readonly Live[]; readonly stop: AbortController } | undefined;

  constructor(options: StepLoopOptions) {
    this.#options = options;
  }

  /** Adds a frame, and computes it when its turn comes. */
  push(item: QueuedForward): void {
    this.queue.push(item);
    if (!this.#isRunning) void this.#run();
  }

  /** Looks whether anybody still wants what is computed. */
  review(): void {
    if (this.#pass?.live.every(({ entries }) => !entries.some(isWanted))) this.#pass.stop.abort();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      // Frames that have arrived together share a step.
      await Promise.resolve();
      for (;;) {
        const items = this.queue.take();
        if (items.length === 0) return;
        await this.#compute(items);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #compute(items: readonly QueuedForward[]): Promise<void> {
    const live = items.flatMap((item) => this.#liveOf(item));
    if (live.length === 0) return;
    const stop = this.#stops.take();
    this.#pass = { live, stop };
    const sessions = live.flatMap(({ entries }) => entries.map(({ session }) => session));
    for (const session of sessions) session.enter();
    let failure: unknown;
    let computed: readonly ComputedFrame[] = [];
    try {
      computed = await this.#forward(live, stop.signal);
    } catch (thrown) {
      failure = thrown;
    } finally {
      this.#pass = undefined;
      for (const session of sessions) session.leave();
    }
    for (const frame of computed) this.#options.onComputed(frame);
    if (failure === undefined || stop.signal.aborted) return;
    const [only] = live;
    if (live.length === 1 && only !== undefined) this.#fail(only, failure);
    else for (const { item } of live) await this.#compute([item]);
  }

  /** What of a frame is to be computed now: nothing when it is too late or out of order. */
  #liveOf(item: QueuedForward): Live[] {
    const entries = item.entries.filter(isWanted);
    if (entries.length === 0) return [];
    if (this.#options.clock.monotonicMs() > item.dueMs) {
      this.#fail(
        { item, entries },
        new StageError({
          code: "deadline",
          message: "Cannot compute rows as their time was up before it was their turn",
        }),
      );
      return [];
    }
    try {
      for (const { session, entry: { firstPosition } } of entries) {
        if (session.held > firstPosition) {
          session.truncate(firstPosition);
          this.#options.witness?.truncated(session.id, firstPosition);
        }
        if (session.held !== firstPosition) throw gap(session.held, firstPosition);
      }
    } catch (thrown) {
      this.#fail({ item, entries }, thrown);
      return [];
    }
    return [{ item, entries }];
  }

  #fail({ item }: Live, thrown: unknown): void {
    this.#options.onFailed(item, stageErrorOf(thrown));
  }

  async #forward(live: readonly Live[], signal: AbortSignal): Promise<readonly ComputedFrame[]> {
    const { part, clock, onStep } = this.#options;
    const { executor } = part;
    const { width } = executor.shape;
    const beganMs = clock.monotonicMs();
    const layers = layersOf(live);
    const input = await this.#inputOf(live);
    const batch = live.flatMap(({ entries }) => entries.map(batchEntry));
    const output = await forwardRows(part, { layers, batch, input, signal });
    this.#tell(live, { input, output });
    const logits = await this.#logits(live, output, signal);
    const ms = clock.monotonicMs() - beganMs;
    onStep({ rows: output.length / width, ms });
    let row = 0;
    return live.map(({ item, entries }, i) => {
      const from = row;
      for (const { entry } of entries) row += entry.positionCount;
      return {
        item,
        entries,
        rows: output.subarray(from * width, row * width),
        logits: logits[i],
        ms,
      };
    });
  }

  /** The rows of the wanted entries; tokens are embedded here only where they share a step with rows. */
  async #inputOf(live: readonly Live[]): Promise<Float32Array | Uint32Array> {
    const { executor } = this.#options.part;
    const { width } = executor.shape;
    const tokens = live.flatMap(({ item: { frame, entries: all }, entries }) =>
      frame.format === "tokens" ? [wantedRows(all, entries, { data: frame.data, width: 1 })] : []
    );
    if (tokens.length === live.length) return joined(tokens);
    const inputs: Float32Array[] = [];
    for (const { item: { frame, entries: all }, entries } of live) {
      const rows = frame.format === "tokens"
        ? await executor.embed(wantedRows(all, entries, { data: frame.data, width: 1 }))
        : wantedRows(all, entries, { data: frame.data, width });
      inputs.push(rows);
    }
    return joined(inputs);
  }

  /** Logits of each frame that ends here, all computed together. */
  async #logits(
    live: readonly Live[],
    output: Float32Array,
    signal: AbortSignal,
  ): Promise<readonly (Float32Array | undefined)[]> {
    const { executor, head } = this.#options.part;
    const { width, vocabularySize, layerCount } = executor.shape;
    const rowsOfEach: (readonly number[] | undefined)[] = [];
    let row = 0;
    for (const { item: { frame }, entries } of live) {
      const isEnd = frame.content === "logits" && head && frame.endLayer === layerCount &&
        frame.untilLayer === layerCount &&
        entries.every(({ session }) => session.own.place.head);
      rowsOfEach.push(isEnd ? wantedOf(entries, row) : undefined);
      for (const { entry } of entries) row += entry.positionCount;
    }
    const all = rowsOfEach.flatMap((rows) => rows ?? []);
    const logits = all.length === 0
      ? new Float32Array()
      : await executor.head(pickRows(output, { rows: all, width }), signal);
    let at = 0;
    return live.map((one, i) => {
      const rows = rowsOfEach[i];
      if (rows === undefined) return undefined;
      const own = logits.subarray(at, at += rows.length * vocabularySize);
      this.#tellLogits(one, own);
      return own;
    });
  }

  #tell(
    live: readonly Live[],
    { input, output }: {
      readonly input: Float32Array | Uint32Array;
      readonly output: Float32Array;
    },
  ): void {
    const { witness, part: { executor: { shape: { width } } } } = this.#options;
    if (witness === undefined) return;
    let at = 0;
    for (const { item: { frame, entries: all }, entries } of live) {
      const tokens = frame.format === "tokens"
        ? wantedRows(all, entries, { data: frame.data, width: 1 })
        : undefined;
      let row = 0;
      for (const { session, entry: { firstPosition, positionCount } } of entries) {
        const end = at + positionCount * width;
        witness.computed({
          open: session.open,
          layers: session.layers,
          firstPosition,
          positionCount,
          input: tokens === undefined && input instanceof Float32Array
            ? input.subarray(at, end)
            : undefined,
          tokens: tokens?.subarray(row, row + positionCount),
          output: output.subarray(at, end),
        });
        at = end;
        row += positionCount;
      }
    }
  }

  #tellLogits({ entries }: Live, logits: Float32Array): void {
    const { witness, part: { executor: { shape: { vocabularySize } } } } = this.#options;
    let at = 0;
    for (const { session: { open }, entry } of entries) {
      const { wanted } = entry;
      const positionCount = wanted === "none" ? 0 : wanted === "last" ? 1 : entry.positionCount;
      if (positionCount === 0) continue;
      const firstPosition = entry.firstPosition + entry.positionCount - positionCount;
      const end = at + positionCount * vocabularySize;
      witness?.headed({ open, firstPosition, positionCount, logits: logits.subarray(at, end) });
      at = end;
    }
  }
}

/** Rows, of all the entries' positions from row `first` on, that the requester wants. */
export function wantedOf(entries: readonly QueuedEntry[], first = 0): readonly number[] {
  const rows: number[] = [];
  let row = first;
  for (const { entry: { positionCount, wanted } } of entries) {
    const end = row + positionCount;
    const from = wanted === "all" ? row : wanted === "last" ? end - 1 : end;
    for (let each = from; each < end; each++) rows.push(each);
    row = end;
  }
  return rows;
}

/** Some rows, one after the other; in place where they are all. */
export function pickRows(
  values: Float32Array,
  { rows, width }: { readonly rows: readonly number[]; readonly width: number },
): Float32Array {
  if (rows.length * width === values.length) return values;
  const picked = new Float32Array(rows.length * width);
  rows.forEach((row, i) => picked.set(values.subarray(row * width, (row + 1) * width), i * width));
  return picked;
}

function batchEntry({ session, entry }: QueuedEntry): BatchEntry {
  const { firstPosition, positionCount } = entry;
  return { session: session.session, firstPosition, positionCount, links: session.links.bytes };
}

function layersOf([first]: readonly Live[]): { readonly from: number; readonly to: number } {
  return { from: first?.item.frame.firstLayer ?? 0, to: first?.item.frame.endLayer ?? 0 };
}

function gap(held: number, first: number): StageError {
  return new StageError({
    code: "out-of-order",
    message: `Cannot compute rows from position ${first} on as the session holds ${held}`,
  });
}
