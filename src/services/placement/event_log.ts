/**
 * What happens in the mesh, in one place: what the network service says, and what becomes of this
 * node's pipelines, which is broadcast among the mesh's events.
 */
import type { Host } from "../../kernel/mod.ts";
import type { PipelineEvent, Place } from "../../stages/mod.ts";
import { eventsTopic, shortIdOf } from "../network/mod.ts";
import type { NetworkEvent } from "../network/mod.ts";

/** Events that an overview tells. */
const keptMax = 32;

/** Bus topic of pipelines, which the inference service fills. */
const pipelinesTopic = "stage.events";

/** Past messages of a topic that are read at the start, after a crash of this service, say. */
const replayMax = 64;

/** The last events. */
export class EventLog {
  readonly #host: Host;
  #kept: readonly NetworkEvent[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  /** The last ones, the newest last. */
  get last(): readonly NetworkEvent[] {
    return this.#kept;
  }

  /** Keeps the mesh's events, until the service stops. */
  async follow(): Promise<void> {
    const { bus, signal } = this.#host;
    for await (const { payload } of bus.subscribe(eventsTopic, { signal, replay: replayMax })) {
      this.#kept = [...this.#kept, payload as NetworkEvent].slice(-keptMax);
    }
  }

  /** Tells of pipelines what happens to them from now on, until the service stops. */
  async relay(): Promise<void> {
    const { bus, clock, signal } = this.#host;
    for await (const { payload } of bus.subscribe(pipelinesTopic, { signal })) {
      const event = meshEventOf(payload as PipelineEvent);
      bus.publish(eventsTopic, { atMs: clock.nowMs(), ...event });
    }
  }
}

/** A pipeline's event as one of the mesh. */
export function meshEventOf(event: PipelineEvent): Omit<NetworkEvent, "atMs"> {
  const model = "root" in event ? `model ${event.root.slice(0, 12)}: ` : "";
  switch (event.kind) {
    case "route":
      return { kind: "route", detail: model + event.places.map(placeWords).join(", ") };
    case "stage-lost": {
      const { place, why } = event;
      return {
        kind: "stage-lost",
        key: place.peer,
        detail: `${model}${rangeWords(place)}: ${why}`,
      };
    }
    case "stage-replaced": {
      const taken = event.taken.map(placeWords).join(", ");
      const detail = `${model}${taken} after ${Math.round(event.ms)} ms`;
      return { kind: "stage-replaced", detail };
    }
    case "replayed": {
      const { positions, bytes, ms } = event;
      const detail = `${model}${positions} positions, ${bytes} bytes, ${Math.round(ms)} ms`;
      return { kind: "replayed", detail };
    }
    case "bad-frame":
      return { kind: "bad-frame", key: event.peer, detail: event.why };
  }
}

function placeWords(place: Place): string {
  return `${rangeWords(place)} at ${shortIdOf(place.peer)}`;
}

function rangeWords({ from, to }: Place): string {
  return `layers ${from} to ${to - 1}`;
}
