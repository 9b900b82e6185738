/**
 * How much CPU does it cost to read a dialled socket and find the frames in it? Reads straight into
 * WASM memory (`onread`) against `data` events and a copy. Expected: about half, on Node. Deno's
 * `onread` is made of the same events, so the row is about Node.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { NetConnectOpts, Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { FrameScanner } from "../../src/hot/mod.ts";
import type { Comparison, Row, Samples } from "../harness.ts";

const LIMITS = { bytesMax: 4096 };
const READ_BYTES = 65_536;
const FRAME_BYTES = 256;

/** The row of sockets. */
export const row: Row = {
  name: "socket-ingest",
  what: "dialled socket into WASM memory, CPU per KiB",
  gates: [{ peer: "data event + copy", node: 1 / 0.65 }],
  only: "node",
  prepare(): Promise<Comparison> {
    const idle = { run: () => {}, checksum: () => FRAME_BYTES };
    return Promise.resolve({
      ours: { name: "skep", ...idle },
      peers: [{ name: "data event + copy", ...idle }],
      units: 1,
    });
  },
  measure: measureSockets,
};

async function measureSockets(_comparison: Comparison, small: boolean): Promise<Samples> {
  const bytes = small ? 1 << 20 : 128 << 20;
  const sender = spawn(
    process.execPath,
    [fileURLToPath(new URL("ingest_sender.ts", import.meta.url)), String(bytes)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const [line] = await once(sender.stdout, "data");
  const port = Number(String(line));
  const samples = { ours: [] as number[], theirs: [] as number[] };
  const scanner = new FrameScanner();
  for (let round = 0; round < (small ? 1 : 5); round++) {
    samples.ours.push(await cpuPerKib(bytes, () => readInPlace(port, scanner)));
    samples.theirs.push(await cpuPerKib(bytes, () => readByEvents(port, scanner)));
  }
  sender.stdin.end();
  return new Map([
    ["skep", samples.ours],
    ["data event + copy", samples.theirs],
  ]);
}

async function cpuPerKib(bytes: number, read: () => Promise<number>): Promise<number> {
  const before = process.cpuUsage();
  const frames = await read();
  if (frames !== bytes / FRAME_BYTES) throw new RangeError(`Cannot trust ${frames} frames`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000 / (bytes / 1024);
}

/** Bytes of the scanner's input that wait, and what was found. */
class Stretch {
  frames = 0;
  #waiting = 0;
  readonly #scanner: FrameScanner;

  constructor(scanner: FrameScanner) {
    this.#scanner = scanner;
  }

  /** Where the next bytes go. */
  room(): Uint8Array {
    return this.#scanner.input.subarray(this.#waiting, this.#waiting + READ_BYTES);
  }

  /** Scans after `count` bytes came into the room; what is left moves to the front. */
  take(count: number): void {
    const { input } = this.#scanner;
    const end = this.#waiting + count;
    this.frames += this.#scanner.scanFrames(input.subarray(0, end), LIMITS);
    const { consumedBytes } = this.#scanner;
    input.copyWithin(0, consumedBytes, end);
    this.#waiting = end - consumedBytes;
  }
}

async function readInPlace(port: number, scanner: FrameScanner): Promise<number> {
  const stretch = new Stretch(scanner);
  const options: NetConnectOpts = {
    port,
    host: "127.0.0.1",
    onread: {
      buffer: () => stretch.room(),
      callback: (count) => {
        stretch.take(count);
        return true;
      },
    },
  };
  await ended(connect(options));
  return stretch.frames;
}

async function readByEvents(port: number, scanner: FrameScanner): Promise<number> {
  const stretch = new Stretch(scanner);
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (chunk: Uint8Array) => {
    stretch.room().set(chunk);
    stretch.take(chunk.length);
  });
  await ended(socket);
  return stretch.frames;
}

async function ended(socket: Socket): Promise<void> {
  socket.resume();
  await once(socket, "end");
  socket.destroy();
}
