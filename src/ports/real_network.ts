/**
 * The network port over node:net. Unix sockets are made 0600 right after they are bound; for the
 * moment in between, the caller's 0700 directory is what keeps others out.
 */
import { chmodSync, existsSync, unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { NetConnectOpts, Server, Socket } from "node:net";
import { platform } from "node:os";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { networkError, toNetworkError } from "./_errors.ts";
import type { Address, Landing, Listener, Network } from "./network.ts";

/**
 * Longest path of a Unix socket in bytes: `sun_path` holds 108 on Linux and 104 on macOS, one of
 * them for the closing NUL (unix(7)). A longer one would be cut or refused differently by each.
 */
export const unixPathBytesMax: number = platform() === "darwin" ? 103 : 107;

/** Closing a listener waits so long for one more connection, and so often while they come in. */
const acceptMs = 10;
const acceptTurnsMax = 10;

/** The machine's local sockets. A connection's "error" event never ends the process by itself. */
export function realNetwork(): Network {
  return { listen, dial };
}

async function listen(
  address: Address,
  onConnection: (stream: Duplex) => void,
): Promise<Listener> {
  checkAddress(address, "listen on");
  let accepted = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    accepted++;
    onConnection(guarded(socket));
  });
  try {
    await bind(server, address);
    if (address.kind === "unix") chmodSync(address.path, 0o600);
  } catch (thrown) {
    server.close();
    throw listenError(thrown, address);
  }
  // A failed accept (say, too many open files) concerns that one connection only.
  server.on("error", ignore);
  return { address: boundAddress(server, address), close: (): Promise<void> => stop(server) };

  /** Who has connected by now is accepted first: the system resets what is left in its queue. */
  async function stop(stopping: Server): Promise<void> {
    let before = -1;
    for (let turns = 0; turns < acceptTurnsMax && before !== accepted; turns++) {
      before = accepted;
      await new Promise((resolve) => setTimeout(resolve, acceptMs));
    }
    if (!stopping.listening) return;
    stopping.close();
    // In the same tick, so that no successor's socket can be meant; libuv has already unlinked.
    if (address.kind === "unix") unlinkIfThere(address.path);
  }
}

function dial(address: Address, signal?: AbortSignal, into?: Landing): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    checkAddress(address, "dial");
    if (signal?.aborted) return reject(signal.reason);
    const target = address.kind === "unix"
      ? { path: address.path }
      : { host: address.host, port: address.port, noDelay: true };
    const socket = connect({ ...target, ...onread(into) });
    function settle(): void {
      socket.off("connect", onConnect);
      socket.off("error", onError);
      signal?.removeEventListener("abort", onAbort);
    }
    function onConnect(): void {
      settle();
      resolve(guarded(socket));
    }
    function onError(thrown: unknown): void {
      settle();
      reject(toNetworkError(thrown, { verb: "dial", where: nameOf(address) }));
    }
    function onAbort(): void {
      settle();
      guarded(socket).destroy();
      reject(signal?.reason);
    }
    socket.once("connect", onConnect);
    socket.once("error", onError);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Both runtimes ask for the room again after each read, so that it may lie elsewhere. */
function onread(into: Landing | undefined): Partial<NetConnectOpts> {
  if (into === undefined) return {};
  const callback = (byteCount: number): boolean => {
    into.landed(byteCount);
    return true;
  };
  return { onread: { buffer: () => into.space(), callback } };
}

function bind(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const where = address.kind === "unix"
      ? { path: address.path }
      : { host: address.host, port: address.port };
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function boundAddress(server: Server, address: Address): Address {
  const bound = server.address();
  if (address.kind === "unix" || bound === null || typeof bound === "string") return address;
  return { kind: "tcp", host: address.host, port: bound.port };
}

/** Node says "denied" where the directory is missing; the interface says "not-found". */
function listenError(thrown: unknown, address: Address): Error {
  const at = { verb: "listen on", where: nameOf(address) };
  if (address.kind === "unix" && !existsSync(dirname(address.path))) {
    return networkError("not-found", { ...at, cause: thrown });
  }
  return toNetworkError(thrown, at);
}

function checkAddress(address: Address, verb: string): void {
  if (address.kind !== "unix") return;
  const bytes = new TextEncoder().encode(address.path);
  if (bytes.includes(0)) {
    throw new TypeError(
      `Cannot ${verb} a socket path as it must not contain NUL: current value is ${
        JSON.stringify(address.path)
      }`,
    );
  }
  if (bytes.length <= unixPathBytesMax) return;
  throw networkError("path-too-long", { verb, where: address.path });
}

function nameOf(address: Address): string {
  return address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
}

/** A reset peer shows as "close"; without a listener its "error" would end the process. */
function guarded(socket: Socket): Socket {
  socket.on("error", ignore);
  return socket;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already removed by the platform's own close.
  }
}

function ignore(): void {}
