/** Whether the nodes of a world see those that are there and nobody else, in time. */
import type { PeerList } from "../services/network/mod.ts";
import type { World } from "./_world.ts";

/** How often views are held against the truth, in milliseconds. */
export const checkMs = 250;

/** Fails the world when a view is wrong for too long. */
export function checkViews(world: World): void {
  const broken = world.expectations.broken(world.nowMs);
  if (broken === undefined) return;
  const { observer, subject, cause, sinceMs } = broken;
  const what = cause === "there" ? "does not see" : "still sees";
  const since = { there: "came", gone: "went", parted: "was parted from it" }[cause];
  world.fail(
    `node ${observer} ${what} node ${subject}, ${
      Math.round(world.nowMs - sinceMs)
    } ms after it ${since}`,
  );
}

/** Waits until no view is behind any more, as long as each may be; then every list is the truth. */
export async function settleViews(
  world: World,
  { thereMsMax, signal }: { readonly thereMsMax: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const limitMs = world.nowMs + 2 * thereMsMax;
  let wrong: string | undefined = "nothing was compared";
  while (world.failure === undefined) {
    signal?.throwIfAborted();
    if (world.expectations.pendingCount === 0) wrong = await compareLists(world);
    if (wrong === undefined) return;
    await world.clock.advance(checkMs);
    checkViews(world);
    if (world.nowMs > limitMs) world.fail(wrong);
  }
}

/** Asks every node for its list; says whose is not the truth. */
async function compareLists(world: World): Promise<string | undefined> {
  const { live } = world;
  for (const node of live) {
    const own = node.number;
    const { peers } = await world.drive(node.call<PeerList>("peers.list"));
    const wanted = live.filter(({ number }) => number !== own && world.hears(own, number)).length;
    const isRight = peers.length === wanted && peers.every(({ key, state }) => {
      const number = world.numberOf(key);
      return state !== "suspect" && world.nodes[number - 1]?.isUp === true &&
        world.hears(own, number);
    });
    if (!isRight) return `node ${own} does not list exactly the ${wanted} that are there`;
    const seen = peers.map(({ key, state }) => `${world.numberOf(key)}:${state}`);
    world.tell(own, `list ${seen.join(" ")}`);
  }
  return undefined;
}
