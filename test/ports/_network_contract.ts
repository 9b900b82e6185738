/** What every `Network` promises; `hasFiles` tells whether Unix sockets are files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Duplex } from "node:stream";
import { NetworkError } from "../../src/ports/mod.ts";
import type { Address, Network, NetworkErrorCode } from "../../src/ports/mod.ts";

/** A network and a directory for its sockets. */
export interface NetworkUnderTest {
  network: Network;
  /** An existing directory, short enough for a socket path. */
  directory: string;
  teardown(): Promise<void>;
}

function failsWith(run: () => Promise<unknown>, code: NetworkErrorCode): Promise<void> {
  return assert.rejects(run, (thrown: unknown) => {
    assert.ok(thrown instanceof NetworkError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return true;
  });
}

async function readAll(stream: Duplex): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream) parts.push(chunk);
  return new TextDecoder().decode(
    new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()),
  );
}

function echo(stream: Duplex): void {
  stream.pipe(stream);
}

function addresses(directory: string): Address[] {
  return [{ kind: "unix", path: `${directory}/s` }, { kind: "tcp", host: "127.0.0.1", port: 0 }];
}

const cases: Record<string, (under: NetworkUnderTest) => Promise<void>> = {
  async "carries bytes both ways, the end included"({ network, directory }): Promise<void> {
    for (const address of addresses(directory)) {
      const body = "x".repeat(300_000);
      const listener = await network.listen(address, (stream) => {
        stream.end(body);
        stream.resume();
      });
      const stream = await network.dial(listener.address);
      assert.equal((await readAll(stream)).length, body.length);
      await listener.close();
    }
  },
  async "echoes what is written piece by piece"({ network, directory }): Promise<void> {
    for (const address of addresses(directory)) {
      const listener = await network.listen(address, echo);
      const stream = await network.dial(listener.address);
      for (const word of ["one", "two"]) {
        stream.write(word);
        const [chunk] = await new Promise<[Uint8Array]>((resolve) =>
          stream.once("data", (data) => resolve([data]))
        );
        assert.equal(new TextDecoder().decode(chunk), word);
      }
      stream.destroy();
      await listener.close();
    }
  },
  async "picks a port for port 0, and a bound address is in use"(
    { network, directory },
  ): Promise<void> {
    for (const address of addresses(directory)) {
      const listener = await network.listen(address, echo);
      if (listener.address.kind === "tcp") assert.ok(listener.address.port > 0);
      await failsWith(() => network.listen(listener.address, echo), "in-use");
      await listener.close();
    }
  },
  async "a closed listener can be closed again and its address bound again"(
    { network, directory },
  ): Promise<void> {
    const address: Address = { kind: "unix", path: `${directory}/again` };
    const first = await network.listen(address, echo);
    await first.close();
    await failsWith(() => network.dial(address), "not-found");
    const second = await network.listen(address, echo);
    await first.close();
    (await network.dial(address)).destroy();
    await second.close();
  },
  async "open connections outlive their listener"({ network, directory }): Promise<void> {
    const listener = await network.listen({ kind: "unix", path: `${directory}/s` }, echo);
    const stream = await network.dial(listener.address);
    await listener.close();
    stream.write("still");
    const chunk = await new Promise<Uint8Array>((resolve) => stream.once("data", resolve));
    assert.equal(new TextDecoder().decode(chunk), "still");
    stream.destroy();
  },
  async "nobody there is refused or not found"({ network, directory }): Promise<void> {
    const listener = await network.listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, echo);
    await listener.close();
    await failsWith(() => network.dial(listener.address), "refused");
    await failsWith(() => network.dial({ kind: "unix", path: `${directory}/no` }), "not-found");
  },
  async "a path over the system's limit is refused by name"({ network, directory }): Promise<void> {
    const address: Address = { kind: "unix", path: `${directory}/${"é".repeat(60)}` };
    await failsWith(() => network.listen(address, echo), "path-too-long");
    await failsWith(() => network.dial(address), "path-too-long");
  },
  async "an aborted dial throws the signal's reason"({ network, directory }): Promise<void> {
    const reason = new TypeError("enough");
    const address: Address = { kind: "unix", path: `${directory}/s` };
    await assert.rejects(network.dial(address, AbortSignal.abort(reason)), reason);
  },
  async "bytes land in the memory that was given, in order, and wait while paused"(
    { network, directory },
  ): Promise<void> {
    for (const address of addresses(directory)) {
      const sent = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
      const listener = await network.listen(address, (stream) => stream.end(sent));
      const memory = new Uint8Array(300_000);
      const ended = Promise.withResolvers<void>();
      let at = 0;
      let paused = false;
      const stream = await network.dial(listener.address, undefined, {
        // Another place each time, and never more than is asked for.
        space: () => memory.subarray(at, at + 1_000 + at % 7_000),
        landed: (byteCount) => {
          assert.equal(paused, false, "Bytes came while the stream was paused");
          at += byteCount;
          if (at < 100_000 || stream.listenerCount("test") > 0) return;
          stream.once("test", () => {});
          stream.pause();
          queueMicrotask(() => {
            paused = true;
            setTimeout(() => {
              paused = false;
              stream.resume();
            }, 20);
          });
        },
      });
      stream.once("end", () => ended.resolve());
      await ended.promise;
      assert.equal(at, sent.length);
      assert.deepEqual(memory.subarray(0, at), sent);
      await listener.close();
    }
  },
  async "a peer that vanishes is a close, not a crash"({ network, directory }): Promise<void> {
    const listener = await network.listen({ kind: "unix", path: `${directory}/s` }, (stream) => {
      stream.write("bye");
      stream.destroy();
    });
    const stream = await network.dial(listener.address);
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    stream.resume();
    stream.write(new Uint8Array(100_000));
    await closed;
    await listener.close();
  },
};

/** Registers the suite; `setup` makes what one test uses. */
export function networkContract(name: string, setup: () => Promise<NetworkUnderTest>): void {
  for (const [sentence, run] of Object.entries(cases)) {
    test(`${name}: ${sentence}`, { timeout: 20_000 }, async () => {
      const under = await setup();
      try {
        await run(under);
      } finally {
        await under.teardown();
      }
    });
  }
}
