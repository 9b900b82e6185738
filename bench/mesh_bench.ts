/**
 * What does a frame cost between two nodes, over TCP with Noise and over iroh, beside a bare socket?
 *
 * Two processes on one machine. A round trip is a frame of 16 KiB, as an activation is, and an answer of
 * 8 bytes on one long-lived stream; the rate is of frames of 64 KiB one way. Expected: a bare socket at
 * 0.1 ms and some hundred MB/s, TCP with Noise at twice to thrice that time and a hundred MB/s
 * (encryption in JavaScript), iroh at 2 ms and 6 MB/s (its binding passes arrays of numbers). What
 * a node pays for being in a mesh at all is printed too: time to load and listen, and memory.
 *
 * Usage: `deno task bench:figures mesh`, or under Node `node bench/mesh_bench.ts`. Needs net, run, sys,
 * and ffi for iroh, which is left out with a line where it can't be loaded.
 */
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createLibp2pMesh } from "../src/mesh/mod.ts";
import { realClock } from "../src/ports/mod.ts";
import type { MeshNetwork, MeshStream } from "../src/ports/mod.ts";
import { measure, small } from "./_measure.ts";

const TRIP_BYTES = 16 * 1024;
const ANSWER_BYTES = 8;
const BULK_BYTES = 64 * 1024;
const TRIPS = small ? 20 : 1000;
/** Frames by what carries them, so that a round takes about as long. */
const FRAMES = { tcp: small ? 16 : 1024, iroh: small ? 4 : 64 };
/** Nodes of their own for each transport: a peer with both would be reached by the faster one. */
const SEEDS = { server: { tcp: 1, iroh: 2 }, client: { tcp: 3, iroh: 4 } };

type Transport = keyof typeof FRAMES;

/** Both directions of one carrier of frames. */
interface Lane {
  /** Sends a frame of `TRIP_BYTES` and waits for the answer. */
  trip(): Promise<void>;
  /** Sends frames of `BULK_BYTES` and waits until the other side has read them all. */
  bulk(count: number): Promise<void>;
  close(): void;
}

interface Peer {
  readonly key: string;
  readonly addresses: readonly string[];
}

interface Server extends Readonly<Record<Transport, Peer>> {
  readonly port: number;
}

/** A node that is reached by one transport; without addresses where that can't be had. */
async function listenBy(
  transport: Transport,
  side: keyof typeof SEEDS,
): Promise<{ readonly mesh: MeshNetwork; readonly peer: Peer }> {
  const seed = new Uint8Array(32).fill(SEEDS[side][transport]);
  const mesh = createLibp2pMesh({ seed, clock: realClock() });
  const gate = { admits: (): boolean => true, allows: (): boolean => true };
  const iroh = transport === "iroh";
  const options = { tcp: iroh ? false : "127.0.0.1:0", iroh, meshId: "ab".repeat(32) } as const;
  mesh.handle("/bench", (stream) => void answer(stream).catch(() => {}));
  try {
    const { addresses } = await mesh.listen(options, gate);
    return { mesh, peer: { key: mesh.self, addresses } };
  } catch (thrown) {
    if (!iroh) throw thrown;
    console.error(String(thrown));
    return { mesh, peer: { key: mesh.self, addresses: [] } };
  }
}

/** Answers each `TRIP_BYTES`, in a bare socket without any framing. */
function serveBare(): Promise<number> {
  const server = createServer((socket) => {
    let waiting = 0;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      waiting += piece.length;
      for (; waiting >= TRIP_BYTES; waiting -= TRIP_BYTES) {
        socket.write(new Uint8Array(ANSWER_BYTES));
      }
    });
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" ? address?.port ?? 0 : 0);
    })
  );
}

/** Answers each `TRIP_BYTES` of frames. */
async function answer(stream: MeshStream): Promise<void> {
  let waiting = 0;
  for await (const frame of stream.frames) {
    waiting += frame.length;
    for (; waiting >= TRIP_BYTES; waiting -= TRIP_BYTES) {
      if (!stream.send(new Uint8Array(ANSWER_BYTES))) await stream.drained();
    }
  }
}

async function serve(): Promise<void> {
  const [tcp, iroh] = [await listenBy("tcp", "server"), await listenBy("iroh", "server")];
  const server: Server = { port: await serveBare(), tcp: tcp.peer, iroh: iroh.peer };
  process.stdout.write(`${JSON.stringify(server)}\n`);
  process.stdin.on("end", () => process.exit(0)).resume();
}

async function bareLane(port: number): Promise<Lane> {
  const socket = await new Promise<Socket>((resolve) => {
    const made = connect(port, "127.0.0.1", () => resolve(made));
  });
  socket.setNoDelay(true);
  let got = 0;
  let wake = (): void => {};
  socket.on("data", (piece) => {
    got += piece.length;
    wake();
  });
  async function answers(count: number): Promise<void> {
    while (got < count * ANSWER_BYTES) await new Promise<void>((resolve) => wake = resolve);
    got -= count * ANSWER_BYTES;
  }
  async function send(bytes: Uint8Array): Promise<void> {
    if (socket.write(bytes)) return;
    await new Promise<void>((resolve) => socket.once("drain", () => resolve()));
  }
  return {
    trip: async () => {
      await send(new Uint8Array(TRIP_BYTES));
      await answers(1);
    },
    bulk: async (count) => {
      for (let at = 0; at < count; at++) await send(new Uint8Array(BULK_BYTES));
      await answers(count * BULK_BYTES / TRIP_BYTES);
    },
    close: () => void socket.destroy(),
  };
}

function meshLane(stream: MeshStream): Lane {
  const frames = stream.frames[Symbol.asyncIterator]();
  return {
    trip: async () => {
      if (!stream.send(new Uint8Array(TRIP_BYTES))) await stream.drained();
      await frames.next();
    },
    bulk: async (count) => {
      for (let at = 0; at < count; at++) {
        if (!stream.send(new Uint8Array(BULK_BYTES))) await stream.drained();
      }
      for (let at = 0; at < count * BULK_BYTES / TRIP_BYTES; at++) await frames.next();
    },
    close: () => stream.reset(),
  };
}

/** Prints the rate one way, then the median and the 99th percentile of round trips. */
async function race(name: string, transport: Transport, lane: Lane): Promise<void> {
  const count = FRAMES[transport];
  for (let at = 0; at < TRIPS / 2; at++) await lane.trip();
  const tripsMs: number[] = [];
  for (let at = 0; at < TRIPS; at++) {
    const began = performance.now();
    await lane.trip();
    tripsMs.push(performance.now() - began);
  }
  tripsMs.sort((one, other) => one - other);
  const at = (share: number): number =>
    Number((tripsMs[Math.floor(share * TRIPS)] ?? 0).toFixed(3));
  console.log(JSON.stringify({
    name: `mesh, ${name}, 16 KiB there and 8 B back`,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    count: TRIPS,
  }));
  await measure({
    name: `mesh, ${name}, frames of 64 KiB`,
    unit: "MB",
    run: async () => {
      await lane.bulk(count);
      return { count: count * BULK_BYTES / 1e6, checksum: count };
    },
  });
  lane.close();
}

/** Races a transport; the first one's start is what being in a mesh costs. */
async function meshRace(transport: Transport, { key, addresses }: Peer): Promise<void> {
  const before = process.memoryUsage().rss;
  const began = performance.now();
  const { mesh, peer } = await listenBy(transport, "client");
  console.log(JSON.stringify({
    name: `mesh, load and listen, ${transport}`,
    ms: Math.round(performance.now() - began),
    rssMiB: Math.round((process.memoryUsage().rss - before) / 2 ** 20),
  }));
  if (addresses.length === 0 || peer.addresses.length === 0) return;
  await mesh.dial(key, { addresses, signal: new AbortController().signal });
  const stream = await mesh.open(key, "/bench");
  await race(transport === "tcp" ? "TCP with Noise" : "iroh", transport, meshLane(stream));
  await mesh.close();
}

async function raceAll(): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const flags = process.versions["deno"] === undefined ? [] : [
    ...["run", "--quiet", "--no-check", "--no-prompt"],
    ...["net", "read", "env", "sys", "ffi"].map((name) => `--allow-${name}`),
  ];
  const child = spawn(process.execPath, [...flags, file, "--serve"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const line = await new Promise<string>((resolve) =>
      createInterface({ input: child.stdout }).once("line", resolve)
    );
    const server: Server = JSON.parse(line);
    await race("bare node:net", "tcp", await bareLane(server.port));
    await meshRace("tcp", server.tcp);
    await meshRace("iroh", server.iroh);
  } finally {
    child.stdin.end();
    await new Promise((resolve) => child.once("exit", resolve));
  }
}

if (process.argv.includes("--serve")) await serve();
else {
  await raceAll();
  process.exit(0);
}
