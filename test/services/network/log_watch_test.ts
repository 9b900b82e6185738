/**
 * Signed heads of journals between simulated nodes with real journals: growth is proven, a fork and a
 * restored copy are told of by the others and to the node itself, late heads are nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHeadOf, openJournal } from "../../../src/journal/mod.ts";
import type { Journal, JournalOptions, SignedLogHead } from "../../../src/journal/mod.ts";
import { createLog } from "../../../src/kernel/mod.ts";
import type { Host } from "../../../src/kernel/mod.ts";
import {
  logHeadsTopic,
  logProtocol,
  logRequestFrame,
  MembershipError,
} from "../../../src/mesh/mod.ts";
import type { PeerLog } from "../../../src/mesh/mod.ts";
import type { MeshStream } from "../../../src/ports/mod.ts";
import { createJournalService } from "../../../src/services/journal/mod.ts";
import { LogWatch } from "../../../src/services/network/log_watch.ts";
import { ModelledDisk, VirtualClock } from "../../../src/sim/mod.ts";
import { identityOf, MeshWorld } from "./_mesh_world.ts";
import type { TestNode } from "./_mesh_world.ts";

const directory = "/state/journal";
const draft = { chi: "test", rid: "r", body: {} };

/** A node's journal over all of its lives: its disk can be copied, and another copy be gone on with. */
interface Life {
  readonly node: TestNode;
  readonly journal: Journal;
  readonly disk: ModelledDisk;
}

async function begin(
  world: MeshWorld,
  about: {
    readonly number: number;
    readonly disk?: ModelledDisk;
    readonly meshDisk?: ModelledDisk;
    readonly options?: Partial<JournalOptions>;
  },
): Promise<Life> {
  const { number, disk = new ModelledDisk(), meshDisk } = about;
  const journal = await openJournal({
    ...{ disk, directory, clock: world.clock, identity: identityOf(number) },
    ...about.options,
  });
  const service = createJournalService({
    status: () => journal.status(),
    tail: (count) => journal.tail(count),
    range: (range) => journal.range(range),
    verify: () => journal.verify(),
    head: () => journal.head(),
    prove: (request) => journal.prove(request),
  });
  const node = await world.boot(number, {
    services: [{ service, config: {} }],
    ...(meshDisk === undefined ? {} : { disk: meshDisk }),
  });
  return { node, journal, disk };
}

async function append(life: Life, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await life.journal.append({ ...draft, body: { i } });
}

async function end(life: Life): Promise<void> {
  await life.node.stop();
  await life.journal.close();
}

/** What the first node knows of the other. */
async function knownTo({ node }: Life, other: Life): Promise<PeerLog> {
  const { peers } = await node.call<{ peers: PeerLog[] }>("log.heads");
  const found = peers.find(({ key }) => key === other.node.key);
  assert.ok(found, "no head is known");
  return found;
}

/** Two nodes in a mesh, the second with 6 events, and a copy of its journal at that time. */
async function pair(
  options: Partial<JournalOptions> = {},
): Promise<{ world: MeshWorld; one: Life; two: Life; copy: ModelledDisk }> {
  const world = new MeshWorld();
  const one = await begin(world, { number: 1 });
  const two = await begin(world, { number: 2, options });
  await append(two, 5);
  await two.node.join((await one.node.invite()).ticket);
  await world.clock.advance(3_000);
  return { world, one, two, copy: two.disk.kill() };
}

/** Another life of the second node, on another state of its journal. */
async function relive(
  world: MeshWorld,
  about: { readonly before: Life; readonly disk: ModelledDisk; readonly appends: number },
): Promise<Life> {
  const { before, disk, appends } = about;
  const meshDisk = before.node.disk.kill();
  const journal = await openJournal({
    ...{ disk, directory, clock: world.clock, identity: identityOf(2) },
  });
  for (let i = 0; i < appends; i++) await journal.append({ ...draft, rid: "other", body: { i } });
  await journal.close();
  const life = await begin(world, { number: 2, disk, meshDisk });
  await world.clock.advance(8_000);
  return life;
}

const kinds = ({ node }: Life): string[] => node.events.map(({ kind }) => kind);
const events = ({ node }: Life, chi: string): unknown[] =>
  node.journal.filter((event) => event.chi === chi).map(({ body }) => body);

test("a journal that grows is proven to, by hello and by gossip, and is known after a restart", async () => {
  const { world, one, two } = await pair();
  assert.equal((await knownTo(one, two)).head.size, 6);
  await append(two, 200);
  await world.clock.advance(70_000);
  const known = await knownTo(one, two);
  assert.deepEqual(
    [known.head.size, known.state, known.provenFrom, known.findings],
    [206, "ok", 6, 0],
  );
  const meshDisk = one.node.disk.kill();
  await end(one);
  await append(two, 10);
  const again = await begin(world, { number: 1, meshDisk, disk: one.disk });
  assert.equal((await knownTo(again, two)).head.size, 206, "before anybody has said anything");
  await world.clock.advance(8_000);
  assert.deepEqual(
    [(await knownTo(again, two)).head.size, (await knownTo(again, two)).state],
    [216, "ok"],
  );
  await world.stop();
});

test("a node that goes on from a copy of its state is told of as a fork, with both heads as evidence", async () => {
  const { world, one, two, copy } = await pair();
  await append(two, 4);
  await world.clock.advance(40_000);
  assert.equal((await knownTo(one, two)).head.size, 10);
  await end(two);
  const other = await relive(world, { before: two, disk: copy, appends: 9 });
  const known = await knownTo(one, other);
  assert.deepEqual([known.state, known.findings, known.head.size], ["fork", 1, 15]);
  const [evidence] = known.evidence;
  const key = identityOf(2).publicKey;
  assert.ok(evidence !== undefined && isHeadOf(evidence.earlier, key));
  assert.ok(isHeadOf(evidence.later, key));
  assert.deepEqual([evidence.earlier.size, evidence.later.size], [10, 15]);
  assert.ok(kinds(one).includes("log-fork"));
  const [body] = events(one, "mesh.log-fork") as { earlier: SignedLogHead; key: string }[];
  assert.deepEqual([body?.key, body?.earlier], [other.node.key, evidence.earlier]);
  // The node itself is told too, and nobody is put out for it.
  assert.ok(kinds(other).includes("log-behind"));
  assert.equal(events(other, "mesh.log-behind").length, 1);
  assert.deepEqual(await one.node.linkedKeys(), [other.node.key]);
  const metrics = (await one.node.kernel.metrics.expose()).text;
  assert.match(metrics, /skep_mesh_log_forks_total 1\n/);
  await append(other, 3);
  await world.clock.advance(70_000);
  const later = await knownTo(one, other);
  assert.deepEqual([later.state, later.findings, later.head.size], ["fork", 1, 18], "told once");
  await one.node.call("log.accept", { key: other.node.key });
  assert.deepEqual((await knownTo(one, other)).state, "ok");
  await world.stop();
});

test("a restored copy is told of as a shrink, and to the node itself when it comes", async () => {
  const { world, one, two, copy } = await pair();
  await append(two, 4);
  await world.clock.advance(40_000);
  await end(two);
  const other = await relive(world, { before: two, disk: copy, appends: 0 });
  const known = await knownTo(one, other);
  assert.deepEqual([known.state, known.head.size], ["shrink", 6]);
  assert.ok(kinds(one).includes("log-shrink") && kinds(other).includes("log-behind"));
  assert.ok(other.node.lines.some((line) => line.includes("not what a peer knows")));
  await world.stop();
});

test("what retention has removed leaves a head unproved, which is neither fork nor shrink", async () => {
  const { world, one, two } = await pair();
  const meshDisk = two.node.disk.kill();
  // These are in no snapshot's tree alone: nothing proves 6 events any more.
  await append(two, 3);
  await end(two);
  world.clock.setWallClock(world.clock.nowMs() + 2 * 86_400_000);
  const options: Partial<JournalOptions> = { retention: { mode: "light" } };
  const { disk } = two;
  const between = await openJournal({
    ...{ disk, directory, clock: world.clock, identity: identityOf(2) },
    ...options,
  });
  for (let i = 0; i < 2; i++) await between.append(draft);
  await between.close();
  const later = await begin(world, { number: 2, disk, meshDisk, options });
  await world.clock.advance(8_000);
  const known = await knownTo(one, later);
  assert.deepEqual([known.state, known.evidence], ["unproved", []]);
  assert.ok(kinds(one).includes("log-unproved"));
  const from = known.provenFrom;
  await append(later, 2);
  await world.clock.advance(70_000);
  const next = await knownTo(one, later);
  assert.deepEqual([next.state, next.provenFrom], ["ok", from]);
  assert.ok(next.head.size > known.head.size);
  await world.stop();
});

test("late, forged and foreign heads are counted and change nothing; floods are refused", async () => {
  const { world, one, two } = await pair();
  const early = two.journal.head();
  await append(two, 4);
  await world.clock.advance(40_000);
  const before = await knownTo(one, two);
  const say = async (head: unknown): Promise<void> => {
    const bytes = new TextEncoder().encode(JSON.stringify(head));
    await two.node.mesh.publish(logHeadsTopic, bytes);
    await world.clock.advance(1_000);
  };
  await say(early);
  const { signature } = two.journal.head();
  await say({ ...two.journal.head(), size: 99 });
  await say({ size: 3, root: "00".repeat(32), tsMs: 5, signature });
  await say(one.journal.head());
  await say({ nonsense: 1 });
  await say("x".repeat(5_000));
  assert.deepEqual(await knownTo(one, two), before);
  const { refusals } = await one.node.status();
  assert.deepEqual([refusals["signature"], refusals["malformed"], refusals["too-long"]], [3, 1, 1]);
  assert.match((await one.node.kernel.metrics.expose()).text, /heads_total\{result="late"\} 1\n/);
  const ask = async (head: SignedLogHead): Promise<void> => {
    const opening = two.node.mesh.open(one.node.key, logProtocol);
    const stream = await world.until(opening.catch(() => undefined));
    stream?.send(logRequestFrame([head]));
    await world.clock.advance(20);
    stream?.reset();
  };
  for (let i = 0; i < 3; i++) await ask(one.journal.head());
  await world.clock.advance(1_000);
  await ask(two.journal.head());
  await world.clock.advance(1_000);
  const after = (await one.node.status()).refusals;
  assert.deepEqual([after["flood"], after["signature"]], [2, 4]);
  assert.deepEqual(await one.node.linkedKeys(), [two.node.key]);
  await world.stop();
});

test("the pace of a peer's questions is forgotten when it is no member any more", async () => {
  const clock = new VirtualClock();
  const members = new Set(["bb".repeat(32)]);
  const refused: string[] = [];
  const counter = { add: (): void => {} };
  const host = {
    clock,
    log: createLog({ clock, level: "off", write: () => {} }),
    metrics: { counter: () => counter },
    identity: { key: "aa".repeat(32) },
  } as unknown as Host;
  const watch = new LogWatch({
    host,
    files: { readLogHeads: () => Promise.resolve([]), writeLogHeads: () => Promise.resolve() },
    refusals: {
      take: (thrown) => {
        if (!(thrown instanceof MembershipError)) return undefined;
        refused.push(thrown.code);
        return thrown;
      },
    },
    members: () => members,
    isLinked: () => true,
    tell: () => {},
  });
  /** A stream that ends before it has asked anything. */
  const ask = async (): Promise<void> => {
    const frames = (async function* (): AsyncGenerator<Uint8Array> {})();
    const stream = { peer: "bb".repeat(32), frames, reset: (): void => {} };
    await watch.serve(stream as unknown as MeshStream);
  };
  await ask();
  await ask();
  assert.deepEqual(refused, ["flood"]);
  await watch.save();
  await ask();
  assert.deepEqual(refused, ["flood", "flood"], "a member's is not forgotten");
  members.clear();
  await watch.save();
  await ask();
  assert.deepEqual(refused, ["flood", "flood"]);
});
