/**
 * iroh's native part, where it is installed: the package of this platform, loaded by itself.
 *
 * The package `@number0/iroh` that chooses among them can't be installed by Deno while one of the
 * platforms it names is missing from the registry, so it is left out. What is declared here is the part
 * of version 1.1 that the transport uses. It takes and gives bytes as arrays of numbers.
 */
import { createRequire } from "node:module";
import { architectureName, platformName } from "../../platform/mod.ts";

/** One direction of a stream, for sending. */
export interface NativeSendStream {
  writeAll(bytes: readonly number[]): Promise<void>;
  finish(): Promise<void>;
  reset(code: bigint): Promise<void>;
}

/** One direction of a stream, for receiving. */
export interface NativeRecvStream {
  /** At most so many bytes; none, or null, at the end. Rejects when reset, or when the link is gone. */
  read(sizeMax: number): Promise<readonly number[] | null>;
  stop(code: bigint): Promise<void>;
}

/** A stream in both directions. */
export interface NativeBiStream {
  readonly send: NativeSendStream;
  readonly recv: NativeRecvStream;
}

/** A link whose other end's key is proven. */
export interface NativeConnection {
  remoteId(): NativeEndpointId;
  openBi(): Promise<NativeBiStream>;
  acceptBi(): Promise<NativeBiStream>;
  /** Resolves with the reason once the link is gone. */
  closed(): Promise<string>;
  close(code: bigint, reason: readonly number[]): void;
  setMaxConcurrentBiStreams(count: bigint): void;
  setMaxConcurrentUniStreams(count: bigint): void;
}

/** A public key. */
export interface NativeEndpointId {
  toBytes(): readonly number[];
}

/** A link that comes in. */
export interface NativeIncoming {
  accept(): Promise<{ connect(): Promise<NativeConnection> }>;
  refuse(): Promise<void>;
  remoteAddr(): Promise<{ readonly kind: string; readonly addr?: string }>;
}

/** A socket and a key. */
export interface NativeEndpoint {
  connect(address: object, alpn: readonly number[]): Promise<NativeConnection>;
  acceptNext(): Promise<NativeIncoming | null>;
  boundSockets(): readonly string[];
  close(): Promise<void>;
}

/** How an endpoint is made. */
export interface NativeEndpointBuilder {
  applyMinimal(): void;
  secretKey(seed: readonly number[]): void;
  alpns(alpns: readonly (readonly number[])[]): void;
  relayMode(mode: object): void;
  bindAddr(address: string): void;
  bind(): Promise<NativeEndpoint>;
}

/** The module. */
export interface NativeIroh {
  readonly Endpoint: { builder(): NativeEndpointBuilder };
  readonly EndpointAddr: new (
    id: NativeEndpointId,
    relayUrl: string | null,
    addresses: readonly string[],
  ) => object;
  readonly EndpointId: { fromBytes(bytes: readonly number[]): NativeEndpointId };
  readonly RelayMode: { disabled(): object };
}

/** The module, or one sentence that says why it can't be had. */
export type LoadedIroh =
  | { readonly iroh: NativeIroh }
  | { readonly missing: string };

/** Packages by platform and processor; on Linux the C library decides which of them loads. */
const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ["darwin-arm64", ["@number0/iroh-darwin-arm64"]],
  ["linux-arm", ["@number0/iroh-linux-arm-gnueabihf", "@number0/iroh-linux-arm-musleabihf"]],
  ["linux-arm64", ["@number0/iroh-linux-arm64-gnu", "@number0/iroh-linux-arm64-musl"]],
  ["linux-x64", ["@number0/iroh-linux-x64-gnu", "@number0/iroh-linux-x64-musl"]],
  ["win32-arm64", ["@number0/iroh-win32-arm64-msvc"]],
  ["win32-x64", ["@number0/iroh-win32-x64-msvc"]],
]);

/** How a package is loaded; tests give another. */
export type LoadPackage = (name: string) => unknown;

/**
 * Loads iroh for this platform, or says why not; it never throws.
 *
 * @param load loads a package by name; by default as CommonJS does from this file
 * @param platform "linux-x64" and the like
 */
export function loadIroh(
  load?: LoadPackage,
  platform: string = `${platformName()}-${architectureName()}`,
): LoadedIroh {
  const names = PACKAGES.get(platform);
  if (names === undefined) return { missing: because(`there is none for "${platform}"`) };
  let why = `the package "${names[0]}" is not installed`;
  for (const name of names) {
    try {
      const loaded = (load ?? createRequire(import.meta.url))(name);
      if (isIroh(loaded)) return { iroh: loaded };
      why = `the package "${name}" is not what it should be`;
    } catch (thrown) {
      if (thrown instanceof Error && isPermissionError(thrown)) {
        why = "Deno was not given --allow-ffi";
      } else if (!isAbsence(thrown)) why = `the package "${name}" does not load`;
    }
  }
  return { missing: because(why) };
}

function because(why: string): string {
  return `Cannot be reached by iroh as ${why}`;
}

function isPermissionError(error: Error): boolean {
  return error.name === "NotCapable" || /Requires ffi access/.test(error.message);
}

function isAbsence(thrown: unknown): boolean {
  return thrown instanceof Error && /Cannot find|not found|MODULE_NOT_FOUND/i.test(thrown.message);
}

function isIroh(loaded: unknown): loaded is NativeIroh {
  return typeof loaded === "object" && loaded !== null &&
    ["Endpoint", "EndpointAddr", "EndpointId", "RelayMode"].every((name) => name in loaded);
}
