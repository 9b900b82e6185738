/**
 * Goal: a real notification socket receives what systemd would. Needs systemd-notify(1) and python3 (no
 * runtime here has Unix datagram sockets); where one is missing, the test is skipped and says so.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withFolder } from "../node/_support.ts";
import { finish, signal, start, untilReady } from "./_program.ts";

const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(4096).decode().strip(), flush=True)
`;

function missing(): string | false {
  for (const program of ["systemd-notify", "python3"]) {
    if (spawnSync(program, ["--version"]).status !== 0) return `${program} is not installed`;
  }
  return false;
}

test("the unit's own command says READY, pings the watchdog, and says STOPPING", {
  skip: missing(),
}, () =>
  withFolder(async (home) => {
    const socket = join(home, "notify");
    const heard = spawn("python3", ["-c", listener, socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    heard.stdout.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
    try {
      while (!existsSync(socket)) await sleep(20);
      const environment = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "400000" };
      const unit = (await finish(["systemd-unit"], { home })).text;
      const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
      const command = line.split(" ").map((word) => word.replaceAll('"', ""));
      const up = start([], { home, environment, command });
      await untilReady(up, home);
      for (let i = 0; i < 200 && !text.includes("WATCHDOG=1"); i++) await sleep(50);
      signal(up, "SIGTERM");
      assert.equal(await up.exit, 0, up.printed());
      for (let i = 0; i < 100 && !text.includes("STOPPING=1"); i++) await sleep(20);
      // systemd-notify waits until its message was taken, by a second one called a barrier.
      const messages = text.replaceAll("BARRIER=1\n", "");
      assert.match(messages, /^READY=1\n(WATCHDOG=1\n)+STOPPING=1\n$/);
    } finally {
      heard.kill();
    }
  }));
