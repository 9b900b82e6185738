/** Goal: runtime.json is whole or absent after a crash at any step, and a broken one counts as none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  readRuntimeInfo,
  removeRuntimeInfo,
  writeRuntimeInfo,
} from "../../src/node/runtime_file.ts";
import type { RuntimeInfo } from "../../src/node/runtime_file.ts";
import { ModelledDisk } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";

const path = "/home/node/state/runtime.json";

function infoOf(pid: number): RuntimeInfo {
  return {
    pid,
    version: "0.1.0",
    thrumVersion: "0.7.0",
    hid: "skep_1",
    startedAtMs: 1,
    addresses: { api: "http://127.0.0.1:1" },
    sockets: "/run/skep",
    startedWith: {
      set: { "api.listen": "127.0.0.1:1", "inference.slots": 2 },
      configFile: "/a.toml",
    },
  };
}

test("writeRuntimeInfo() writes what readRuntimeInfo() reads, mode 0600", async () => {
  const disk = new ModelledDisk();
  await writeRuntimeInfo({ disk, path }, infoOf(7));
  assert.deepEqual(await readRuntimeInfo({ disk, path }), infoOf(7));
  assert.equal((await disk.stat(path))?.mode, 0o600);
  await removeRuntimeInfo({ disk, path });
  await removeRuntimeInfo({ disk, path });
  assert.equal(await readRuntimeInfo({ disk, path }), undefined);
});

test("readRuntimeInfo() reads what a release without a start record wrote", async () => {
  const disk = new ModelledDisk();
  await writeRuntimeInfo({ disk, path }, infoOf(7));
  const { startedWith: _, ...old } = infoOf(7);
  const file = await disk.open(path, "truncate");
  await file.write(new TextEncoder().encode(JSON.stringify(old)));
  await file.close();
  const found = await readRuntimeInfo({ disk, path });
  assert.deepEqual(found, { ...old, startedWith: { set: {} } });
});

test("writeRuntimeInfo() refuses what readRuntimeInfo() would not read", async () => {
  const disk = new ModelledDisk();
  const info = { ...infoOf(7), startedWith: { set: { "inference.name": "x".repeat(70_000) } } };
  await assert.rejects(writeRuntimeInfo({ disk, path }, info), RangeError);
  assert.equal(await disk.stat(path), undefined);
});

test("readRuntimeInfo() takes a broken, foreign or enormous file for none", async () => {
  const texts = ["", "{", "[]", '{"pid":1}', "null", `"${"x".repeat(100_000)}"`];
  for (const text of texts) {
    const disk = new ModelledDisk();
    await writeRuntimeInfo({ disk, path }, infoOf(7));
    const file = await disk.open(path, "truncate");
    await file.write(new TextEncoder().encode(text));
    await file.close();
    assert.equal(await readRuntimeInfo({ disk, path }), undefined, text.slice(0, 20));
  }
});

test("a crash at every step of replacing runtime.json leaves the old one or the new one", async () => {
  const judged = await crashEverywhere({
    prepare: (disk) => writeRuntimeInfo({ disk, path }, infoOf(1)),
    notes: () => ({ written: false }),
    async work(disk, notes): Promise<void> {
      await writeRuntimeInfo({ disk, path }, infoOf(2));
      notes.written = true;
    },
    async check(disk, { notes, where }): Promise<void> {
      const found = await readRuntimeInfo({ disk, path });
      assert.notEqual(found, undefined, where);
      if (notes.written) assert.equal(found?.pid, 2, where);
      assert.deepEqual(found, infoOf(found?.pid === 2 ? 2 : 1), where);
    },
  });
  assert.ok(judged > 40, `${judged} survivors`);
});

test("a crash at every step of the first write leaves it whole or absent", async () => {
  await crashEverywhere({
    notes: () => ({ written: false }),
    async work(disk, notes): Promise<void> {
      await writeRuntimeInfo({ disk, path }, infoOf(2));
      notes.written = true;
    },
    async check(disk, { notes, where }): Promise<void> {
      const found = await readRuntimeInfo({ disk, path });
      if (notes.written || found !== undefined) assert.deepEqual(found, infoOf(2), where);
    },
  });
});
