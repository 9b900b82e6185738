/** Supervision in virtual time: order, readiness, restarts, criticality, drain and force. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelError } from "../../src/kernel/mod.ts";
import type { Host, ServiceStatus } from "../../src/kernel/mod.ts";
import { aborted, service, settle, world } from "./_world.ts";

/** A service that notes its start and its stop. */
function noting(
  events: string[],
  name: string,
  options: {
    needs?: string[];
    outlives?: string[];
    critical?: boolean;
    run?: (host: Host) => Promise<void>;
  } = {},
): ReturnType<typeof service> {
  return service(name, {
    ...options,
    run: async (host) => {
      events.push(`+${name}`);
      if (options.run === undefined) host.ready();
      else await options.run(host);
      await aborted(host.signal);
      events.push(`-${name}`);
    },
  });
}

function statusOf(kernel: { status(): ServiceStatus[] }, name: string): ServiceStatus | undefined {
  return kernel.status().find((one) => one.name === name);
}

test("services start after what they need and stop before it", async () => {
  const events: string[] = [];
  const { kernel } = world([
    noting(events, "api", { needs: ["engine", "store"] }),
    noting(events, "engine", { needs: ["store"] }),
    noting(events, "store"),
  ]);
  await kernel.start();
  assert.deepEqual(events, ["+store", "+engine", "+api"]);
  assert.deepEqual(kernel.status().map(({ name, state }) => [name, state]), [
    ["store", "ready"],
    ["engine", "ready"],
    ["api", "ready"],
  ]);
  await kernel.stop();
  assert.deepEqual(events.slice(3), ["-api", "-engine", "-store"]);
  assert.ok(kernel.status().every(({ state }) => state === "stopped"));
});

test("a service that outlives another starts beside it, and stops after it", async () => {
  const events: string[] = [];
  const { kernel } = world([
    noting(events, "net", { outlives: ["engine", "nobody"] }),
    noting(events, "api", { needs: ["engine"] }),
    noting(events, "engine"),
  ]);
  await kernel.start();
  assert.deepEqual(events, ["+net", "+engine", "+api"]);
  await kernel.stop();
  assert.deepEqual(events.slice(3), ["-api", "-engine", "-net"]);
  assert.throws(
    () => world([service("net", { needs: ["engine"], outlives: ["engine"] }), service("engine")]),
    (thrown) => thrown instanceof KernelError && thrown.code === "cycle",
  );
});

test("an unknown need, a cycle, a bad name and a duplicate are told before anything starts", () => {
  const code = (...services: ReturnType<typeof service>[]): unknown => {
    try {
      world(services);
    } catch (error) {
      return error instanceof KernelError ? [error.code, error.message] : error;
    }
    return undefined;
  };
  assert.deepEqual(code(service("a", { needs: ["b"] })), [
    "unknown-need",
    'Cannot start service "a" as it needs "b", which is not among the services of this node',
  ]);
  assert.deepEqual(
    code(
      service("a", { needs: ["b"] }),
      service("b", { needs: ["c"] }),
      service("c", { needs: ["b"] }),
    ),
    [
      "cycle",
      'Cannot start the services as they need each other in a circle: "b" needs "c" needs "b"',
    ],
  );
  assert.equal((code(service("A")) as string[])[0], "bad-name");
  assert.equal((code(service("a"), service("a")) as string[])[0], "duplicate");
});

test("a critical service that is not ready in time is a start error naming it", async () => {
  const events: string[] = [];
  const { kernel, clock } = world([
    noting(events, "store"),
    noting(events, "slow", { critical: true, run: (host) => aborted(host.signal) }),
  ], { limits: { startTimeoutMs: 5_000 } });
  const starting = assert.rejects(kernel.start(), (error) => {
    assert.ok(error instanceof KernelError);
    assert.deepEqual([error.code, error.service], ["start-timeout", "slow"]);
    return error.message.includes("5000 ms");
  });
  await settle();
  await clock.advance(4_999);
  assert.equal(statusOf(kernel, "slow")?.state, "starting");
  await clock.advance(1);
  await starting;
  assert.deepEqual(events, ["+store", "+slow", "-slow", "-store"]);
});

test("a critical service that fails at its start stops the node with its own error", async () => {
  const events: string[] = [];
  const failure = new RangeError("no such model");
  const { kernel } = world([
    noting(events, "store"),
    service("engine", { critical: true, needs: ["store"], run: () => Promise.reject(failure) }),
    noting(events, "api", { needs: ["engine"] }),
  ]);
  await assert.rejects(kernel.start(), failure);
  assert.deepEqual(events, ["+store", "-store"]);
  const outcome = await kernel.finished;
  assert.equal(outcome.error, failure);
  assert.equal(statusOf(kernel, "engine")?.state, "failed");
});

test("a failing service backs off exponentially with jitter, then has failed for good", async () => {
  let runs = 0;
  const { kernel, clock } = world([
    service("shaky", { run: () => Promise.reject(new TypeError(`run ${++runs}`)) }),
    service("other"),
  ], { limits: { restartsMax: 4, restartDelayMsMin: 100, restartDelayMsMax: 500 } });
  await kernel.start();
  const delays: number[] = [];
  for (let restart = 1; restart <= 4; restart++) {
    const before = clock.nowMs();
    assert.equal(statusOf(kernel, "shaky")?.state, "backing-off");
    while (runs === restart) await clock.advance(1);
    delays.push(clock.nowMs() - before);
    await settle();
  }
  for (const [i, fullMs] of [100, 200, 400, 500].entries()) {
    const delayMs = delays[i] ?? NaN;
    assert.ok(delayMs >= fullMs / 2 && delayMs <= fullMs, `delay ${i} is ${delayMs}`);
  }
  assert.equal(runs, 5);
  const { state, restarts, lastError } = statusOf(kernel, "shaky") ?? {};
  assert.deepEqual([state, restarts, lastError], ["failed", 4, "run 5"]);
  assert.equal(statusOf(kernel, "other")?.state, "ready");
  const { text } = await kernel.metrics.expose();
  assert.match(text, /skep_service_restarts_total\{service="shaky"\} 4/);
  assert.match(text, /skep_service_ready\{service="shaky"\} 0/);
  assert.match(text, /skep_service_ready\{service="other"\} 1/);
  await kernel.stop();
});

test("a critical service that fails for good later stops the node with its error", async () => {
  const events: string[] = [];
  let runs = 0;
  const { kernel, clock } = world([
    noting(events, "store"),
    service("engine", {
      critical: true,
      needs: ["store"],
      run: async (host) => {
        runs += 1;
        host.ready();
        await host.clock.sleep(10);
        throw new TypeError(`broke ${runs}`);
      },
    }),
  ], { limits: { restartsMax: 1 } });
  await kernel.start();
  for (let i = 0; i < 10; i++) await clock.advance(100);
  const outcome = await kernel.finished;
  assert.equal(outcome.error?.message, "broke 2");
  assert.deepEqual(events, ["+store", "-store"]);
});

test("a service that was ready for long enough starts a new row of failures", async () => {
  let runs = 0;
  const { kernel, clock } = world([
    service("daily", {
      run: async (host) => {
        runs += 1;
        host.ready();
        await host.clock.sleep(10_000, host.signal);
        throw new TypeError("tired");
      },
    }),
  ], { limits: { restartsMax: 1, stableAfterMs: 10_000 } });
  await kernel.start();
  for (let i = 0; i < 100; i++) await clock.advance(1_000);
  assert.ok(runs > 5, `it ran ${runs} times`);
  await kernel.stop();
});

test("a service that ends without being asked to has failed", async () => {
  const { kernel } = world([
    service("quitter", { stays: false, run: (host) => host.ready() }),
  ]);
  await kernel.start();
  await settle();
  assert.equal(statusOf(kernel, "quitter")?.state, "backing-off");
  assert.match(statusOf(kernel, "quitter")?.lastError ?? "", /ended without being asked to/);
  await kernel.stop();
  assert.equal(statusOf(kernel, "quitter")?.state, "stopped");
});

test("what needs a service that has failed for good fails too, and says why", async () => {
  const { kernel, clock } = world([
    service("base", { run: () => Promise.reject(new TypeError("no disk")) }),
    service("upper", { needs: ["base"] }),
  ], { limits: { restartsMax: 1 } });
  await kernel.start();
  assert.equal(statusOf(kernel, "upper")?.state, "starting");
  await clock.advance(1_000);
  await settle();
  assert.equal(statusOf(kernel, "upper")?.state, "failed");
  assert.match(
    statusOf(kernel, "upper")?.lastError ?? "",
    /needs "base", which has failed: no disk/,
  );
  await kernel.stop();
});

test("a drain names the services that overrun, and still lets the others end", async () => {
  const events: string[] = [];
  const { kernel, clock } = world([
    noting(events, "store"),
    service("stuck", {
      needs: ["store"],
      run: async (host) => {
        host.ready();
        await new Promise(() => {});
      },
    }),
  ], { limits: { drainTimeoutMs: 1_000, forceTimeoutMs: 100 } });
  await kernel.start();
  const stopping = kernel.stop();
  await clock.advance(999);
  assert.deepEqual(events, ["+store"]);
  await clock.advance(1);
  await settle();
  assert.deepEqual(events, ["+store", "-store"]);
  await clock.advance(100);
  assert.deepEqual(await stopping, { error: undefined, overran: ["stuck"] });
});

test("a second stop request forces the end at once", async () => {
  const { kernel, clock } = world([
    service("stuck", { run: (host) => (host.ready(), new Promise(() => {})) }),
  ], { limits: { drainTimeoutMs: 60_000, forceTimeoutMs: 100 } });
  await kernel.start();
  const first = kernel.stop();
  await settle();
  const second = kernel.stop();
  await clock.advance(100);
  assert.deepEqual(await second, { error: undefined, overran: ["stuck"] });
  assert.deepEqual(await first, await second);
  assert.equal(clock.monotonicMs(), 100);
});

test("a stop during the start ends what waits and what backs off", async () => {
  const { kernel } = world([
    service("base", { run: () => Promise.reject(new TypeError("not yet")) }),
    service("upper", { needs: ["base"] }),
    service("late", { critical: true, run: (host) => aborted(host.signal) }),
  ]);
  const starting = assert.rejects(kernel.start(), { code: "stopping" });
  await settle();
  await kernel.stop();
  await starting;
  assert.deepEqual(kernel.status().map(({ state }) => state), ["stopped", "stopped", "stopped"]);
});

test("a failed service that goes on running is not started a second time", async () => {
  let runs = 0;
  const { kernel, clock } = world([
    service("deaf", {
      run: () => {
        runs += 1;
        return new Promise(() => {});
      },
    }),
  ], { limits: { startTimeoutMs: 100, drainTimeoutMs: 1_000 } });
  const starting = kernel.start();
  await clock.advance(100);
  await clock.advance(1_000);
  await starting;
  assert.equal(statusOf(kernel, "deaf")?.state, "failed");
  await clock.advance(100_000);
  assert.equal(runs, 1);
  await kernel.stop();
});
