/**
 * A program with one service, placed in a worker thread, whose answer it prints. Bundled by
 * `npm/smoke_worker.ts`, to see that a worker finds its program where there are no files.
 */
import { createKernel, createLog } from "../../src/kernel/mod.ts";
import type { Host, Service } from "../../src/kernel/mod.ts";
import { MemoryNetwork, ModelledDisk, SeededRandom } from "../../src/sim/mod.ts";
import { realClock } from "../../src/ports/mod.ts";

/** The registry that the worker imports: a module of its own, as there is no file to name. */
const REGISTRY = `
const anything = { "~standard": { version: 1, vendor: "probe", validate: (value) => ({ value }) } };
export function loadService(name) {
  return {
    name,
    config: anything,
    needs: [],
    critical: true,
    async run(config, host) {
      const double = { kind: "call", summary: "Doubles", params: anything, run: async (n) => 2 * n };
      await host.serve({ double });
      host.ready();
      await new Promise((resolve) => host.signal.addEventListener("abort", resolve));
    },
  };
}`;

/** The main thread's view of it; what it does is in the worker. */
const double: Service = {
  name: "double",
  config: undefined as unknown as Service["config"],
  needs: [],
  critical: true,
  run: (_config: unknown, _host: Host) => Promise.reject(new TypeError("Cannot run double here")),
};

const clock = realClock();
const kernel = createKernel({
  services: [{ service: double, config: {}, placement: "worker" }],
  worker: { registry: `data:text/javascript,${encodeURIComponent(REGISTRY)}` },
  clock,
  random: new SeededRandom(1),
  disk: new ModelledDisk(),
  network: new MemoryNetwork(),
  log: createLog({ clock, write: (line) => console.error(line.trimEnd()) }),
  directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: "/run/skep" },
  version: "0.0.0",
  journalFor: () => ({ append: () => Promise.resolve({ sequence: 1 }) }),
  storeFor: () => ({
    run: () => Promise.resolve({ changes: 0 }),
    all: () => Promise.resolve([]),
  }),
});
// The ports' timers don't keep a process alive.
const alive = setInterval(() => {}, 1000);
await kernel.start();
console.log(`21 doubled in a worker is ${await kernel.call("double", "double", { params: 21 })}`);
await kernel.stop();
clearInterval(alive);
