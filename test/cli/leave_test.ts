/** `skep invite`, `peer list` and `leave` against a node of the same process. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hidOf, shortHidOf } from "../../src/identity/mod.ts";
import { bootIn, withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

const network = { iroh: false, tcpListen: "127.0.0.1:0" };

test("invite tells what the ticket is good for, peer list who this node is, and leave ends it", {
  timeout: 60_000,
}, () =>
  withFolder(async (home) => {
    const node = await bootIn(home, { config: { network } });
    const place = ["--home", home];
    const nowhere = await skep(["leave", ...place]);
    assert.deepEqual([nowhere.code, nowhere.out], [0, "This node is in no mesh\n"]);
    const invited = await skep(["invite", ...place]);
    assert.equal(invited.code, 0, invited.err);
    assert.match(invited.out, /^skep1[a-z2-7]+\n$/);
    assert.match(invited.err, /^Note: Only this machine can use the ticket as .*loopback.*\n$/);
    const asked = JSON.parse((await skep(["invite", "--json", ...place])).out);
    assert.deepEqual(asked.missing, []);
    const { self } = JSON.parse((await skep(["peer", "list", "--json", ...place])).out);
    const id = self.hid.slice(0, 17);
    const list = await skep(["peer", "list", ...place]);
    assert.equal(
      list.out,
      `Mesh ${id} of 1, which this node issues; this node is ${id}, own\n  nobody else is there\n`,
    );
    const put = await skep(["peer", "add", "ab".repeat(32), "--alias", "attic", ...place]);
    assert.equal(put.code, 0, put.err);
    const attic = `attic (${shortHidOf(hidOf(new Uint8Array(32).fill(0xab)))})`;
    assert(put.out.startsWith(`${attic} is in the roster`), put.out);
    const second = await skep(["peer", "add", `abababab${"cd".repeat(28)}`, ...place]);
    const [cellar = ""] = second.out.split(" ");
    // By every form: alias, id, key, the beginning of either.
    const { hid, key } = JSON.parse((await skep(["peer", "list", "--all", "--json", ...place])).out)
      .peers.find((peer: { readonly alias?: string }) => peer.alias === "attic");
    for (const name of ["attic", hid, hid.slice(0, 13), key, key.slice(0, 9)]) {
      const { code, out, err } = await skep(["peer", "trust", name, "member", ...place]);
      assert.deepEqual([code, err], [0, ""], name);
      assert(out.startsWith(`${attic} is trusted as member`), out);
    }
    for (
      const [name, sentence] of [
        ["abababab", `Cannot tell which peer "abababab" is as it may be ${attic}, ${cellar}`],
        [
          "attik",
          `Cannot find peer "attik" as nobody in the mesh has such an id, key or alias: there are ${attic}, ${cellar}`,
        ],
        [
          "abab",
          `Cannot find peer "abab" as the beginning of an id or a key must have 8 digits or more: there are ${attic}, ${cellar}`,
        ],
      ] as const
    ) {
      const { code, err } = await skep(["peer", "trust", name, "own", ...place]);
      assert.deepEqual([code, err], [1, `Error: ${sentence}\n`]);
    }
    assert.equal((await skep(["peer", "rm", cellar, ...place])).code, 0);
    const away = await skep(["peer", "list", ...place]);
    assert.match(away.out, /\n {2}1 more, which can't be reached: --all shows them\n$/);
    const bound = await skep(["leave", ...place]);
    assert.equal(bound.code, 1);
    assert.match(bound.err, /Cannot leave as this node founded the mesh .* which has 1 more: /);
    const gone = await skep(["peer", "list", "--all", ...place]);
    assert.match(gone.out, /^ {2}attic \(skep_[0-9a-f]{12}\) +member gone/m);
    // What "join" had it remember goes with the mesh.
    const remembered = join(home, "state/remembered.json");
    const told = { by: "skep join", model: { value: "big", over: null } };
    writeFileSync(remembered, JSON.stringify(told));
    const left = await skep(["leave", "--force", ...place]);
    assert.equal(existsSync(remembered), false);
    assert.deepEqual([left.code, left.out], [0, `Left mesh ${id}\n`]);
    assert.match((await skep(["peer", "list", ...place])).out, /^This node is in no mesh/);
    await node.stop();
  }));

test(
  "join with a node that runs says what of its flags waits for a restart",
  { timeout: 60_000 },
  () =>
    withFolder((one) =>
      withFolder(async (other) => {
        const nodes = [one, other].map((home) => bootIn(home, { config: { network } }));
        const [issuer, joiner] = await Promise.all(nodes);
        const ticket = (await skep(["invite", "--home", one])).out.trim();
        const joined = await skep([
          ...["join", ticket, "--home", other],
          ...["--model", "./big.gguf", "--layers", "3-5"],
        ]);
        assert.equal(joined.code, 0, joined.err);
        assert.match(joined.out, /^Joined mesh skep_[0-9a-f]{12} of 2 nodes/);
        assert.match(joined.err, /: skep restart --save --model \.\/big\.gguf --layers 3-5\n$/);
        await Promise.all([issuer?.stop(), joiner?.stop()]);
      })
    ),
);
