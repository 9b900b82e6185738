/** The real network: the contract, and that a Unix socket is a private file. */
import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NetworkError, realNetwork } from "../../src/ports/mod.ts";
import { networkContract } from "./_network_contract.ts";
import type { NetworkUnderTest } from "./_network_contract.ts";

async function setup(): Promise<NetworkUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "skep-net-"));
  return {
    network: realNetwork(),
    directory,
    teardown: () => rm(directory, { recursive: true }),
  };
}

networkContract("realNetwork", setup);

test("realNetwork: a socket is 0600, gone after close; any file in the way is in use", async () => {
  const { network, directory, teardown } = await setup();
  const path = `${directory}/s`;
  const listener = await network.listen({ kind: "unix", path }, (stream) => stream.destroy());
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await listener.close();
  await assert.rejects(stat(path));
  await writeFile(path, "not a socket");
  for (const where of [path, `${directory}/none/s`]) {
    await assert.rejects(
      () => network.listen({ kind: "unix", path: where }, () => {}),
      (thrown: unknown) =>
        thrown instanceof NetworkError &&
        thrown.code === (where === path ? "in-use" : "not-found"),
    );
  }
  await teardown();
});
