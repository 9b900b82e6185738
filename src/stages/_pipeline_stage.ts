/** A stage as its requester sees it: its own executor, or a peer behind a link. */
import type { MeshNetwork } from "../ports/mod.ts";
import type { HeldPart } from "./held_part.ts";
import type { Place } from "./route.ts";
import { StageLink } from "./_stage_link.ts";

/** The requester's own executor. */
export interface LocalStage {
  readonly isLocal: true;
  readonly place: Place;
  readonly part: HeldPart;
}

/** Any stage of a route. */
export type PipelineStage = LocalStage | RemoteStage;

/** What a remote stage works with. */
export interface RemoteStageOptions {
  readonly place: Place;
  readonly mesh: MeshNetwork;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onFrame: (stage: RemoteStage, frame: Uint8Array) => void;
  readonly onLost: (stage: RemoteStage) => void;
}

/** A peer's stage. */
export class RemoteStage {
  readonly isLocal = false;
  readonly place: Place;
  readonly #options: RemoteStageOptions;
  readonly #link: StageLink;
  #lostWhy: string | undefined;
  /** When its last frame came, or a step began. */
  lastSignMs: number;
  /** When it was asked for a sign of life, since the last one. */
  probedMs: number | undefined;

  constructor(options: RemoteStageOptions) {
    this.#options = options;
    this.place = options.place;
    this.lastSignMs = options.nowMs();
    this.#link = new StageLink({
      mesh: options.mesh,
      peer: options.place.peer,
      onFrame: (frame) => {
        this.lastSignMs = options.nowMs();
        this.probedMs = undefined;
        options.onFrame(this, frame);
      },
      onLost: (why) => this.lose(why),
    });
  }

  /** Why it is of no use any more; undefined while it is. */
  get lostWhy(): string | undefined {
    return this.#lostWhy;
  }

  send(frame: Uint8Array): void {
    this.#link.send(frame);
  }

  /** Gives it up. */
  lose(why: string): void {
    if (this.#lostWhy !== undefined) return;
    this.#lostWhy = why;
    this.#link.close();
    this.#options.onLost(this);
  }

  /** Ends the link, as nobody needs it. */
  close(): void {
    this.#lostWhy ??= "the pipeline let it go";
    this.#link.close();
  }
}
