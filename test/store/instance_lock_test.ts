/** The instance lock: one holder, here or elsewhere, freed by release and by death. */
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { acquireInstanceLock, StoreError } from "../../src/store/mod.ts";
import { firstLine, kill, startChild } from "./_children.ts";

function isHeld(thrown: unknown): boolean {
  return thrown instanceof StoreError && thrown.code === "held";
}

async function inDirectory(run: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "skep-lock-"));
  try {
    await run(`${directory}/lock.sqlite`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("acquireInstanceLock() lets one in, in one process too, until it releases", async () => {
  await inDirectory(async (path) => {
    const lock = await acquireInstanceLock(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await assert.rejects(() => acquireInstanceLock(path), isHeld);
    await lock.release();
    await lock.release();
    await (await acquireInstanceLock(path)).release();
  });
});

test("acquireInstanceLock() started many times at once lets exactly one in", async () => {
  await inDirectory(async (path) => {
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => acquireInstanceLock(path)),
    );
    const held = tries.filter((one) => one.status === "fulfilled");
    assert.equal(held.length, 1);
    for (const one of tries) if (one.status === "rejected") assert.ok(isHeld(one.reason));
    for (const one of held) await one.value.release();
  });
});

test("acquireInstanceLock() keeps other processes out, also after a refusal in this one", async () => {
  await inDirectory(async (path) => {
    const lock = await acquireInstanceLock(path);
    await assert.rejects(() => acquireInstanceLock(path), isHeld);
    const child = startChild(new URL("./_lock_child.ts", import.meta.url), [path]);
    child.process.stdin.end();
    await assert.rejects(() => firstLine(child));
    await lock.release();
  });
});

test("acquireInstanceLock() succeeds as soon as the holder was killed", async () => {
  await inDirectory(async (path) => {
    const child = startChild(new URL("./_lock_child.ts", import.meta.url), [path]);
    assert.equal(await firstLine(child), "held");
    await assert.rejects(() => acquireInstanceLock(path), isHeld);
    await kill(child);
    await (await acquireInstanceLock(path)).release();
  });
});
