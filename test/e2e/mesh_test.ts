/**
 * Goal: two machines' worth of processes, as a new user has them: `skep up` and `skep invite` here,
 * `skep join` there; the other runtime on the other side where this machine has it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isLong } from "../_long.ts";
import { connectService } from "../../src/kernel/mod.ts";
import type { networkContract, PeerList } from "../../src/services/network/mod.ts";
import {
  denoFlags,
  finish,
  program as plainProgram,
  signal,
  start,
  untilReady,
} from "./_program.ts";
import type { Started } from "./_program.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** This runtime's command, with the permission that iroh's native part needs. */
const program: readonly string[] = process.versions["deno"] === undefined
  ? plainProgram
  : [...plainProgram.slice(0, -1), "--allow-ffi", main];

/** The command that runs the sources under the other runtime; under this one where there is none. */
function otherProgram(): readonly string[] {
  if (process.versions["deno"] === undefined) {
    if (spawnSync("deno", ["--version"]).status !== 0) return program;
    return ["deno", "run", ...denoFlags, "--allow-ffi", main];
  }
  for (const name of ["node", "node24"]) {
    const said = spawnSync(name, ["--version"], { encoding: "utf8" });
    if (said.status === 0 && Number.parseInt(said.stdout.slice(1)) >= 24) return [name, main];
  }
  return program;
}

interface World {
  readonly homes: readonly [string, string];
  /** Remembers a process, to be ended with the test. */
  readonly keep: (started: Started) => Started;
  /** Starts a node in the background, to be ended with the test. */
  readonly detach: (home: string, environment: Record<string, string>) => Promise<void>;
}

async function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sk-mesh-"));
  const running: Started[] = [];
  const keep = (started: Started): Started => {
    running.push(started);
    return started;
  };
  const detached: number[] = [];
  const detach: World["detach"] = async (home, environment) => {
    const { code, text } = await finish(["up", "--detach", "--json"], { home, environment });
    assert.equal(code, 0, text);
    const status: { pid: number } = JSON.parse(text.slice(text.indexOf('{"running"')));
    detached.push(status.pid);
  };
  try {
    await use({ homes: [join(folder, "a"), join(folder, "b")], keep, detach });
  } finally {
    for (const pid of detached) process.kill(pid, "SIGKILL");
    for (const started of running) {
      const { exitCode, signalCode } = started.child;
      if (exitCode === null && signalCode === null) signal(started, "SIGKILL");
    }
    for (const started of running) await started.exit;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function peersOf(home: string): Promise<PeerList["peers"]> {
  const { code, text } = await finish(["peer", "list", "--all", "--json"], { home });
  assert.equal(code, 0, text);
  const list: PeerList = JSON.parse(text.slice(text.indexOf('{"self"')));
  return list.peers;
}

type Peer = PeerList["peers"][number];

/**
 * Waits until a peer is linked, and gives it, or until none is. Asks the node's own socket, as a process
 * for each question would keep both nodes waiting; a node that joins closes it once, and opens it again.
 */
async function untilLinked(home: string, wanted: boolean): Promise<Peer | undefined> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
    const linked = await linkedPeer(home).catch(() => "unreachable" as const);
    if (linked !== "unreachable" && (linked !== undefined) === wanted) return linked;
    await sleep(50);
  }
  assert.fail(`a peer did not become ${wanted ? "linked" : "gone"}`);
}

async function linkedPeer(home: string): Promise<Peer | undefined> {
  using client = await connectService<typeof networkContract>({
    path: join(home, "run/network/rpc.sock"),
  });
  const { peers } = await client.call("peers.list", { all: true });
  return peers.find(({ state }) => state === "linked");
}

async function inviteAt(home: string): Promise<string> {
  const { code, text } = await finish(["invite", "--json"], { home });
  assert.equal(code, 0, text);
  const invited: { ticket: string } = JSON.parse(text.slice(text.indexOf('{"ticket"')));
  return invited.ticket;
}

for (const transport of isLong ? ["tcp", "iroh"] as const : ["tcp"] as const) {
  test(
    `invite here and join there links two runtimes over ${transport}; a removed member gets nothing`,
    {
      timeout: 180_000,
    },
    () =>
      withWorld(async ({ homes: [a, b], keep, detach }) => {
        const environment: Record<string, string> = transport === "tcp"
          ? { SKEP_NETWORK_IROH: "false" }
          : { SKEP_NETWORK_TCP_LISTEN: "false" };
        // Both ways to have a node: what runs in the background was given its permissions by this program.
        if (transport === "tcp") await detach(a, environment);
        else await untilReady(keep(start(["up"], { home: a, environment, command: program })), a);
        const invited = await finish(["invite", "--json"], { home: a });
        if (transport === "iroh" && invited.code !== 0) {
          // Without its native part a node says so in one sentence, and has nothing else to offer.
          assert.match(invited.text, /^Error: .*iroh.*\n$/m);
          return;
        }
        const ticket = JSON.parse(invited.text.slice(invited.text.indexOf('{"ticket"'))).ticket;
        const command = otherProgram();
        const second = keep(start(["join", ticket], { home: b, environment, command }));
        await untilReady(second, b);
        const peer = await untilLinked(a, true);
        assert.equal(peer?.transport, transport);
        await untilLinked(b, true);
        if (transport === "iroh") return;
        // The same ticket is of no use to a third one.
        const third = await finish(["join", ticket], { home: `${b}3`, environment });
        assert.equal(third.code, 1, third.text);
        assert.match(third.text, /ticket.*(has been used|was used)/);
        // A node that was killed is gone, and comes back by "skep up" alone.
        signal(second, "SIGKILL");
        await second.exit;
        await untilLinked(a, false);
        const again = keep(start(["up"], { home: b, environment, command }));
        await untilReady(again, b);
        await untilLinked(a, true);
        const removed = await finish(["peer", "rm", peer?.key ?? ""], { home: a });
        assert.equal(removed.code, 0, removed.text);
        assert.deepEqual(await peersOf(a), []);
        const shown = await finish(["peer", "list"], { home: b });
        assert.match(shown.text, /was removed from its mesh/);
      }),
  );
}

test("a cut ticket is refused before anything is started, and a join that fails leaves no node", {
  timeout: 120_000,
}, () =>
  withWorld(async ({ homes: [a, b], keep }) => {
    const environment = { SKEP_NETWORK_IROH: "false", SKEP_NETWORK_TCP_LISTEN: "127.0.0.1:0" };
    const first = keep(start(["up"], { home: a, environment, command: program }));
    await untilReady(first, a);
    const ticket = await inviteAt(a);
    const cut = await finish(["join", ticket.slice(0, -9)], { home: b, environment });
    assert.equal(cut.code, 2);
    assert.match(cut.text, /ticket as it is cut: it has \d+ of \d+ characters/);
    signal(first, "SIGKILL");
    await first.exit;
    const nobody = await finish(["join", ticket], { home: b, environment });
    assert.equal(nobody.code, 1, nobody.text);
    assert.match(nobody.text, /Error: Cannot /);
    const status = await finish(["status"], { home: b });
    assert.equal(status.code, 3);
  }));
