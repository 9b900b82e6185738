import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeError } from "../../src/node/node_error.ts";
import { resolvePaths, socketTailBytesMax } from "../../src/node/paths.ts";
import type { NodePaths } from "../../src/node/paths.ts";
import { unixPathBytesMax } from "../../src/ports/mod.ts";

function resolve(env: Record<string, string>, home?: string): NodePaths {
  return resolvePaths((name) => env[name], { home, temporary: "/tmp" });
}

test("resolvePaths() follows XDG with its fallbacks", () => {
  const plain = resolve({ HOME: "/home/ada", XDG_RUNTIME_DIR: "/run/user/7" });
  assert.deepEqual(plain.directories, {
    config: "/home/ada/.config/skep",
    state: "/home/ada/.local/state/skep",
    data: "/home/ada/.local/share/skep",
    models: "/home/ada/.local/share/skep/models",
    sockets: "/run/user/7/skep",
  });
  assert.equal(plain.controlSocket, "/run/user/7/skep/control/rpc.sock");
  const all = resolve({
    XDG_CONFIG_HOME: "/c",
    XDG_STATE_HOME: "/s",
    XDG_DATA_HOME: "/d",
    XDG_RUNTIME_DIR: "/r",
  });
  assert.equal(all.configFile, "/c/skep/skep.toml");
  assert.equal(all.keyFile, "/s/skep/node.key");
  assert.equal(all.storeFile, "/d/skep/skep.db");
});

test("resolvePaths() puts sockets into a private temporary directory without XDG_RUNTIME_DIR", () => {
  const { directories } = resolve({ HOME: "/home/ada" });
  assert.match(directories.sockets, /^\/tmp\/skep-[0-9a-f]{16}$/);
  assert.equal(directories.sockets, resolve({ HOME: "/home/ada" }).directories.sockets);
  assert.notEqual(directories.sockets, resolve({ HOME: "/home/bob" }).directories.sockets);
});

test("resolvePaths() puts everything under SKEP_HOME, and the option wins over it", () => {
  const env = { SKEP_HOME: "/one", HOME: "/h", XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/r" };
  for (const path of Object.values(resolve(env).directories)) assert(path.startsWith("/one/"));
  for (const path of Object.values(resolve(env, "/two").directories)) {
    assert(path.startsWith("/two/"));
  }
  assert.equal(resolve({ ...env, SKEP_SOCKET_DIR: "/q" }).directories.sockets, "/q");
});

test("resolvePaths() replaces a socket path of 200 bytes, at the exact limit", () => {
  const long = `/${"x".repeat(199)}`;
  const paths = resolve({ SKEP_HOME: "/one", SKEP_SOCKET_DIR: long });
  assert.match(paths.directories.sockets, /^\/tmp\/skep-[0-9a-f]{16}$/);
  assert.equal(paths.socketsReplaced, long);
  const most = unixPathBytesMax - socketTailBytesMax;
  const fitting = `/${"y".repeat(most - 1)}`;
  assert.equal(resolve({ SKEP_HOME: "/one", SKEP_SOCKET_DIR: fitting }).socketsReplaced, undefined);
  const over = resolve({ SKEP_HOME: "/one", SKEP_SOCKET_DIR: `${fitting}y` });
  assert.equal(over.socketsReplaced, `${fitting}y`);
});

test("resolvePaths() refuses relative paths and an environment without a home", () => {
  for (const name of ["SKEP_HOME", "SKEP_SOCKET_DIR", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"]) {
    assert.throws(
      () => resolve({ HOME: "/h", [name]: "rel" }),
      (thrown) => thrown instanceof NodeError && thrown.message.includes(name),
    );
  }
  assert.throws(() => resolve({}), /SKEP_HOME/);
});
