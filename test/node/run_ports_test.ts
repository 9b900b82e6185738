/** Goal: a port that somebody else has is told of by its setting, and before a model is loaded. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { NodeError } from "../../src/node/mod.ts";
import { NetworkError, realNetwork } from "../../src/ports/mod.ts";
import { bootIn, withFolder } from "./_support.ts";

test("run tells which setting names a port that is in use, at once or when it is bound", () =>
  withFolder(async (home) => {
    const taken = createServer((socket) => void socket.destroy()).listen(0, "127.0.0.1");
    await once(taken, "listening");
    const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const real = realNetwork();
    const blind = {
      ...real,
      dial: () => Promise.reject(new NetworkError({ code: "refused", message: "Nobody there" })),
    };
    try {
      for (const network of [real, blind]) {
        const loaded: unknown[] = [];
        await assert.rejects(
          bootIn(home, {
            config: { api: { listen } },
            flags: { "api.listen": "--listen" },
            network,
            onProgress: (event) => loaded.push(event),
          }),
          (thrown) => {
            assert(thrown instanceof NodeError && thrown.code === "port-taken", String(thrown));
            const start =
              `Cannot listen at ${listen} (api.listen, set by --listen) as the port is in use`;
            assert(thrown.message.startsWith(start), thrown.message);
            assert.match(
              thrown.message,
              /choose another port by --listen HOST:PORT or api\.listen/,
            );
            return true;
          },
        );
        if (network === real) assert.deepEqual(loaded, []);
      }
    } finally {
      taken.close();
    }
  }));
