/** Goal: a start that can't go well is told of before a ticket is used, and what is missing after it. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bootIn, withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

const file = fileURLToPath(
  new URL("../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);
const network = { iroh: false, tcpListen: "127.0.0.1:0" };
const local = ["--set", "network.iroh=false", "--set", "network.tcpListen=127.0.0.1:0"];

test(
  "join uses no ticket where the port is taken, the file or its layers are not there, and says that it is a member where the mesh has no such model",
  {
    timeout: 60_000,
  },
  () =>
    withFolder((one) =>
      withFolder(async (other) => {
        const node = await bootIn(one, { config: { network } });
        const taken = createServer();
        await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
        const at = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
        const free = "127.0.0.1:0";
        try {
          const ticket = (await skep(["invite", "--home", one])).out.trim();
          const asked = ["join", ticket, "--home", other, ...local];
          for (
            const [more, code, sentence] of [
              [["--listen", at], 1, /^Error: Cannot listen at .* as the port is in use/],
              [
                ["--listen", free, "--model", join(other, "no.gguf")],
                1,
                /^Error: Cannot .*no\.gguf/,
              ],
              [
                ["--listen", free, "--model", file, "--layers", "3-6"],
                1,
                /^Error: .* must lie within 0-5: current value is 3-6$/m,
              ],
              [["--listen", free, "--layers", "x"], 2, /^Error: .*inference\.layers/],
            ] as const
          ) {
            const refused = await skep([...asked, ...more]);
            assert.deepEqual([refused.code, refused.out], [code, ""], refused.err);
            assert.match(refused.err, sentence);
          }
          const status = await skep(["peer", "list", "--json", "--all", "--home", one]);
          assert.deepEqual(JSON.parse(status.out).peers, []);
          const typo = await skep([
            ...asked,
            "--listen",
            free,
            "--model",
            "bigg",
            "--layers",
            "3-6",
          ]);
          assert.equal(typo.code, 1, typo.err);
          assert.match(typo.out, /^Joined mesh skep_/);
          assert.match(
            typo.err,
            /Cannot find model "bigg" as .*; this node is a member of mesh skep_[0-9a-f]{12} now: start it by "skep up --model MODEL --layers FROM-TO --save"\n$/,
          );
        } finally {
          taken.close();
          await node.stop();
        }
      })
    ),
);

test("up with layers that nobody completes says which are missing and how to have them computed", {
  timeout: 60_000,
}, () =>
  withFolder(async (home) => {
    const { code, out, err } = await skep(
      ["up", "--home", home, "--listen", "127.0.0.1:0", "--model", file, "--layers", "0-3"],
      { onOutput: (_out, signal) => signal("SIGTERM") },
    );
    assert.equal(code, 0, err);
    assert.doesNotMatch(out, /Try it|curl/);
    assert.match(out, /"stories260K-q8_0" gives no answer yet, as no node computes layers 3-4\./);
    assert.match(out, /"skep invite" makes .*\n +skep join TICKET --model \S+ --layers 3-5\n/);
  }));
