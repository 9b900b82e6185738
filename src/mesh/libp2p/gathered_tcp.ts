/**
 * libp2p's TCP transport, whose connections write what is sent at once in one piece.
 *
 * What Noise makes of a frame is a list: a length, the muxer's header, the frame, a tag. The transport
 * writes each of them to the socket by itself, and as no socket of ours waits for more (no delay),
 * each becomes a system call here, a packet, and a wake-up there. Joined, a frame of 3 KiB is one of
 * each; the copy costs less than any of them. It changes nothing on the wire but the packets.
 */
import type { MultiaddrConnection, Upgrader } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import type { TransportFactory } from "./node.ts";

/** The part of a connection that writes each of some pieces to its socket. */
interface Writing {
  sendData(pieces: Iterable<Uint8Array>): {
    readonly sentBytes: number;
    readonly canSendMore: boolean;
  };
}

/** Makes the transport; options are libp2p's. */
export function gatheredTcp(options: Parameters<typeof tcp>[0]): TransportFactory {
  return (components) => {
    const transport = tcp(options)(components);
    const dial = transport.dial.bind(transport);
    transport.dial = (address, dialOptions) =>
      dial(address, { ...dialOptions, upgrader: gathering(dialOptions.upgrader) });
    const createListener = transport.createListener.bind(transport);
    transport.createListener = (listenerOptions) =>
      createListener({ ...listenerOptions, upgrader: gathering(listenerOptions.upgrader) });
    return transport;
  };
}

/** An upgrader whose connections gather before they are handed on. */
function gathering(upgrader: Upgrader): Upgrader {
  return {
    upgradeOutbound: (connection, options) =>
      upgrader.upgradeOutbound(gathered(connection), options),
    upgradeInbound: (connection, options) => upgrader.upgradeInbound(gathered(connection), options),
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
  };
}

/** Makes a connection of the TCP transport write once for each `send`; others stay as they are. */
export function gathered(connection: MultiaddrConnection): MultiaddrConnection {
  if (!isWriting(connection)) return connection;
  const write = connection.sendData.bind(connection);
  connection.sendData = (pieces) => write([joined([...pieces])]);
  return connection;
}

function isWriting(
  connection: MultiaddrConnection,
): connection is MultiaddrConnection & Writing {
  return "sendData" in connection && typeof connection.sendData === "function";
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
