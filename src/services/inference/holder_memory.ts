/**
 * Who had which layers of which model when it was last there. The network service tells of members
 * that are there; who asks for layers that are missing is told who had them, and whether that one may
 * soon be back.
 */
import type { PeerKey } from "../../ports/mod.ts";
import { stageProtocol } from "../../stages/mod.ts";
import { shortIdOf } from "../network/mod.ts";
import type { PeerList, PeerView } from "../network/mod.ts";
import { holderAwayMs } from "./limits.ts";

/** Members that are remembered; a mesh itself has no more. */
const membersMax = 4096;

/** A member that computed layers when it was last there. */
export interface PastHolder {
  readonly peer: PeerKey;
  /** What people are shown of it. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** When it went, by the monotonic clock; undefined while it is there. */
  readonly goneMs: number | undefined;
}

interface Seen {
  readonly view: PeerView;
  readonly goneMs: number | undefined;
}

/** Remembers members with what they said last. */
export class HolderMemory {
  readonly #seen = new Map<PeerKey, Seen>();

  /**
   * Notes who is there now.
   *
   * @param time `nowMs` by the monotonic clock, `unixMs` by the other
   */
  note({ peers }: PeerList, { nowMs, unixMs }: { nowMs: number; unixMs: number }): void {
    const there = new Set<PeerKey>();
    for (const view of peers) {
      if (view.state !== "linked" || view.capabilities === null) continue;
      // What it had before it was started anew it is likely to have again.
      if (isLoading(view, unixMs)) continue;
      there.add(view.key);
      this.#seen.delete(view.key);
      this.#seen.set(view.key, { view, goneMs: undefined });
    }
    for (const [key, { view, goneMs }] of this.#seen) {
      if (!there.has(key)) this.#seen.set(key, { view, goneMs: goneMs ?? nowMs });
    }
    for (const key of this.#seen.keys()) {
      if (this.#seen.size <= membersMax) break;
      this.#seen.delete(key);
    }
  }

  /** Forgets a member that is none any more: it is not going to be back. */
  forget(key: PeerKey): void {
    this.#seen.delete(key);
  }

  /** Who had layers of a model, whether it is there now or not. */
  holdersOf(root: string): readonly PastHolder[] {
    return [...this.#seen.values()].flatMap(({ view, goneMs }) =>
      (view.capabilities?.models ?? []).flatMap(({ root: other, loaded }) => {
        const { peer, name } = { peer: view.key, name: memberName(view) };
        return other === root && loaded !== undefined
          ? [{ peer, name, goneMs, ...loaded.layers }]
          : [];
      })
    );
  }
}

/** Whether a linked member has not said yet what it computes, and came a moment ago. */
export function isLoading({ state, sinceMs, capabilities }: PeerView, unixMs: number): boolean {
  return state === "linked" && unixMs - sinceMs < holderAwayMs &&
    capabilities?.protocols.includes(stageProtocol) !== true;
}

/** What people are shown of a member: the short form of its id, behind its alias if it has one. */
export function memberName({ key, alias }: Pick<PeerView, "key" | "alias">): string {
  const id = shortIdOf(key);
  return alias === undefined ? id : `${alias} (${id})`;
}
