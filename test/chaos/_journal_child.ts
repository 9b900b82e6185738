/**
 * Child of journal_kill.ts: appends argv[3] events to the journal under argv[2], a few at a time, and
 * writes "<seq> <rid>" for each one that is acknowledged. Meant to be killed.
 */
import process from "node:process";
import { openIdentity } from "../../src/identity/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import { realClock, realDisk, realRandom } from "../../src/ports/mod.ts";

const [root = "", count = "0", round = ""] = process.argv.slice(2);
const disk = realDisk();
const identity = await openIdentity({ disk, path: `${root}/node.key`, random: realRandom() });
const directory = `${root}/journal`;
// Few events to a snapshot, so that many kills fall upon one.
const journal = await openJournal({
  ...{ disk, clock: realClock(), identity, directory },
  snapshotEvents: 7,
});
let next = 0;

async function appendSome(): Promise<void> {
  while (next < Number(count)) {
    const rid = `${round}-${next++}`;
    const body = { fill: "x".repeat((next * 37) % 900) };
    const event = await journal.append({ chi: "chaos", rid, body });
    process.stdout.write(`${event.seq} ${rid}\n`);
  }
}

process.stdout.write("ready\n");
await Promise.all(Array.from({ length: 4 }, appendSome));
await journal.close();
