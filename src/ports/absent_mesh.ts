/**
 * The mesh port where there is none: in a worker thread, and in a kernel that was given no mesh.
 * Asking it for a link is refused by a sentence; it has no peers and does nothing by itself.
 */
import { MeshError } from "./mesh_network.ts";
import type { GossipMessage, MeshEvent, MeshNetwork } from "./mesh_network.ts";

/** Where the absent mesh stands. */
export interface AbsentMeshOptions {
  /** The node's key, where it is known. @default 64 zeros */
  readonly self?: string;
  /** Why there is none, to follow "as": "this thread is a worker". */
  readonly why: string;
  /**
   * Whether serving a protocol is refused too, so that nobody believes to be reachable. Otherwise a
   * handler is taken and never called, as on a node that is in no mesh.
   *
   * @default false
   */
  readonly refuseHandlers?: boolean;
}

/** Makes a mesh that refuses. */
export function absentMesh(options: AbsentMeshOptions): MeshNetwork {
  const { self = "0".repeat(64), why, refuseHandlers = false } = options;
  function refusal(): MeshError {
    return new MeshError({
      code: "no-transport",
      message: `Cannot use the mesh as ${why}`,
    });
  }
  return {
    self,
    listen: () => Promise.reject(refusal()),
    dial: () => Promise.reject(refusal()),
    open: () => Promise.reject(refusal()),
    handle: () => {
      if (refuseHandlers) throw refusal();
      return () => {};
    },
    publish: () => Promise.reject(refusal()),
    subscribe: (_topic, signal) => untilAborted<GossipMessage>(signal),
    provide: () => Promise.reject(refusal()),
    find: () => Promise.reject(refusal()),
    peers: () => [],
    events: (signal) => untilAborted<MeshEvent>(signal),
    gateChanged: () => {},
    disconnect: () => Promise.resolve(),
    counters: () => ({
      refusedLinks: 0,
      refusedStreams: 0,
      droppedGossip: 0,
      sentBytes: 0,
      receivedBytes: 0,
    }),
    close: () => Promise.resolve(),
  };
}

/** Nothing, until the signal aborts. */
function untilAborted<T>(signal: AbortSignal): AsyncIterable<T> {
  const ended = new Promise<IteratorResult<T>>((resolve) => {
    const end = (): void => resolve({ done: true, value: undefined });
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
  const over: IteratorResult<T> = { done: true, value: undefined };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => ended,
      return: () => Promise.resolve(over),
    }),
  };
}
