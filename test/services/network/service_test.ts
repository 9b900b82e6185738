/** Goal: invite, join, see each other, remove, leave; every refused case by name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError } from "../../../src/kernel/mod.ts";
import type { MembershipError } from "../../../src/mesh/mod.ts";
import type { PeerList, PeerView } from "../../../src/services/network/mod.ts";
import { MeshWorld } from "./_mesh_world.ts";
import type { TestNode } from "./_mesh_world.ts";

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    assert(thrown instanceof RpcError, String(thrown));
    const { reason = thrown.kind } = (thrown.data ?? {}) as { reason?: MembershipError["code"] };
    return reason;
  }
  assert.fail("it was not refused");
}

function pair(nodes: readonly TestNode[]): [TestNode, TestNode] {
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  return [a, b];
}

test("a node joins by a ticket, and both see each other linked", async () => {
  const world = new MeshWorld();
  const [a, b] = pair(await world.mesh(2));
  assert.deepEqual(await a.linkedKeys(), [b.key]);
  assert.deepEqual(await b.linkedKeys(), [a.key]);
  assert.equal((await a.status()).state, "issuer");
  assert.equal((await b.status()).state, "member");
  assert.equal((await b.status()).mesh, a.key);
  assert.deepEqual((await a.status()).refusals, {});
  assert.equal(a.journal.some(({ chi }) => chi === "mesh.member-put"), true);
  assert.equal(b.journal.some(({ chi }) => chi === "mesh.joined"), true);
  await world.stop();
});

test("nothing listens before a node is in a mesh", async () => {
  const world = new MeshWorld();
  const a = await world.boot(1);
  await world.clock.advance(10_000);
  assert.equal((await a.status()).state, "none");
  assert.deepEqual((await a.status()).addresses, []);
  await assert.rejects(a.mesh.open("0".repeat(64), "/skep/hello/1"), /in none/);
  assert.deepEqual((await a.peers()).peers, []);
  await world.stop();
});

test("five nodes that know the issuer alone find each other, and what each says of itself", async () => {
  const world = new MeshWorld({ seed: 3 });
  const nodes = await world.mesh(5);
  const c = nodes[2];
  assert(c !== undefined);
  await c.call("capabilities.set", { source: "inference", capabilities: { freeSlots: 7 } });
  await world.clock.advance(2_000);
  for (const node of nodes) {
    assert.equal((await node.linkedKeys()).length, 4, node.key);
    const list: PeerList = await node.peers();
    const seen: PeerView | undefined = list.peers.find(({ key }) => key === c.key);
    const said: { freeSlots: number | null } | null | undefined = node === c
      ? list.self.capabilities
      : seen?.capabilities;
    assert.equal(said?.freeSlots, 7);
    assert.deepEqual((await node.status()).refusals, {});
  }
  await world.stop();
});

test("tickets that are used, expired, cut or unknown get nothing, by name", async () => {
  const world = new MeshWorld();
  const [a] = pair(await world.mesh(2));
  const c = await world.boot(3);
  const { ticket } = await a.invite({ expiresMs: 1_000 });
  await world.clock.advance(1_500);
  assert.equal(await reasonOf(c.join(ticket)), "invitation-expired");
  const used = await a.invite({ trust: "own" });
  await c.join(used.ticket);
  const d = await world.boot(4);
  assert.equal(await reasonOf(d.join(used.ticket)), "invitation-used");
  assert.equal(await reasonOf(d.join(used.ticket.slice(0, -20))), "ticket-cut");
  assert.equal(await reasonOf(d.join(`${used.ticket.slice(0, -3)}aaa`)), "ticket-malformed");
  assert.equal(await reasonOf(d.join("hello")), "ticket-malformed");
  assert.equal((await d.status()).state, "none");
  assert.deepEqual((await d.status()).addresses, []);
  const { refusals } = await a.status();
  assert.equal(refusals["invitation-expired"], 1);
  assert.equal(refusals["invitation-used"], 1);
  const trusts = (await a.peers()).peers.map(({ key, trust }) => [key === c.key, trust]);
  assert.deepEqual(trusts.find(([isC]) => isC)?.[1], "own");
  await world.stop();
});

test("a lost answer to a join may be asked for again by the same node, and by no other", async () => {
  const world = new MeshWorld();
  const a = await world.boot(1);
  const { ticket } = await a.invite();
  const b = await world.boot(2);
  await b.join(ticket);
  await b.call("mesh.leave");
  await b.join(ticket);
  await world.clock.advance(3_000);
  assert.deepEqual(await b.linkedKeys(), [a.key]);
  await a.call("peers.remove", { key: b.key });
  await world.clock.advance(3_000);
  const refused = reasonOf(b.join(ticket, { leave: true }));
  // It asks three times, as a link that is refused looks like one that breaks.
  await world.clock.advance(2_000);
  assert.equal(await refused, "invitation-unknown");
  assert.equal((await a.status()).refusals["evicted"], 3);
  await a.invite();
  assert.equal(await reasonOf(b.join(ticket, { leave: true })), "evicted");
  await world.stop();
});

test("a member that was removed loses its links at once, knows it, and gets nothing any more", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(3);
  const [a, b] = pair(nodes);
  await a.call("peers.remove", { key: b.key });
  await world.clock.advance(200);
  assert.deepEqual((await a.linkedKeys()).includes(b.key), false);
  assert.deepEqual((await nodes[2]?.linkedKeys())?.includes(b.key), false);
  assert.equal((await b.status()).state, "removed");
  assert.deepEqual((await b.status()).addresses, []);
  assert.equal(await reasonOf(b.call("mesh.invite")), "invalidParams");
  // Its next life does not listen either, and a forged one that dials is not admitted.
  const disk = b.disk;
  await b.stop();
  const later = await world.boot(2, { disk, mesh: world.medium.node(b.key) });
  assert.equal((await later.status()).state, "removed");
  await later.mesh.listen({ tcp: false, iroh: false, meshId: a.key }, {
    admits: () => true,
    allows: () => true,
  });
  const { signal } = new AbortController();
  await assert.rejects(
    world.until(later.mesh.dial(a.key, { addresses: [`/memory/${a.key}`], signal })),
    /does not admit/,
  );
  assert.equal((await a.status()).refusals["evicted"], 1);
  await world.stop();
});

test("members are put back, trusted otherwise, named, and found by alias, key or id", async () => {
  const world = new MeshWorld();
  const nodes = await world.mesh(3);
  const [a, b] = pair(nodes);
  await a.call("peers.add", { key: b.key, alias: "attic", trust: "own" });
  await world.clock.advance(500);
  const seen = (await nodes[2]?.peers())?.peers.find(({ key }) => key === b.key);
  assert.equal(seen?.trust, "own");
  assert.equal((await a.peers()).peers.find(({ key }) => key === b.key)?.alias, "attic");
  await a.call("peers.trust", { key: "attic", trust: "member" });
  const { peers } = await a.peers();
  const hid = peers.find(({ key }) => key === b.key)?.hid ?? "";
  assert.equal(peers.find(({ key }) => key === b.key)?.trust, "member");
  await a.call("peers.trust", { key: hid.slice(0, 20), trust: "own" });
  assert.equal(await reasonOf(a.call("peers.trust", { key: "cellar", trust: "own" })), "notFound");
  assert.equal(
    await reasonOf(b.call("peers.trust", { key: a.key, trust: "member" })),
    "invalidParams",
  );
  assert.equal(await reasonOf(a.call("peers.remove", { key: a.key })), "invalidParams");
  await a.call("peers.remove", { key: "attic" });
  await world.clock.advance(500);
  assert.equal(await reasonOf(a.call("peers.trust", { key: "attic", trust: "own" })), "notFound");
  await a.call("peers.add", { key: b.key });
  assert.equal((await a.status()).memberCount, 3);
  await world.stop();
});

test("a node that is in a mesh joins another one only when told to leave", async () => {
  const world = new MeshWorld();
  const [a, b] = pair(await world.mesh(2));
  const c = await world.boot(3);
  const { ticket } = await c.invite();
  assert.equal(await reasonOf(b.join(ticket)), "invalidParams");
  assert.equal(await reasonOf(c.join(ticket)), "invalidParams");
  await b.join(ticket, { leave: true });
  await world.clock.advance(3_000);
  assert.deepEqual(await b.linkedKeys(), [c.key]);
  assert.deepEqual(await a.linkedKeys(), []);
  await b.call("mesh.leave");
  assert.equal((await b.status()).state, "none");
  await world.stop();
});

test("a failed join leaves the node in the mesh where it was", async () => {
  const world = new MeshWorld();
  const [a, b] = pair(await world.mesh(2));
  const c = await world.boot(3);
  const { ticket } = await c.invite();
  await c.stop();
  assert.equal(await reasonOf(b.join(ticket, { leave: true })), "unreachable");
  await world.clock.advance(5_000);
  assert.deepEqual(await b.linkedKeys(), [a.key]);
  await world.stop();
});

test("a node comes back into its mesh after a restart, whoever restarts", async () => {
  const world = new MeshWorld();
  const [a, b] = pair(await world.mesh(2));
  const { disk } = a;
  await a.stop();
  await world.clock.advance(1_000);
  assert.deepEqual(await b.linkedKeys(), []);
  const again = await world.boot(1, { disk, mesh: world.medium.node(a.key) });
  await world.clock.advance(5_000);
  assert.deepEqual(await again.linkedKeys(), [b.key]);
  assert.deepEqual(await b.linkedKeys(), [a.key]);
  assert.equal((await again.status()).state, "issuer");
  await world.stop();
});
