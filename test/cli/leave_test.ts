/** `skep invite`, `peer list` and `leave` against a node of the same process. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
    const key = self.key.slice(0, 12);
    const list = await skep(["peer", "list", ...place]);
    assert.equal(
      list.out,
      `Mesh ${key} of 1, which this node issues; this node is ${key}, own\n  nobody else is there\n`,
    );
    const put = await skep(["peer", "add", "ab".repeat(32), "--alias", "attic", ...place]);
    assert.equal(put.code, 0, put.err);
    const away = await skep(["peer", "list", ...place]);
    assert.match(away.out, /\n {2}1 more, which can't be reached: --all shows them\n$/);
    const bound = await skep(["leave", ...place]);
    assert.equal(bound.code, 1);
    assert.match(bound.err, /Cannot leave as this node founded the mesh .* which has 1 more: /);
    const gone = await skep(["peer", "list", "--all", ...place]);
    assert.match(gone.out, /^ {2}attic \(abababababab\) +member gone/m);
    const left = await skep(["leave", "--force", ...place]);
    assert.deepEqual([left.code, left.out], [0, `Left mesh ${key}\n`]);
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
        assert.match(joined.out, /^Joined mesh [0-9a-f]{12} of 2 nodes/);
        assert.match(joined.err, /: skep restart --model \.\/big\.gguf --layers 3-5\n$/);
        await Promise.all([issuer?.stop(), joiner?.stop()]);
      })
    ),
);
