/**
 * Passes of rows through the program: what goes into memory before a command, and what comes out.
 *
 * Rows pass in chunks of `Scratch.chunkRows`; by the numeric class no chunk shows in a result. An
 * encoder's rows see each other, so that a span of it is never cut.
 */
import type { ModelShape } from "../model/mod.ts";
import type { Layout } from "./_layout.ts";
import { writePass } from "./_program.ts";
import type { PassPlan, ProgramHome, Run } from "./_program.ts";
import { headRowsMax } from "./_scratch.ts";
import type { PagedSession } from "./_session.ts";
import type { Threads } from "./_threads.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange } from "./face.ts";

/** Consecutive positions of a session, and the tokens there when they are embedded. */
export interface Span {
  readonly session: PagedSession;
  readonly firstPosition: number;
  readonly positionCount: number;
}

/** What a pass works with. */
export interface PassOptions {
  readonly shape: ModelShape;
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  readonly threads: Threads;
  readonly home: ProgramHome;
  /** Throws when the call is to stop; asked between two commands. */
  readonly assertGoing: () => void;
}

/** What `layers` computes. */
export interface LayersCall {
  readonly layers: LayerRange;
  readonly spans: readonly Span[];
  /** rows x width, or tokens to embed. */
  readonly input: Float32Array | Uint32Array;
  /** Receives 32 B of each row, where digests are wanted. */
  readonly digests?: Uint8Array | undefined;
}

/** What `step` computes: spans with a token for each row. */
export interface StepCall {
  readonly spans: readonly Span[];
  readonly tokens: Uint32Array;
  /** The rows whose logits are wanted, ascending. */
  readonly logitRows: readonly number[];
}

/** Runs rows through the embedding, layers and the head. */
export class Pass {
  readonly #options: PassOptions;

  constructor(options: PassOptions) {
    this.#options = options;
  }

  /** Rows of the embedding. */
  async embed(tokens: Uint32Array): Promise<Float32Array> {
    const { shape: { width }, layout: { scratch: { chunkRows } } } = this.#options;
    const result = new Float32Array(tokens.length * width);
    for (let from = 0; from < tokens.length; from += chunkRows) {
      const part = tokens.subarray(from, from + chunkRows);
      await this.#run({ rows: part.length, tokens: part, firstPosition: from });
      this.#readHidden(result.subarray(from * width, (from + part.length) * width));
    }
    return result;
  }

  /** Layers over rows of the hidden state. @throws {EngineError} "not-a-number" */
  async layers(call: LayersCall): Promise<Float32Array> {
    const { layers, input, digests } = call;
    const { width } = this.#options.shape;
    const areTokens = input instanceof Uint32Array;
    const result = new Float32Array(areTokens ? input.length * width : input.length);
    for (const { row, rows, runs } of this.#chunks(call.spans)) {
      const [from, to] = [row * width, (row + rows) * width];
      if (!areTokens) this.#writeHidden(input.subarray(from, to));
      const tokens = areTokens ? { tokens: input.subarray(row, row + rows) } : {};
      const digesting = { digests: digests !== undefined };
      await this.#run({ rows, runs, ...tokens, ...this.#local(layers), ...digesting });
      this.#readHidden(result.subarray(from, to));
      digests?.set(this.#digests(rows), row * 32);
    }
    return result;
  }

  /** The head over rows of the hidden state. @throws {EngineError} "not-a-number" */
  async head(hidden: Float32Array): Promise<Float32Array> {
    const { width, vocabularySize } = this.#options.shape;
    const count = hidden.length / width;
    const result = new Float32Array(count * vocabularySize);
    for (let from = 0; from < count; from += headRowsMax) {
      const rows = Math.min(headRowsMax, count - from);
      this.#writeHidden(hidden.subarray(from * width, (from + rows) * width));
      await this.#run({ rows, headRows: Array.from({ length: rows }, (_, row) => row) });
      this.#readLogits(result.subarray(from * vocabularySize, (from + rows) * vocabularySize));
    }
    return result;
  }

  /** From tokens to the wanted logits; one command for a chunk, and its first rows of logits. */
  async step({ spans, tokens, logitRows }: StepCall): Promise<Float32Array> {
    const { shape: { vocabularySize, layerCount } } = this.#options;
    const result = new Float32Array(logitRows.length * vocabularySize);
    let done = 0;
    for (const { row, rows, runs } of this.#chunks(spans)) {
      const wanted = logitRows.filter((each) => each >= row && each < row + rows)
        .map((each) => each - row);
      const part = tokens.subarray(row, row + rows);
      const lastLayerFrom = Math.min(rows, ...wanted);
      const whole = { runs, tokens: part, fromLayer: 0, toLayer: layerCount, lastLayerFrom };
      for (let from = 0; from === 0 || from < wanted.length; from += headRowsMax) {
        const headRows = wanted.slice(from, from + headRowsMax);
        await this.#run({ rows, headRows, ...(from === 0 ? whole : {}) });
        const to = done + headRows.length;
        this.#readLogits(result.subarray(done * vocabularySize, to * vocabularySize));
        done = to;
      }
    }
    return result;
  }

  /** From tokens to the hidden state after all layers. */
  async encode({ spans, tokens }: Omit<StepCall, "logitRows">): Promise<Float32Array> {
    const { shape: { width, layerCount } } = this.#options;
    const result = new Float32Array(tokens.length * width);
    for (const { row, rows, runs } of this.#chunks(spans)) {
      const part = tokens.subarray(row, row + rows);
      await this.#run({ rows, runs, tokens: part, fromLayer: 0, toLayer: layerCount });
      this.#readHidden(result.subarray(row * width, (row + rows) * width));
    }
    return result;
  }

  #chunks(spans: readonly Span[]): Generator<Chunk> {
    const { shape: { family }, layout: { scratch } } = this.#options;
    return chunksOf(spans, { rowsMax: scratch.chunkRows, cuts: family.causal });
  }

  async #run(plan: PassPlan): Promise<void> {
    const { threads, home, assertGoing } = this.#options;
    assertGoing();
    writePass(home, plan);
    const { bad, stopped } = await threads.run();
    if (bad !== 0) throw badResult(bad, home.firstLayer);
    if (stopped) assertGoing();
  }

  #local({ from, to }: LayerRange): Pick<PassPlan, "fromLayer" | "toLayer"> {
    const { firstLayer } = this.#options.home;
    return { fromLayer: from - firstLayer, toLayer: to - firstLayer };
  }

  #writeHidden(hidden: Float32Array): void {
    const { shape: { width }, layout: { scratch } } = this.#options;
    for (let row = 0; row * width < hidden.length; row++) {
      const at = this.#floats(scratch.xPtr + row * scratch.xStride, width);
      at.set(hidden.subarray(row * width, (row + 1) * width));
    }
  }

  #readHidden(into: Float32Array): void {
    const { shape: { width }, layout: { scratch } } = this.#options;
    for (let row = 0; row * width < into.length; row++) {
      into.set(this.#floats(scratch.xPtr + row * scratch.xStride, width), row * width);
    }
  }

  #readLogits(into: Float32Array): void {
    const { shape: { vocabularySize: size }, layout: { scratch } } = this.#options;
    for (let row = 0; row * size < into.length; row++) {
      into.set(this.#floats(scratch.logitsPtr + row * scratch.logitsStride, size), row * size);
    }
  }

  #digests(rows: number): Uint8Array {
    const { layout: { scratch }, memory } = this.#options;
    return new Uint8Array(memory.buffer, scratch.digestsPtr, rows * 32);
  }

  #floats(ptr: number, length: number): Float32Array {
    return new Float32Array(this.#options.memory.buffer, ptr, length);
  }
}

/** Rows that pass together: `rows` from `row` on. */
interface Chunk {
  readonly row: number;
  readonly rows: number;
  readonly runs: readonly Run[];
}

/** Cuts spans into chunks of at most `rowsMax` rows; between spans only, unless `cuts`. */
function* chunksOf(
  spans: readonly Span[],
  { rowsMax, cuts }: { readonly rowsMax: number; readonly cuts: boolean },
): Generator<Chunk> {
  let row = 0;
  let rows = 0;
  let runs: Run[] = [];
  for (const { session, firstPosition, positionCount } of spans) {
    for (let done = 0; done < positionCount;) {
      const left = positionCount - done;
      if (rows === rowsMax || (!cuts && rows > 0 && rows + left > rowsMax)) {
        yield { row, rows, runs };
        row += rows;
        rows = 0;
        runs = [];
      }
      const count = Math.min(left, rowsMax - rows);
      const first = firstPosition + done;
      const pagePtrs = session.pagePtrs(first + count - 1);
      runs.push({ firstPosition: first, positionCount: count, pagePtrs });
      done += count;
      rows += count;
    }
  }
  yield { row, rows, runs };
}

/** What `bad` of the program says (wasm/executor/barrier.ts). */
function badResult(bad: number, firstLayer: number): EngineError {
  if (bad < 0) return notANumber(undefined);
  const layer = (bad % keyValueBad) - 1 + firstLayer;
  if (bad < keyValueBad) return notANumber(layer);
  return new EngineError({
    code: "not-a-number",
    layer,
    message: `Cannot go on as keys and values of layer ${layer} must fit f16: one is beyond 65504`,
  });
}

const keyValueBad = 2 ** 20;

function notANumber(layer: number | undefined): EngineError {
  const where = layer === undefined ? "the head" : `layer ${layer}`;
  return new EngineError({
    code: "not-a-number",
    ...(layer === undefined ? {} : { layer }),
    message: `Cannot go on as the result of ${where} must be finite: it holds NaN or infinity`,
  });
}
