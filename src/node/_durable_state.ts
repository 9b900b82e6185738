/** Opens what a node keeps between its lives beside its key: tables and the journal. */
import type { JournalAccess, NodeLog, StoreAccess } from "../kernel/mod.ts";
import type { Identity } from "../identity/mod.ts";
import { HeadKeeper, keptHeadFile, openJournal } from "../journal/mod.ts";
import type {
  Journal,
  JournalFsync,
  JournalRetention,
  JournalStatus,
  JsonValue,
  SignedLogHead,
} from "../journal/mod.ts";
import { openStore } from "../store/mod.ts";
import type { Migration } from "../store/mod.ts";
import type { OwnSettings } from "./_own_settings.ts";
import type { NodePorts } from "./_ports.ts";
import type { NodePaths } from "./paths.ts";

/** The schema of the node's tables, oldest step first; released steps never change. */
const migrations: readonly Migration[] = [];

/** The node's tables. */
export interface NodeStore {
  /** What services get. */
  readonly access: StoreAccess;
  close(): Promise<void>;
}

/**
 * Opens the tables. SQLite reaches the machine's own disk only: with another `disk` they are in
 * memory.
 *
 * @throws {StoreError}
 */
export async function openNodeStore(
  boot: { readonly paths: NodePaths; readonly diskIsReal: boolean },
): Promise<NodeStore> {
  const path = boot.diskIsReal ? boot.paths.storeFile : ":memory:";
  const store = await openStore({ path, migrations });
  return { access: store, close: () => store.close() };
}

/** The node's journal. */
export interface NodeJournal {
  /** What services get. */
  readonly access: JournalAccess;
  status(): JournalStatus;
  /** For the service that reads it. */
  readonly reader: Pick<Journal, "tail" | "range" | "verify" | "head" | "prove">;
  close(): Promise<void>;
}

/** Recovers the journal and opens it; a torn end that was cut is in the log. @throws {JournalError} */
export async function openNodeJournal(
  boot: {
    readonly ports: NodePorts;
    readonly paths: NodePaths;
    readonly own: OwnSettings;
    readonly log: NodeLog;
  },
  identity: Identity,
): Promise<NodeJournal> {
  const { ports: { disk, clock }, paths, own, log } = boot;
  const { snapshotEvents, snapshotSeconds } = own.journal;
  const journal = await openJournal({
    ...{ disk, clock, identity, directory: paths.journal },
    fsync: fsyncOf(own.journal),
    snapshotEvents,
    snapshotMs: snapshotSeconds * 1000,
    retention: retentionOf(own.journal),
  });
  const { cutBytes } = journal.status().recovered;
  if (cutBytes > 0) log.warn("The journal's unfinished last event was cut", { cutBytes });
  const keeping = await keepHeads(boot, { journal, identity });
  return {
    access: accessTo(journal),
    status: () => journal.status(),
    reader: {
      tail: (count) => journal.tail(count),
      range: (range) => journal.range(range),
      verify: (options) => journal.verify(options),
      prove: (request) => journal.prove(request),
      head: () => {
        const head = journal.head();
        void keeping(head);
        return head;
      },
    },
    close: async () => {
      await journal.close();
      await keeping(journal.head(), true);
    },
  };
}

/** Tells when the journal's end was cut since the last start; what it gives back never rejects. */
async function keepHeads(
  { ports: { disk, clock }, paths, log }: {
    readonly ports: NodePorts;
    readonly paths: NodePaths;
    readonly log: NodeLog;
  },
  { journal, identity }: { readonly journal: Journal; readonly identity: Identity },
): Promise<(head: SignedLogHead, last?: boolean) => Promise<void>> {
  const path = `${paths.directories.state}/${keptHeadFile}`;
  const keeper = new HeadKeeper({ disk, clock, identity, path });
  const unkept = (cause: unknown): void =>
    log.warn("The journal's head was not kept", { path, cause });
  try {
    const head = journal.head();
    const lost = await keeper.begin(head);
    if (lost !== undefined) {
      log.error("The journal is not what this node signed: it was cut, or restored from a copy", {
        signed: { size: lost.size, tsMs: lost.tsMs },
        size: head.size,
      });
    }
  } catch (thrown) {
    unkept(thrown);
  }
  return (head, last) => keeper.keep(head, last).catch(unkept);
}

function accessTo(journal: Journal): JournalAccess {
  return {
    append: async ({ chi, sid, rid, body }) => {
      const ids = sid === undefined ? { chi, rid } : { chi, rid, sid };
      const event = await journal.append({ ...ids, body: body as JsonValue });
      return { sequence: event.seq };
    },
  };
}

function fsyncOf(settings: OwnSettings["journal"]): JournalFsync {
  return settings.fsync === "interval" ? { intervalMs: settings.intervalMs } : settings.fsync;
}

function retentionOf(settings: OwnSettings["journal"]): JournalRetention {
  const { retention: mode, retentionDays: days } = settings;
  return mode === "rolling" ? { mode, days } : { mode };
}
