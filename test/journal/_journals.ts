/** What the journal's tests share: a journal on a modelled disk in virtual time. */
import { identityFromSeed } from "../../src/identity/mod.ts";
import type { Identity } from "../../src/identity/mod.ts";
import { openJournal, readJournal } from "../../src/journal/mod.ts";
import type { Journal, JournalOptions, VerifyReport } from "../../src/journal/mod.ts";
import { readWholeFile } from "../../src/ports/mod.ts";
import type { Disk } from "../../src/ports/mod.ts";
import { ModelledDisk, VirtualClock } from "../../src/sim/mod.ts";

/** Where the tests' journals are. */
export const directory = "/state/journal";

/** The tests' own identity, and another one. */
export const [identity, stranger]: [Identity, Identity] = [
  identityFromSeed(new Uint8Array(32).fill(1)),
  identityFromSeed(new Uint8Array(32).fill(2)),
];

/** Midnight of 2026-03-01, and the names of the two days around it. */
export const midnightMs: number = Date.UTC(2026, 2, 1);
export const [dayBefore, dayAfter] = ["2026-02-28.ndjson", "2026-03-01.ndjson"] as const;

/** Opens the journal on `disk`; the clock starts a minute before midnight. */
export function open(disk: Disk, options: Partial<JournalOptions> = {}): Promise<Journal> {
  const clock = options.clock ?? new VirtualClock({ startMs: midnightMs - 60_000 });
  return openJournal({ disk, identity, directory, ...options, clock });
}

/** A disk with a closed journal of `count` events in each of two days, five to a commit. */
export async function filledDisk(count: number): Promise<ModelledDisk> {
  const disk = new ModelledDisk();
  const clock = new VirtualClock({ startMs: midnightMs - 60_000 });
  const journal = await open(disk, { clock });
  for (let day = 0; day < 2; day++) {
    for (let i = 0; i < count; i += 5) {
      await Promise.all(
        Array.from(
          { length: Math.min(5, count - i) },
          (_, k) => journal.append({ chi: "test", rid: `d${day}-${i + k}`, body: { n: i + k } }),
        ),
      );
    }
    await clock.advance(120_000);
  }
  await journal.close();
  return disk;
}

/** Verifies what is on the disk with nothing but the files. */
export function verifyDisk(disk: Disk): Promise<VerifyReport> {
  return readJournal({ disk, directory }).verify();
}

/** The text of a day file. */
export async function textOf(disk: Disk, name: string): Promise<string> {
  const path = `${directory}/${name}`;
  return new TextDecoder().decode(await readWholeFile(disk, { path, bytesMax: 1 << 24 }));
}

/** Replaces a day file, bytes as given. */
export async function replace(
  disk: Disk,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const file = await disk.open(`${directory}/${name}`, "truncate");
  await file.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
  await file.sync();
  await file.close();
}
