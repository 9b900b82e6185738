/**
 * A model whose layers are spread over nodes, with the face of an executor.
 *
 * It keeps the tokens of its sessions. When a stage is lost within a step, it asks the router who
 * takes its place, has the tokens computed again through the stages before it (those behind it keep
 * what they hold, as the bits are the same), and goes on: the caller sees a pause. What nobody can
 * rebuild fails; nothing is ever left out.
 */
import { contextLimitOf, EngineError, tokenChainSeed } from "../engine/mod.ts";
import type {
  BatchEntry,
  LayerRange,
  ModelExecutor,
  PrefixCounters,
  SessionOptions,
  StepEntry,
} from "../engine/mod.ts";
import { Blake3, encodeHex } from "../hot/mod.ts";
import type { ModelShape } from "../model/mod.ts";
import type { Clock, MeshNetwork, PeerKey, Random } from "../ports/mod.ts";
import { FlightDeck } from "./_flights.ts";
import { forwardRowsMax } from "./forward_frame.ts";
import type { HeldPart } from "./held_part.ts";
import { chunkRowsDefault, rebuildMsDefault } from "./limits.ts";
import type { PipelineEvent } from "./pipeline_events.ts";
import { PipelineSession } from "./_pipeline_session.ts";
import type { RemoteStage } from "./_pipeline_stage.ts";
import type { Place, Router } from "./route.ts";
import { RouteKeeper } from "./_route_keeper.ts";
import type { StageWitness } from "./server_types.ts";
import { SessionOpener } from "./_session_opener.ts";
import type { OpenSigner } from "./stage_open.ts";
import { checkedEntries } from "./_step_checks.ts";
import { StageWatch } from "./_stage_watch.ts";
import { StepRunner } from "./_step_runner.ts";
import type { StepCall } from "./_step_runner.ts";
import { lostFailure, Switchboard } from "./_switchboard.ts";
import { TokenChain } from "./_token_chain.ts";
import { Turns } from "./_turns.ts";

/** What a pipeline works with. */
export interface PipelineOptions {
  readonly shape: ModelShape;
  readonly numericClass: string;
  /** BLAKE3 root of the model, 64 hexadecimal digits. */
  readonly root: string;
  /** Positions of a session. @default the model's */
  readonly contextMax?: number;
  readonly mesh: MeshNetwork;
  readonly clock: Clock;
  readonly random: Random;
  /** Signs opens; its key is the mesh's. */
  readonly identity: OpenSigner;
  /** Who pays. @default this node */
  readonly payer?: PeerKey;
  /** This node's own part, where it has one. */
  readonly local?: HeldPart;
  readonly router: Router;
  /** Rows that pass a stage together. @default 64 */
  readonly chunkRows?: number;
  /** How long a step waits for somebody to take a lost stage's place. @default 30 s */
  readonly rebuildMs?: number;
  readonly onEvent?: (event: PipelineEvent) => void;
  /** Is told what this node's own part computes, to vouch for it. */
  readonly witness?: StageWitness;
}

/** An executor over stages. */
export class PipelineExecutor implements ModelExecutor {
  readonly shape: ModelShape;
  readonly numericClass: string;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly threadCount: number;
  readonly closed: Promise<undefined>;
  readonly #options: PipelineOptions;
  readonly #turns = new Turns();
  readonly #blake3 = new Blake3();
  readonly #seed: Uint8Array;
  readonly #board: Switchboard;
  readonly #keeper: RouteKeeper;
  readonly #opener: SessionOpener;
  readonly #runner: StepRunner;
  readonly #watch: StageWatch;
  readonly #sessions = new Set<PipelineSession>();
  readonly #ended = Promise.withResolvers<undefined>();
  #askedPositions = 0;
  #isClosed = false;

  constructor(options: PipelineOptions) {
    const { shape, numericClass, root, mesh, clock, random, local } = options;
    this.#options = options;
    this.shape = shape;
    this.numericClass = numericClass;
    this.contextMax = options.contextMax ?? contextLimitOf(shape);
    this.layers = { from: 0, to: shape.layerCount };
    this.threadCount = (local?.executor as Partial<ModelExecutor> | undefined)?.threadCount ?? 1;
    this.closed = this.#ended.promise;
    this.#seed = tokenChainSeed({ numericClass, root });
    this.#board = new Switchboard({
      onCredit: (stage, { session: id, bytes }) => {
        const share = [...this.#sessions].find((one) => one.id === id)?.shares.get(stage);
        if (share !== undefined) share.creditBytes += bytes;
      },
      onNotice: (stage, { code, sentence }) => {
        if (code === "leaving") stage.lose(`it leaves: ${sentence}`);
      },
      onBadFrame: (stage, error) => {
        this.#tell({ kind: "bad-frame", peer: stage.place.peer, why: error.message });
        stage.lose(error.message);
      },
    });
    const onFrame = (stage: RemoteStage, bytes: Uint8Array): void =>
      this.#board.receive(stage, bytes);
    this.#keeper = new RouteKeeper({
      ...{ root, numericClass, layerCount: shape.layerCount, mesh, clock, local, onFrame },
      router: options.router,
      rebuildMs: options.rebuildMs ?? rebuildMsDefault,
      onLost: (stage) => this.#board.fail(lostFailure(stage)),
      onEvent: (event) => this.#tell(event),
    });
    this.#opener = new SessionOpener({
      ...{ board: this.#board, identity: options.identity, self: mesh.self, root, numericClass },
      payer: options.payer ?? mesh.self,
      contextMax: this.contextMax,
      blake3: this.#blake3,
      seed: this.#seed,
      witness: options.witness,
    });
    const { width, vocabularySize } = shape;
    const rowsMax = Math.min(
      options.chunkRows ?? chunkRowsDefault,
      forwardRowsMax(numericClass, width),
    );
    const deck = new FlightDeck({
      ...{ board: this.#board, random, root, numericClass, width, vocabularySize, local, rowsMax },
      witness: options.witness,
    });
    this.#watch = new StageWatch(clock);
    this.#runner = new StepRunner({
      ...{ root, width, self: mesh.self, clock, deck, sessions: this.#sessions },
      board: this.#board,
      keeper: this.#keeper,
      opener: this.#opener,
      watch: this.#watch,
      onEvent: (event) => this.#tell(event),
    });
  }

  /** The places in use, in their order; none before the first step. */
  get route(): readonly Place[] {
    return this.#keeper.route?.stages.map(({ place }) => place) ?? [];
  }

  openSession(options: SessionOptions = {}): PipelineSession {
    this.#assertOpen();
    const { prefix = new Uint32Array(), dueMs = Infinity } = options;
    this.#askedPositions += prefix.length;
    return this.#newSession({
      chain: new TokenChain(this.#seed, this.#blake3),
      prefix,
      dueMs,
    });
  }

  async embed(tokens: Uint32Array): Promise<Float32Array> {
    this.#assertOpen();
    const { local } = this.#options;
    if (local?.embedding !== true) throw notHeld("the embedding");
    return await local.executor.embed(tokens);
  }

  /** All layers over rows whose tokens are known: they are what a lost stage is rebuilt from. */
  // tidy: allow positional-parameters as the face has them
  forward(
    layers: LayerRange,
    batch: readonly BatchEntry[],
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return this.#turns.take(async () => {
      if (layers.from !== 0 || layers.to !== this.shape.layerCount) {
        throw notHeld(`layers ${layers.from} to ${layers.to} by themselves`);
      }
      const entries = batch.map(({ session, tokens, firstPosition, positionCount }) => {
        const isNext = session.positionCount === firstPosition && tokens?.length === positionCount;
        if (tokens === undefined || !isNext) {
          throw new RangeError("Cannot run layers as the rows' tokens must be known, and be next");
        }
        return { session, tokens, logits: "all" } as const;
      });
      return await this.#step(entries, { signal, hidden, content: "activations" });
    });
  }

  async head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    this.#assertOpen();
    const { local } = this.#options;
    if (local?.head !== true) throw notHeld("the head");
    return await local.executor.head(hidden, signal);
  }

  step(entries: readonly StepEntry[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#turns.take(() => this.#step(entries, { signal, content: "logits" }));
  }

  encode(): Promise<Float32Array> {
    return Promise.reject(notHeld("an encoder: its texts are computed where it is whole"));
  }

  prefixCounters(): PrefixCounters {
    const hitPositions = this.#runner.skippedPositions;
    return { hitPositions, askedPositions: this.#askedPositions, heldPages: 0, evictedPages: 0 };
  }

  /** The own part's pages; other stages say when they have no room. */
  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    return this.#options.local?.executor.pages() ?? { used: 0, total: 0, pageBytes: 0 };
  }

  /** Gives everything back, at other nodes too. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const session of [...this.#sessions]) session.drop();
    this.#watch.stop();
    this.#keeper.close();
    this.#board.fail(closed());
    this.#ended.resolve(undefined);
  }

  async #step(given: readonly StepEntry[], call: StepCall): Promise<Float32Array> {
    this.#assertOpen();
    const entries = checkedEntries(given, { limits: this, sessions: this.#sessions });
    const sessions = entries.map(({ session }) => session);
    for (const session of sessions) session.isComputing = true;
    try {
      const values = await this.#runner.run(entries, call);
      this.#keeper.onStepDone();
      for (const { session, tokens, logits } of entries) {
        session.chain.push(
          tokens,
          logits === "all" && call.hidden === undefined ? 1 : tokens.length,
        );
      }
      return values;
    } catch (thrown) {
      for (const session of sessions) session.unsettle();
      if (call.signal?.aborted) { for (const session of sessions) this.#opener.cancel(session); }
      throw thrown;
    } finally {
      for (const session of sessions) {
        session.isComputing = false;
        if (session.isDropped) this.#giveBack(session);
      }
    }
  }

  #newSession(
    given: Pick<PipelineSession, "chain" | "prefix" | "dueMs">,
  ): PipelineSession {
    const id = encodeHex(this.#options.random.fill(new Uint8Array(16)));
    const session: PipelineSession = new PipelineSession({
      fork: (from) => {
        const copy = new TokenChain(this.#seed, this.#blake3);
        copy.push(from.chain.slice(0, from.chain.length));
        return this.#newSession({ chain: copy, prefix: from.prefix, dueMs: from.dueMs });
      },
      drop: (one) => {
        if (one.isComputing) this.#opener.cancel(one);
        else this.#giveBack(one);
      },
    }, { id, ...given });
    this.#sessions.add(session);
    return session;
  }

  #giveBack(session: PipelineSession): void {
    this.#sessions.delete(session);
    this.#opener.close(session);
  }

  #tell(event: PipelineEvent): void {
    this.#options.onEvent?.(event);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closed();
  }
}

function notHeld(what: string): EngineError {
  return new EngineError({
    code: "not-held",
    message: `Cannot compute this as a pipeline does not hold ${what}`,
  });
}

function closed(): EngineError {
  return new EngineError({ code: "closed", message: "Cannot use the pipeline as it was closed" });
}
