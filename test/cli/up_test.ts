/** Goal: a node that is stopped, or can't be asked, while `skep up` greets is no failed `skep up`. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Network } from "../../src/ports/mod.ts";
import { realNetwork } from "../../src/ports/mod.ts";
import { withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";
import type { CliOptions, CliResult } from "./_support.ts";

/** Runs `skep up` on a free port below `home`. */
function up(home: string, options: CliOptions): Promise<CliResult> {
  return skep(["up", "--home", home, "--listen", "127.0.0.1:0"], options);
}

/** The real network, where the API is reached only after `before`; it rejects to cut the line. */
function slowToReach(before: () => Promise<void>): Network {
  const real = realNetwork();
  return {
    listen: (address, onStream) => real.listen(address, onStream),
    dial: async (address, signal, into) => {
      if (address.kind === "tcp") await before();
      return await real.dial(address, signal, into);
    },
  };
}

test("up ends with 0 when a signal stops the node while it is asked for its model", () =>
  withFolder(async (home) => {
    let sendSignal: (name: string) => void = () => {};
    const network = slowToReach(async () => {
      assert(existsSync(join(home, "state/runtime.json")), "it is ready");
      sendSignal("SIGTERM");
      while (existsSync(join(home, "state/runtime.json"))) await sleep(5);
    });
    const onListening: CliOptions["onListening"] = (_name, signal) => sendSignal = signal;
    const { code, out, err } = await up(home, { network, onListening });
    assert.equal(code, 0, err);
    assert.equal(out, "", "a stopped node is not said to be up");
    assert.match(err, /"Stopping"[^]*"Stopped"/);
    assert.doesNotMatch(err, /Error:/);
  }));

test("up goes on without a model in its banner when the model can't be asked", () =>
  withFolder(async (home) => {
    let sendSignal: (name: string) => void = () => {};
    const network = slowToReach(() => Promise.reject(new TypeError("No way there")));
    const { code, out, err } = await up(home, {
      network,
      onListening: (_name, signal) => sendSignal = signal,
      onOutput: () => sendSignal("SIGTERM"),
    });
    assert.equal(code, 0, err);
    assert.match(out, /is up.*\n {2}model +unknown: No way there\n/);
    assert.match(err, /"Stopped"/, "it was not left behind while it ran");
  }));
