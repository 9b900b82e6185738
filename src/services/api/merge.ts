/**
 * Several streams as one: items in the order in which they come, at most one of each on its way.
 */

/** An item and which stream it is of. */
export interface MergedItem<T> {
  readonly index: number;
  readonly item: T;
}

/**
 * Merges streams. It asks each for its next item when the last one was taken, so that a reader who
 * is slow slows all of them; the end comes when all have ended.
 *
 * @throws what the first stream that fails throws
 */
export async function* merge<T>(
  streams: readonly AsyncIterator<T>[],
): AsyncGenerator<MergedItem<T>> {
  const pending = new Map(streams.map((stream, index) => [index, next(stream, index)] as const));
  while (pending.size > 0) {
    const { index, stream, result } = await Promise.race(pending.values());
    if (result.done === true) {
      pending.delete(index);
      continue;
    }
    // A stream that has given goes to the end of the line, so that none is kept waiting.
    pending.delete(index);
    yield { index, item: result.value };
    pending.set(index, next(stream, index));
  }
}

interface Next<T> {
  readonly index: number;
  readonly stream: AsyncIterator<T>;
  readonly result: IteratorResult<T>;
}

function next<T>(stream: AsyncIterator<T>, index: number): Promise<Next<T>> {
  const given = stream.next().then((result) => ({ index, stream, result }));
  // A failure is thrown where it is waited for; until then nobody else has to hear of it.
  given.catch(() => {});
  return given;
}
