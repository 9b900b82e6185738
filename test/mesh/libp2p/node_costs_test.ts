/**
 * Goal: what is spared on each link is spared with the libp2p that is installed. It is done by fields
 * that are not in libp2p's types: where one is renamed, or not looked at any more, links go on as
 * libp2p has them, and nothing but these tests shows it.
 */
import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { yamux } from "@chainsafe/libp2p-yamux";
import type { Stream } from "@libp2p/interface";
import { pureJsCrypto } from "@libp2p/noise";
import type { Libp2p, Libp2pOptions } from "libp2p";
import { createLibp2p } from "libp2p";
import { gatheredTcp } from "../../../src/mesh/libp2p/gathered_tcp.ts";
import { leanNoise } from "../../../src/mesh/libp2p/lean_noise.ts";
import { updateSeldom } from "../../../src/mesh/libp2p/seldom_windows.ts";

type EncrypterFactory = NonNullable<Libp2pOptions["connectionEncrypters"]>[number];
type Seal = typeof pureJsCrypto.chaCha20Poly1305Encrypt;
type Open = typeof pureJsCrypto.chaCha20Poly1305Decrypt;

const protocol = "/test/costs/1";

/** Far beyond what is left to libp2p's own ciphers. */
const longBytes = 16_384;

/** libp2p's Noise as nodes of a mesh have it, and what it does with the ciphers it was given. */
class WatchedNoise {
  shortCount = 0;
  longCount = 0;
  /** The connections that it has made. */
  readonly made: object[] = [];

  readonly factory: EncrypterFactory = (components) => {
    const chaCha20Poly1305Encrypt: Seal = (...message) => {
      this.#note(message[0].byteLength);
      return pureJsCrypto.chaCha20Poly1305Encrypt(...message);
    };
    const chaCha20Poly1305Decrypt: Open = (...message) => {
      this.#note(message[0].byteLength);
      return pureJsCrypto.chaCha20Poly1305Decrypt(...message);
    };
    const crypto = { ...pureJsCrypto, chaCha20Poly1305Encrypt, chaCha20Poly1305Decrypt };
    const noise = leanNoise({ crypto })(components);
    const [outbound, inbound] = [noise.secureOutbound.bind(noise), noise.secureInbound.bind(noise)];
    noise.secureOutbound = async (...args) => this.#keep(await outbound(...args));
    noise.secureInbound = async (...args) => this.#keep(await inbound(...args));
    return noise;
  };

  #note(byteCount: number): void {
    if (byteCount < longBytes) this.shortCount += 1;
    else this.longCount += 1;
  }

  #keep<T extends { readonly connection: object }>(secured: T): T {
    this.made.push(secured.connection);
    return secured;
  }
}

/** A stream between two nodes, and what it is made of. */
interface Link {
  readonly near: Stream;
  readonly far: Stream;
  readonly noise: WatchedNoise;
  /** Sends messages one by one, each when the one before has come. @returns writes to any socket */
  send(sizes: readonly number[]): Promise<number>;
}

async function withLink(use: (link: Link) => Promise<void>): Promise<void> {
  const noise = new WatchedNoise();
  const nodes: Libp2p[] = [];
  try {
    for (let i = 0; i < 2; i++) {
      nodes.push(
        await createLibp2p({
          addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
          transports: [gatheredTcp({})],
          connectionEncrypters: [noise.factory],
          streamMuxers: [yamux({ enableKeepAlive: false })],
          connectionMonitor: { enabled: false },
        }),
      );
    }
    const [one, other] = nodes;
    assert.ok(one !== undefined && other !== undefined);
    const served = Promise.withResolvers<Stream>();
    await other.handle(protocol, served.resolve);
    const signal = AbortSignal.timeout(8000);
    const near = await one.dialProtocol(other.getMultiaddrs(), protocol, { signal });
    const far = await served.promise;
    await use({
      near,
      far,
      noise,
      send: (sizes) => writesOf(() => sendEach(near, { far, sizes })),
    });
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

async function sendEach(
  near: Stream,
  { far, sizes }: { readonly far: Stream; readonly sizes: readonly number[] },
): Promise<void> {
  let left = 0;
  let resolve = (): void => {};
  far.addEventListener("message", ({ data }) => {
    left -= data.byteLength;
    if (left === 0) resolve();
  });
  for (const size of sizes) {
    left = size;
    const come = new Promise<void>((done) => resolve = done);
    near.send(new Uint8Array(size));
    await come;
    // What the other side says to it has been written by then.
    await new Promise((done) => setTimeout(done, 2));
  }
}

/** How often sockets of this process were written to meanwhile. */
async function writesOf(act: () => Promise<void>): Promise<number> {
  const own = Object.getOwnPropertyDescriptor(Socket.prototype, "write");
  const write = Socket.prototype.write;
  let count = 0;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]): boolean {
    count += 1;
    return Reflect.apply(write, this, args) as boolean;
  };
  try {
    await act();
  } finally {
    if (own === undefined) Reflect.deleteProperty(Socket.prototype, "write");
    else Object.defineProperty(Socket.prototype, "write", own);
  }
  return count;
}

test("leanNoise() seals and opens long messages itself, and leaves short ones to libp2p", async () => {
  await withLink(async ({ noise, send }) => {
    const before = noise.shortCount;
    await send([100]);
    assert.ok(noise.shortCount >= before + 2, "sealed and opened");
    await send([longBytes]);
    assert.equal(noise.longCount, 0);
  });
});

test("leanNoise() finds out without an exception that a message has been read", async () => {
  await withLink(async ({ noise, send }) => {
    let asked = 0;
    assert.equal(noise.made.length, 2, "both ends");
    for (const made of noise.made) {
      const decoder: unknown = Reflect.get(made, "decoder");
      assert.ok(typeof decoder === "object" && decoder !== null);
      const lengthDecoder: unknown = Reflect.get(decoder, "lengthDecoder");
      assert.ok(typeof lengthDecoder === "function");
      assert.equal(lengthDecoder({ byteLength: 1 }), 65_535);
      Reflect.set(decoder, "lengthDecoder", (bytes: unknown): unknown => {
        asked += 1;
        return lengthDecoder(bytes);
      });
    }
    await send([100]);
    assert.ok(asked > 0, "libp2p asks it");
  });
});

test("gatheredTcp() and updateSeldom() make one write of a message, and none of thanks", async () => {
  const sizes = Array.from({ length: 20 }, () => 3072);
  await withLink(async ({ far, send }) => {
    updateSeldom(far);
    assert.equal(await send(sizes), sizes.length);
  });
  await withLink(async ({ send }) => {
    assert.ok(await send(sizes) > sizes.length, "libp2p itself thanks for each");
  });
});
