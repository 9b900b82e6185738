/**
 * What a service is, and what its host gives it.
 *
 * Everything on `Host` is asynchronous or fire-and-forget and carries only structured-clone-safe
 * values, so that configuration may put a service into a worker thread.
 */
import type { GenericSchema } from "valibot";
import type { Clock, Disk, MeshNetwork, Network, PeerKey, Random } from "../ports/mod.ts";
import type { Methods } from "./method.ts";

/** A service: one folder under src/services, with a lifecycle. */
export interface Service<C = unknown> {
  /** Names its sockets, its configuration section and its metrics: /^[a-z][a-z0-9-]*$/. */
  readonly name: string;
  /** One sentence that says what it does, for `skep service list` and the documents. */
  readonly description?: string;
  /** Checks its configuration section; gives defaults, documentation and JSON Schema. */
  readonly config: GenericSchema<unknown, C>;
  /** Services that are ready before this one starts, and stop after it. */
  readonly needs: readonly string[];
  /** Services that can do without this one, but end before it if they are there. @default none */
  readonly outlives?: readonly string[];
  /** Whether the node stops when this service has failed for good. */
  readonly critical: boolean;
  /** Runs until `host.signal` aborts and everything it held is drained. */
  run(config: C, host: Host): Promise<void>;
}

/** Structured log, one line a call; values of properties are redacted by name ("key", "token"...). */
export interface Log {
  debug(message: string, properties?: Readonly<Record<string, unknown>>): void;
  info(message: string, properties?: Readonly<Record<string, unknown>>): void;
  warn(message: string, properties?: Readonly<Record<string, unknown>>): void;
  error(message: string, properties?: Readonly<Record<string, unknown>>): void;
}

/** Label values of one sample. */
export type Labels = Readonly<Record<string, string>>;

/** The node's metrics; names get the prefix "skep_". Making one twice gives the same one. */
export interface Metrics {
  counter(options: MetricOptions): { add(amount?: number, labels?: Labels): void };
  gauge(options: MetricOptions): { set(value: number, labels?: Labels): void };
  histogram(
    options: MetricOptions & { readonly buckets: readonly number[] },
  ): { observe(value: number, labels?: Labels): void };
  /** All of the node's metrics in Prometheus' text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** A metric's name (snake_case, unit last), its help sentence and its label names. */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** The node's message bus: broadcast by topic, with replay of the last messages. */
export interface Bus {
  publish(topic: string, payload: unknown): void;
  /** Messages from now on, preceded by up to `replay` past ones; ends when `signal` aborts. */
  subscribe(
    topic: string,
    options: { readonly signal: AbortSignal; readonly replay?: number },
  ): AsyncIterable<BusMessage>;
}

/** One message of the bus. */
export interface BusMessage {
  readonly topic: string;
  /** Counts up by one per topic, from 1; a gap is what a slow subscriber lost. */
  readonly sequence: number;
  readonly payload: unknown;
}

/** What a service may journal. */
export interface JournalAccess {
  /** Resolves when the event is as durable as the journal's policy says. */
  append(
    event: {
      readonly chi: string;
      readonly sid?: string;
      readonly rid: string;
      readonly body: unknown;
    },
  ): Promise<{ readonly sequence: number }>;
}

/** A value of SQLite. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** The node's tables. */
export interface StoreAccess {
  run(sql: string, parameters?: readonly SqlValue[]): Promise<{ readonly changes: number }>;
  all(sql: string, parameters?: readonly SqlValue[]): Promise<Record<string, SqlValue>[]>;
}

/** Directories of the node (absolute; created before services start, except `models`). */
export interface Directories {
  readonly config: string;
  readonly state: string;
  readonly data: string;
  readonly models: string;
  readonly sockets: string;
}

/** The node's name, and its signature: one key, one door. */
export interface HostIdentity {
  /** "skep_" and 64 hex digits. */
  readonly hid: string;
  /** The raw Ed25519 public key, as the mesh knows the node: 64 hex digits. */
  readonly key: PeerKey;
  /**
   * The 64-byte signature over "skep/<purpose>/v1", a zero byte, and `bytes`. Journal lines are the
   * journal's to sign, so its purpose is refused.
   *
   * @throws {SyntaxError} when `purpose` is malformed or the journal's
   */
  sign(purpose: string, bytes: Uint8Array): Promise<Uint8Array>;
}

/** What a service may touch. */
export interface Host {
  /** Aborts when the service must stop accepting and drain. */
  readonly signal: AbortSignal;
  /** Tells the supervisor that dependants may start. Call once. */
  ready(): void;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  /** Links to the other nodes of the mesh; in a worker thread it refuses. */
  readonly mesh: MeshNetwork;
  readonly identity: HostIdentity;
  readonly directories: Directories;
  readonly metrics: Metrics;
  readonly bus: Bus;
  readonly journal: JournalAccess;
  readonly store: StoreAccess;
  /** Calls a method of a service of this node; rejects with `RpcError`. */
  call(service: string, method: string, params: unknown, signal?: AbortSignal): Promise<unknown>;
  /** Consumes a stream method of a service of this node; ending the iteration cancels it. */
  stream(
    service: string,
    method: string,
    params: unknown,
    signal?: AbortSignal,
  ): AsyncIterable<unknown>;
  /** Offers methods to the node and at `<sockets>/<service>/rpc.sock`; rejects if it can't bind. */
  serve(methods: Methods): Promise<void>;
  /** Publishes where the service can be reached, for runtime.json and the banner. */
  announce(name: string, address: string): void;
}
