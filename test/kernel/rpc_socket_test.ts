/** Binding rpc.sock: what is left alone, what is replaced, and the race between two that replace. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { CallTable, createMetrics, openRpcSocket, silentLog } from "../../src/kernel/mod.ts";
import type { RpcSocketOptions } from "../../src/kernel/mod.ts";
import { realClock, realDisk, realNetwork } from "../../src/ports/mod.ts";

async function inDirectory(
  fn: (options: RpcSocketOptions, path: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-"));
  const clock = realClock();
  const log = silentLog(clock);
  const calls = new CallTable({ services: ["a"], log, metrics: createMetrics() });
  const ports = { clock, log, calls, disk: realDisk(), network: realNetwork() };
  try {
    const options = { service: "a", version: "1", directory, ...ports };
    await fn(options, join(directory, "a", "rpc.sock"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What a killed process leaves. */
function leaveDeadSocket(path: string): void {
  const code = `const net = await import("node:net"); const process = await import("node:process");
    net.createServer().listen(${
    JSON.stringify(path)
  }, () => process.kill(process.pid, "SIGKILL"));`;
  const args = "Deno" in globalThis ? ["eval", code] : ["--input-type=module", "-e", code];
  spawnSync(process.execPath, args);
  assert.equal(existsSync(path), true);
}

test("a folder that others may enter is refused", async () => {
  await inDirectory(async (options) => {
    mkdirSync(join(options.directory, "a"));
    chmodSync(join(options.directory, "a"), 0o750);
    await assert.rejects(openRpcSocket(options), (error: Error) => {
      assert.match(error.message, /mode 0700\): current value is 0750$/);
      return Reflect.get(error, "code") === "socket-unsafe";
    });
  });
});

test("a dead socket is replaced, with nothing left beside it", async () => {
  await inDirectory(async (options, path) => {
    mkdirSync(join(options.directory, "a"), { mode: 0o700 });
    leaveDeadSocket(path);
    const server = await openRpcSocket(options);
    assert.deepEqual(await options.disk.list(join(options.directory, "a")), ["rpc.sock"]);
    await assert.rejects(openRpcSocket(options), { code: "socket-in-use" });
    (await options.network.dial(server.address)).destroy();
    await server.close(0);
  });
});

test("two that find the same dead socket never take each other's live one", async () => {
  await inDirectory(async (options, path) => {
    mkdirSync(join(options.directory, "a"), { mode: 0o700 });
    leaveDeadSocket(path);
    // The slower one probes the dead socket, and moves it aside only when the other one listens.
    const held = Promise.withResolvers<void>();
    const disk = {
      ...options.disk,
      rename: async (from: string, to: string): Promise<void> => {
        await held.promise;
        await options.disk.rename(from, to);
      },
    };
    const slower = assert.rejects(openRpcSocket({ ...options, disk }), { code: "socket-in-use" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const server = await openRpcSocket(options);
    held.resolve();
    await slower;
    (await options.network.dial(server.address)).destroy();
    await server.close(0);
    assert.deepEqual(await options.disk.list(join(options.directory, "a")), []);
  });
});

test("a path beyond the system's limit is one clear sentence", async () => {
  await inDirectory(async (options) => {
    const directory = join(options.directory, "d".repeat(200));
    await assert.rejects(openRpcSocket({ ...options, directory }), { code: "path-too-long" });
  });
});
