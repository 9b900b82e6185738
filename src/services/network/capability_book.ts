/** What the node's services have said of themselves, and what the node says of itself by that. */
import { canonicalJson } from "../../journal/mod.ts";
import { capabilitiesBytesMax, joinCapabilities } from "../../mesh/mod.ts";
import type { Capabilities, CapabilitiesPatch } from "../../mesh/mod.ts";

/** Sources that may speak; a further one is refused. */
const sourcesMax = 32;

/** The node's own capabilities, by the service that said each part. */
export class CapabilityBook {
  readonly #patches = new Map<string, CapabilitiesPatch>();
  #joined: Capabilities = joinCapabilities([]);
  #text = canonicalJson(this.#joined);

  /** What the node says of itself now. */
  get capabilities(): Capabilities {
    return this.#joined;
  }

  /**
   * Replaces what a source has said.
   *
   * @returns whether the node says anything else by that
   * @throws {RangeError} when all together is longer than a peer would read; nothing is changed then
   */
  set(source: string, patch: CapabilitiesPatch): boolean {
    if (!this.#patches.has(source) && this.#patches.size >= sourcesMax) {
      throw new RangeError(
        `Cannot add what "${source}" says as at most ${sourcesMax} services may say something`,
      );
    }
    const patches = new Map(this.#patches).set(source, patch);
    const joined = joinCapabilities(patches.values());
    const text = canonicalJson(joined, { bytesMax: capabilitiesBytesMax });
    this.#patches.set(source, patch);
    if (text === this.#text) return false;
    this.#joined = joined;
    this.#text = text;
    return true;
  }
}
