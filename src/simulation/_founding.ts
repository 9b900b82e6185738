/** How a simulated mesh begins. */
import type { Invited } from "../services/network/mod.ts";
import type { World } from "./_world.ts";

/** The first node founds a mesh of all, and the others come in by tickets. */
export async function found(world: World): Promise<void> {
  const [first, ...others] = world.nodes;
  if (first === undefined) return;
  await world.boot(first);
  await world.drive(first.call<Invited>("mesh.invite"));
  for (const { key } of others) await world.drive(first.call("peers.add", { key }));
  for (const node of others) {
    await world.boot(node);
    const { ticket } = await world.drive(first.call<Invited>("mesh.invite"));
    await world.drive(node.call("mesh.join", { ticket }));
  }
}

/** Boots and ends the first node without letting time pass. */
export async function warmUp(world: World): Promise<void> {
  const [node] = world.nodes;
  await node?.boot();
  node?.end("crash");
  await node?.ended;
}
