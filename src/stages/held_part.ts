/**
 * A part of a model that is held here: the executor, and how sessions of a stage use it.
 */
import type { BatchEntry, Executor, LayerRange, ModelExecutor, Session } from "../engine/mod.ts";
import type { Blake3 } from "../hot/mod.ts";
import { linkBytes, linkPositions } from "./limits.ts";

/** What can be computed here. */
export interface HeldPart {
  /** BLAKE3 root of the model, 64 hexadecimal digits. */
  readonly root: string;
  readonly executor: Executor & Pick<ModelExecutor, "openSession">;
  /** Whether the executor holds the embedding. */
  readonly embedding: boolean;
  /** Whether the executor holds the head. */
  readonly head: boolean;
}

/** Bytes of keys and values of one position in some layers of a part. */
export function positionBytes({ executor }: HeldPart, layers: LayerRange): number {
  const held = executor.layers.to - executor.layers.from;
  return executor.pages().pageBytes / linkPositions * (layers.to - layers.from) / held;
}

/** What `forwardRows` computes. */
export interface RowsCall {
  readonly layers: LayerRange;
  readonly batch: readonly BatchEntry[];
  /** rows x width, or tokens for the part's own embedding. */
  readonly input: Float32Array | Uint32Array;
  readonly signal: AbortSignal;
}

/** Layers of a part over rows; where the executor can, tokens are embedded on the way. */
export async function forwardRows(
  { executor }: HeldPart,
  { layers, batch, input, signal }: RowsCall,
): Promise<Float32Array> {
  if (!(input instanceof Uint32Array)) {
    return await executor.forward(layers, batch, input, signal);
  }
  if (executor.forwardTokens !== undefined && layers.from === 0) {
    return await executor.forwardTokens({ layers, batch, tokens: input, signal });
  }
  return await executor.forward(layers, batch, await executor.embed(input), signal);
}

/** Whose pages are meant, and of which layers: others have other links. */
export interface LinkScope {
  readonly owner: string;
  readonly layers: LayerRange;
  /** What hashes them. */
  readonly blake3: Blake3;
}

/**
 * Links as the executor's prefix cache is to know them. What a peer says of tokens that only it knows
 * is nobody else's truth, and pages of some layers are of no use to a session of others.
 */
export class ScopedLinks {
  readonly #blake3: Blake3;
  readonly #scope: Uint8Array;
  #links = new Uint8Array(0);
  #count = 0;

  constructor({ owner, layers, blake3 }: LinkScope) {
    this.#blake3 = blake3;
    this.#scope = new TextEncoder().encode(`${owner} ${layers.from} ${layers.to}\n`);
  }

  /** All links so far, in order; valid until the next `put`. */
  get bytes(): Uint8Array {
    return this.#links.subarray(0, this.#count * linkBytes);
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Notes links from `first` on, which must not leave a gap. Returns whether it did. */
  put(first: number, links: Uint8Array): boolean {
    if (first > this.#count) return false;
    const end = first + links.length / linkBytes;
    this.#reserve(end);
    const bytes = new Uint8Array(this.#scope.length + linkBytes);
    bytes.set(this.#scope);
    for (let i = first; i < end; i++) {
      bytes.set(
        links.subarray((i - first) * linkBytes, (i - first + 1) * linkBytes),
        this.#scope.length,
      );
      this.#blake3.hashInto(bytes, this.#links, i * linkBytes);
    }
    this.#count = end;
    return true;
  }

  /** Forgets links of blocks that do not end by `positionCount`. */
  truncate(positionCount: number): void {
    this.#count = Math.min(this.#count, Math.floor(positionCount / linkPositions));
  }

  #reserve(count: number): void {
    if (count * linkBytes <= this.#links.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#links.length, count * linkBytes));
    larger.set(this.#links);
    this.#links = larger;
  }
}

/** A session of a part, and the links of its tokens. */
export interface PartSession {
  readonly session: Session;
  readonly links: ScopedLinks;
}

/** Opens a session of some layers that takes over what is known under its links. */
export function openPartSession(
  part: HeldPart,
  options: LinkScope & { readonly links: Uint8Array },
): PartSession {
  const links = new ScopedLinks(options);
  links.put(0, options.links);
  const session = part.executor.openSession({ links: links.bytes, layers: options.layers });
  return { session, links };
}
