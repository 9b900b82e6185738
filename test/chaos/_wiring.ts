/**
 * Wires between all nodes of a mesh, in both directions. A node is told the ports of its own wires as
 * its peers' addresses, and no other address: so whatever is cut here is cut.
 */
import { freePort, Wire } from "./_wires.ts";
import type { Cut } from "./_wires.ts";

/** All wires of one mesh. */
export class Wiring {
  readonly #ports: number[] = [];
  readonly #wires = new Map<string, Wire>();
  /** Through it nodes join, before they are told of the wires. */
  #door: Wire | undefined;
  #deadPort = 0;

  /** Gives the next node a port, and wires to and from all before it. */
  async add(): Promise<void> {
    const index = this.#ports.length;
    const port = await freePort();
    this.#ports.push(port);
    if (index === 0) {
      this.#door = await Wire.open(port);
      this.#deadPort = await freePort();
    }
    for (let other = 0; other < index; other++) {
      this.#wires.set(`${other}-${index}`, await Wire.open(port));
      this.#wires.set(`${index}-${other}`, await Wire.open(this.#ports[other] ?? 0));
    }
  }

  /** Settings of a node: where it listens, and where it says that it does. */
  environment(index: number): Record<string, string> {
    const port = index === 0 ? this.#door?.port : this.#deadPort;
    return {
      SKEP_NETWORK_TCP_LISTEN: `127.0.0.1:${this.#ports[index] ?? 0}`,
      SKEP_NETWORK_ADVERTISE: `/ip4/127.0.0.1/tcp/${port ?? 0}`,
    };
  }

  /** Where a node finds another. */
  address(from: number, to: number): string {
    return `/ip4/127.0.0.1/tcp/${this.#wires.get(`${from}-${to}`)?.port ?? 0}`;
  }

  /** Nobody comes by the door any more, and who has is thrown out: from now on the wires are all. */
  closeDoor(): void {
    this.#door?.cut("reset");
    this.#door?.close();
  }

  /** Cuts what leads from one group to the other, and back. */
  cut(
    how: Cut,
    { between, and }: { readonly between: readonly number[]; readonly and: readonly number[] },
  ): void {
    for (const wire of this.#across(between, and)) wire.cut(how);
  }

  /** Mends what leads from one group to the other, and back. */
  mend(
    { between, and }: { readonly between: readonly number[]; readonly and: readonly number[] },
  ): void {
    for (const wire of this.#across(between, and)) wire.mend();
  }

  close(): void {
    this.#door?.close();
    for (const wire of this.#wires.values()) wire.close();
  }

  #across(group: readonly number[], others: readonly number[]): Wire[] {
    return group.flatMap((one) =>
      others.flatMap((other) =>
        [`${one}-${other}`, `${other}-${one}`].flatMap((name) => this.#wires.get(name) ?? [])
      )
    );
  }
}
