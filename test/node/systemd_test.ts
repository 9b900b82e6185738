/** Goal: systemd hears of readiness, of life while the services live, and of the stop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../src/kernel/mod.ts";
import { startSystemdNotifier } from "../../src/node/_systemd.ts";
import { VirtualClock } from "../../src/sim/mod.ts";

test("startSystemdNotifier() sends nothing where systemd does not ask", async () => {
  const clock = new VirtualClock();
  const notifier = await startSystemdNotifier({
    environment: () => undefined,
    clock,
    log: silentLog(clock),
    isHealthy: () => true,
    send: () => assert.fail("sent"),
  });
  await notifier.stop();
});

test("startSystemdNotifier() pings at half the watchdog's time while the node is healthy", async () => {
  const clock = new VirtualClock();
  const sent: string[] = [];
  let healthy = true;
  const names: Record<string, string> = { NOTIFY_SOCKET: "/x", WATCHDOG_USEC: "2000000" };
  const notifier = await startSystemdNotifier({
    environment: (name) => names[name],
    clock,
    log: silentLog(clock),
    isHealthy: () => healthy,
    send: (message) => {
      sent.push(message);
      return Promise.resolve();
    },
  });
  assert.deepEqual(sent, ["READY=1"]);
  await clock.advance(2_500);
  assert.deepEqual(sent, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
  healthy = false;
  await clock.advance(5_000);
  assert.equal(sent.length, 3);
  healthy = true;
  await clock.advance(1_000);
  assert.equal(sent.length, 4);
  await Promise.all([notifier.stop(), notifier.stop()]);
  await clock.advance(5_000);
  assert.deepEqual(sent.slice(4), ["STOPPING=1"]);
});

test("startSystemdNotifier() survives a notification that cannot be sent", async () => {
  const clock = new VirtualClock();
  const notifier = await startSystemdNotifier({
    environment: () => "1",
    clock,
    log: silentLog(clock),
    isHealthy: () => true,
    send: () => Promise.reject(new Error("no such program")),
  });
  await notifier.stop();
});
