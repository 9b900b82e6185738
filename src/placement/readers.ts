/**
 * Who could recover a prompt or an answer from what it computes.
 *
 * Early layers are close to the tokens, and the tokens of an answer pass through them like those of
 * the prompt; late layers are close to the tokens that come next. That others see nothing is not said:
 * whoever computes any layer may learn something of both.
 */

/** Layers from which a text can be recovered with some ease, from either end. */
const readableLayers = 4;

/** What a node computes. */
export interface ComputedPart {
  readonly from: number;
  /** The layer after the last. */
  readonly to: number;
  readonly embedding: boolean;
  readonly head: boolean;
}

/** What can be recovered. */
export interface Readable {
  readonly prompt: boolean;
  readonly answer: boolean;
}

/** What who computes a part could recover with some ease; of no layers nothing. */
export function readableFrom(
  { from, to, embedding, head }: ComputedPart,
  layerCount: number,
): Readable {
  const isSome = from < to;
  const prompt = embedding || (isSome && from < readableLayers);
  return { prompt, answer: prompt || head || (isSome && to > layerCount - readableLayers) };
}
