/**
 * Makes sessions ready at all stages of a route: opens them, moves them to other neighbours, and asks
 * what is held after a failure. Nothing is sent on before every stage has answered.
 */
import type { Blake3 } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { encodeControl } from "./control_frames.ts";
import { openPartSession } from "./held_part.ts";
import { frameLinksMax, linkBytes, linkPositions } from "./limits.ts";
import type { PipelineSession, StageShare } from "./_pipeline_session.ts";
import type { LocalStage, PipelineStage, RemoteStage } from "./_pipeline_stage.ts";
import type { RouteState } from "./_route_keeper.ts";
import type { StageWitness } from "./server_types.ts";
import { encodeOpen } from "./stage_open.ts";
import type { OpenSigner, StageOpen } from "./stage_open.ts";
import type { Switchboard } from "./_switchboard.ts";
import { TokenChain } from "./_token_chain.ts";

/** What an opener works with. */
export interface SessionOpenerOptions {
  readonly board: Switchboard;
  readonly identity: OpenSigner;
  readonly self: PeerKey;
  readonly payer: PeerKey;
  readonly root: string;
  readonly numericClass: string;
  readonly contextMax: number;
  readonly blake3: Blake3;
  /** What the first link of a session follows. */
  readonly seed: Uint8Array;
  /** Is told of the own stage's sessions. */
  readonly witness: StageWitness | undefined;
}

/** The opener of one pipeline. */
export class SessionOpener {
  readonly #options: SessionOpenerOptions;

  constructor(options: SessionOpenerOptions) {
    this.#options = options;
  }

  /** Makes the sessions ready; resolves when all stages have answered. @throws {StageFailure} */
  async ready(sessions: readonly PipelineSession[], route: RouteState): Promise<void> {
    const answers: Promise<void>[] = [];
    for (const session of sessions) {
      if (session.route === route && !session.isUnsettled) continue;
      if (session.route === route) answers.push(this.#settle(session));
      else answers.push(this.#open(session, route));
    }
    if (answers.length > 0) await Promise.all(answers);
  }

  /** Gives back what the stages hold of a session. */
  close(session: PipelineSession): void {
    for (const [stage, share] of session.shares) this.#giveBack(session, { stage, share });
    session.shares.clear();
  }

  /** Stops what is under way for a session. */
  cancel(session: PipelineSession): void {
    for (const stage of session.shares.keys()) {
      if (!stage.isLocal) stage.send(encodeControl({ kind: "cancel", session: session.id }));
    }
  }

  /** Has all stages of the route forget what is not the session's. */
  async #settle(session: PipelineSession): Promise<void> {
    const { board } = this.#options;
    const version = ++session.version;
    const positionCount = session.chain.length;
    const frame = encodeControl({
      kind: "truncate",
      session: session.id,
      version,
      positionCount,
      nextSequence: session.sequence + 1,
    });
    await Promise.all([...session.shares].map(async ([stage, share]) => {
      if (stage.isLocal) return settleOwn(share);
      const answer = board.answer(stage, { session: session.id, version });
      stage.send(frame);
      const { held, windowBytes } = await answer;
      share.held = held;
      share.valid = Math.min(share.valid, held);
      share.links = Math.min(share.links, Math.floor(held / linkPositions));
      share.creditBytes = windowBytes;
    }));
    session.isUnsettled = false;
  }

  /** Opens a session at the stages of a route; those that know it keep what they hold. */
  async #open(session: PipelineSession, route: RouteState): Promise<void> {
    this.#leaveOthers(session, route);
    const version = ++session.version;
    const links = this.#linksOf(session);
    const open = this.#statement(session, route);
    session.open = open;
    const signed = route.stages.some(({ isLocal }) => !isLocal)
      ? await encodeOpen({ open, links }, this.#options.identity)
      : new Uint8Array();
    await Promise.all(
      route.stages.map((stage) =>
        stage.isLocal
          ? this.#openOwn(session, { stage, links })
          : this.#openRemote(session, { stage, signed, version, links: links.length / linkBytes })
      ),
    );
    session.route = route;
    session.isUnsettled = false;
  }

  async #openRemote(
    session: PipelineSession,
    { stage, signed, version, links }: {
      readonly stage: RemoteStage;
      readonly signed: Uint8Array;
      readonly version: number;
      readonly links: number;
    },
  ): Promise<void> {
    const answer = this.#options.board.answer(stage, { session: session.id, version });
    stage.send(signed);
    const { held, windowBytes } = await answer;
    const known = session.shares.get(stage);
    const valid = Math.min(held, known?.valid ?? held);
    const told = known === undefined
      ? links
      : Math.min(known.links, Math.floor(held / linkPositions));
    const share: StageShare = {
      held,
      valid,
      links: told,
      creditBytes: windowBytes,
      own: undefined,
    };
    session.shares.set(stage, share);
  }

  #openOwn(
    session: PipelineSession,
    { stage, links }: { readonly stage: LocalStage; readonly links: Uint8Array },
  ): Promise<void> {
    const known = session.shares.get(stage);
    if (known !== undefined) return Promise.resolve(settleOwn(known));
    const { place: { from, to }, part } = stage;
    const { self: owner, blake3 } = this.#options;
    const own = openPartSession(part, { owner, layers: { from, to }, blake3, links });
    const held = own.session.positionCount;
    if (session.open !== undefined) {
      this.#options.witness?.opened({ open: session.open }, held);
    }
    const share: StageShare = {
      held,
      valid: held,
      links: links.length / linkBytes,
      creditBytes: Infinity,
      own,
    };
    session.shares.set(stage, share);
    return Promise.resolve();
  }

  /** Gives the session back where the route does not lead any more. */
  #leaveOthers(session: PipelineSession, route: RouteState): void {
    for (const [stage, share] of session.shares) {
      if (route.stages.includes(stage)) continue;
      session.shares.delete(stage);
      this.#giveBack(session, { stage, share });
    }
  }

  #giveBack(
    session: PipelineSession,
    { stage, share }: { readonly stage: PipelineStage; readonly share: StageShare },
  ): void {
    if (stage.isLocal) {
      share.own?.session.drop();
      this.#options.witness?.closed(session.id);
    } else stage.send(encodeControl({ kind: "close", session: session.id }));
  }

  /** Links of what is going to be computed, but for the last token: its position must be computed. */
  #linksOf(session: PipelineSession): Uint8Array {
    const { blake3, seed } = this.#options;
    const { chain, prefix } = session;
    const length = Math.max(chain.length, prefix.length);
    const count = Math.min(frameLinksMax, Math.floor(Math.max(0, length - 1) / linkPositions));
    if (count <= chain.linkCount) return chain.links(0, count);
    const whole = new TokenChain(seed, blake3);
    whole.push(session.tokens(0, count * linkPositions));
    return whole.links(0, count);
  }

  #statement(session: PipelineSession, { stages }: RouteState): StageOpen {
    const { self, payer, root, numericClass, contextMax } = this.#options;
    return {
      v: 1,
      session: session.id,
      version: session.version,
      nextSequence: session.sequence + 1,
      requester: self,
      payer,
      root,
      numericClass,
      positionsMax: contextMax,
      stages: stages.map(({ place: { peer, from, to, embedding, head } }: PipelineStage) => {
        return { peer, from, to, embedding, head };
      }),
    };
  }
}

/** The own executor's session says itself what it holds. */
function settleOwn(share: StageShare): void {
  const { own } = share;
  if (own === undefined) return;
  share.held = own.session.positionCount;
  share.valid = Math.min(share.valid, share.held);
}
