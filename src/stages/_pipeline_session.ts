/**
 * A session of a pipeline at its requester: the tokens, and what each stage holds of them.
 */
import { EngineError } from "../engine/mod.ts";
import type { Session } from "../engine/mod.ts";
import type { PartSession } from "./held_part.ts";
import { linkPositions } from "./limits.ts";
import type { PipelineStage } from "./_pipeline_stage.ts";
import type { Place } from "./route.ts";
import type { RouteState } from "./_route_keeper.ts";
import type { StageOpen } from "./stage_open.ts";
import type { TokenChain } from "./_token_chain.ts";

/** What a stage has of a session. */
export interface StageShare {
  /** Positions that the stage has, of whatever tokens. */
  held: number;
  /** Of them, those of the session's tokens and of its prefix. */
  valid: number;
  /** Links that it was told. */
  links: number;
  /** Bytes of rows that it still takes. */
  creditBytes: number;
  /** Of the requester's own stage. */
  readonly own: PartSession | undefined;
}

/** What a session asks of its pipeline. */
export interface SessionOwner {
  /** A session like `from`, whose stages have yet to learn of it. */
  fork(from: PipelineSession): PipelineSession;
  /** Gives back what stages hold. */
  drop(session: PipelineSession): void;
}

/** A session. */
export class PipelineSession implements Session {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly chain: TokenChain;
  /** What it said that it is going to compute. */
  readonly prefix: Uint32Array;
  /** Monotonic time after which nobody wants it. */
  readonly dueMs: number;
  readonly shares = new Map<PipelineStage, StageShare>();
  readonly #owner: SessionOwner;
  /** The route that its stages know. */
  route: RouteState | undefined;
  /** What was said to the route's stages; undefined before the first step. */
  open: StageOpen | undefined;
  /** Of the last open or truncation. */
  version = 0;
  /** Of the last entry that was sent. */
  sequence = 0;
  /** Whether stages may have more, or less, under way than is known here. */
  isUnsettled = false;
  isComputing = false;
  /** Positions that all stages held already when they were to be computed. */
  reusedPositions = 0;
  #isDropped = false;

  constructor(
    owner: SessionOwner,
    options: Pick<PipelineSession, "id" | "chain" | "prefix" | "dueMs">,
  ) {
    this.#owner = owner;
    this.id = options.id;
    this.chain = options.chain;
    this.prefix = options.prefix;
    this.dueMs = options.dueMs;
  }

  get positionCount(): number {
    this.assertUsable();
    return this.chain.length;
  }

  /** Who computes it, in their order; none before the first step. */
  get places(): readonly Place[] {
    return this.route?.stages.map(({ place }) => place) ?? [];
  }

  get isDropped(): boolean {
    return this.#isDropped;
  }

  truncate(positionCount: number): void {
    this.assertIdle("truncate");
    const held = this.chain.length;
    if (!Number.isSafeInteger(positionCount) || positionCount < 0 || positionCount > held) {
      throw new RangeError(
        `Cannot truncate the session as "positionCount" must be an integer from 0 to ${held}: current value is ${positionCount}`,
      );
    }
    this.chain.truncate(positionCount);
    for (const share of this.shares.values()) {
      share.valid = Math.min(share.valid, positionCount);
      share.links = Math.min(share.links, Math.floor(positionCount / linkPositions));
    }
  }

  fork(): PipelineSession {
    this.assertIdle("fork");
    return this.#owner.fork(this);
  }

  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#owner.drop(this);
  }

  /** The token of a position that is known: computed, or promised by the prefix. */
  tokens(from: number, to: number): Uint32Array {
    const known = this.chain.slice(from, to);
    if (known.length === to - from) return known;
    const all = new Uint32Array(to - from);
    all.set(known);
    all.set(this.prefix.subarray(from + known.length, to), known.length);
    return all;
  }

  /** Compares tokens that follow with what the prefix promised: positions of others are not valid. */
  meet(tokens: Uint32Array): void {
    const first = this.chain.length;
    let at = 0;
    while (at < tokens.length && tokens[at] === this.prefix[first + at]) at++;
    if (at === tokens.length) return;
    for (const share of this.shares.values()) share.valid = Math.min(share.valid, first + at);
  }

  /** After a failure, nothing beyond its own tokens is relied on. */
  unsettle(): void {
    this.isUnsettled = true;
    for (const share of this.shares.values()) {
      share.valid = Math.min(share.valid, this.chain.length);
    }
  }

  /** @throws {EngineError} "closed" */
  assertUsable(): void {
    if (!this.#isDropped) return;
    throw new EngineError({ code: "closed", message: "Cannot use the session as it was dropped" });
  }

  /** @throws {EngineError} "busy", "closed" */
  assertIdle(verb: string): void {
    this.assertUsable();
    if (!this.isComputing) return;
    throw new EngineError({
      code: "busy",
      message: `Cannot ${verb} the session as a step is computing it`,
    });
  }
}
