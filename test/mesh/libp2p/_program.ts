/**
 * A mesh node as a process of its own, for tests: it is told what to do by lines of JSON and says what
 * happens the same way. `_processes.ts` starts it.
 *
 * Usage: `_program.ts SEED_NUMBER tcp|iroh|both`.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { createLibp2pMesh } from "../../../src/mesh/mod.ts";
import type { MeshStream } from "../../../src/ports/mod.ts";
import { clock, listenOptions, openGate, seedOf } from "./_meshes.ts";

/** What the program is told. */
export interface Command {
  readonly dial?: { readonly key: string; readonly addresses: readonly string[] };
  /** Keeps the event loop busy for so many milliseconds. */
  readonly blockMs?: number;
}

/** What the program says. */
export interface Said {
  readonly listening?: { readonly key: string; readonly addresses: readonly string[] };
  readonly event?: "connected" | "closed";
  readonly dialled?: string;
  readonly atMs: number;
}

function say(what: Omit<Said, "atMs">): void {
  process.stdout.write(`${JSON.stringify({ ...what, atMs: Date.now() })}\n`);
}

async function echo(stream: MeshStream): Promise<void> {
  for await (const frame of stream.frames) if (!stream.send(frame)) await stream.drained();
  await stream.close();
}

async function flood(stream: MeshStream): Promise<void> {
  while (true) if (!stream.send(new Uint8Array(65536))) await stream.drained();
}

async function follow(
  events: AsyncIterable<{ readonly kind: "connected" | "closed" }>,
): Promise<void> {
  for await (const { kind } of events) say({ event: kind });
}

const [number = "0", transport = "tcp"] = process.argv.slice(2);
const mesh = createLibp2pMesh({ seed: seedOf(Number(number)), clock });
mesh.handle("/test/echo", (stream) => void echo(stream).catch(() => {}));
mesh.handle("/test/hold", () => {});
mesh.handle("/test/flood", (stream) => void flood(stream).catch(() => {}));
void follow(mesh.events(new AbortController().signal));
const { addresses } = await mesh.listen(
  listenOptions({ tcp: transport === "iroh" ? false : "127.0.0.1:0", iroh: transport !== "tcp" }),
  openGate,
);
say({ listening: { key: mesh.self, addresses } });

for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  if (command.blockMs !== undefined) {
    const endMs = performance.now() + command.blockMs;
    while (performance.now() < endMs);
  }
  if (command.dial === undefined) continue;
  const { key, addresses } = command.dial;
  mesh.dial(key, { addresses, signal: AbortSignal.timeout(5000) })
    .then(() => say({ dialled: "ok" }), (thrown) => say({ dialled: String(thrown) }));
}
await mesh.close();
process.exit(0);
