import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { skep } from "./_support.ts";

test("skep sim: prints what came of it, and --json prints it for scripts", async () => {
  const args = ["sim", "--nodes", "3", "--seed", "5", "--for", "20s", "--churn", "5s"];
  const { code, out, err } = await skep([...args, "--replay"]);
  assert.equal(err, "");
  assert.equal(code, 0);
  assert.match(out, /^seed +5$/m);
  assert.match(out, /^time .* to 1$/m);
  assert.match(out, /^replay +the same$/m);
  const json = JSON.parse((await skep([...args, "--json"])).out);
  assert.equal(json.ok, true);
  assert.match(out, new RegExp(`^digest +${json.digest}$`, "m"));
});

test("skep sim: a run that fails prints its seed and the command that repeats it", async () => {
  const args = ["sim", "--nodes", "4", "--seed", "3", "--for", "1m", "--loss", "0.9"];
  const { code, out } = await skep(args);
  assert.equal(code, 1);
  assert.match(out, /^seed +3$/m);
  assert.match(out, /^At \d+\.\d+ s /m);
  assert.match(out, /^Repeat it with: skep sim --nodes 4 --seed 3 --for 1m --loss 0\.9$/m);
  const json = JSON.parse((await skep([...args, "--json"])).out);
  assert.equal(json.repeat, "skep sim --nodes 4 --seed 3 --for 1m --loss 0.9");
});

test("skep sim: reads a script, and says which line of it is wrong", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skep-sim-"));
  try {
    const file = join(folder, "script.txt");
    await writeFile(file, "2s crash 2\n8s restart 2\n20s end\n");
    const good = await skep(["sim", file, "--nodes", "3", "--seed", "1", "--json"]);
    assert.deepEqual(JSON.parse(good.out).actions, { crash: 1, restart: 1, end: 1 });
    await writeFile(file, "2s crash 2\nnonsense\n");
    const bad = await skep(["sim", file, "--nodes", "3"]);
    assert.equal(bad.code, 2);
    assert.match(bad.err, /in line 2/);
    const missing = await skep(["sim", join(folder, "none"), "--nodes", "3"]);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /Cannot read the script/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
