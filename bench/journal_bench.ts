/**
 * How many events a second does the journal acknowledge, one after the other and 100 at a time?
 *
 * The disk is the modelled one, so this is our own work: canonical JSON, SHA-256, Ed25519, grouping.
 * Expected: some thousands a second, bounded by the signature; the real disk's sync comes on top,
 * once a group.
 */
import { identityFromSeed } from "../src/identity/mod.ts";
import { openJournal } from "../src/journal/mod.ts";
import { realClock } from "../src/ports/mod.ts";
import { ModelledDisk } from "../src/sim/mod.ts";
import { measure, small } from "./_measure.ts";

const EVENTS = small ? 20 : 1_000;
const GROUPS = [1, 100];

const identity = identityFromSeed(new Uint8Array(32).fill(7));

/** Appends `EVENTS` events to a new journal, `group` of them in flight, and returns the last number. */
async function appendAll(group: number): Promise<number> {
  const journal = await openJournal({
    disk: new ModelledDisk(),
    clock: realClock(),
    identity,
    directory: "/journal",
  });
  for (let sent = 0; sent < EVENTS; sent += group) {
    const waiting = Array.from(
      { length: Math.min(group, EVENTS - sent) },
      (_, index) =>
        journal.append({ chi: "bench.event", rid: `r-${sent + index}`, body: { sent } }),
    );
    await Promise.all(waiting);
  }
  const { seq } = journal.status();
  await journal.close();
  return seq;
}

// The ports' timers don't keep a process alive; this does, while events wait for theirs.
const alive = setInterval(() => {}, 60_000);
for (const group of GROUPS) {
  await measure({
    name: `append ${EVENTS} events, ${group} at a time`,
    unit: "event",
    rounds: 3,
    run: async () => ({ count: EVENTS, checksum: await appendAll(group) }),
  });
}
clearInterval(alive);
