/**
 * The service "control": what the command line asks a running node. It decides nothing itself; the
 * node that it speaks for is handed in.
 */
import * as v from "valibot";
import { implement } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import type { JournalStatusAnswer } from "../journal/mod.ts";
import { controlContract } from "./contract.ts";
import type { ControlSettings, ControlStatus } from "./contract.ts";

/** The node, as this service needs it. All answers are plain data. */
export interface ControlledNode {
  status(): ControlStatus;
  /** Starts stopping; returns at once. */
  requestStop(options: { readonly force: boolean }): void;
  journalStatus(): Promise<JournalStatusAnswer>;
  /** Every setting with its value and where it came from. */
  configuration(): ControlSettings;
}

/** The section `control` has no settings. */
const controlConfig = v.strictObject({});

/** The time between the answer to `node.stop` and its effect, so that the answer gets out: 20 ms. */
const STOP_DELAY_MS = 20;

/** Makes the service for one node. */
export function createControlService(node: ControlledNode): Service {
  return {
    name: "control",
    description: "Speaks for the node: status, stop, configuration.",
    config: controlConfig,
    needs: [],
    critical: true,
    run: (_config, host) => run(host, node),
  };
}

async function run(host: Host, node: ControlledNode): Promise<void> {
  await host.serve(methodsOf(host, node));
  host.ready();
  await aborted(host.signal);
}

function methodsOf(host: Host, node: ControlledNode): Methods {
  return implement(controlContract, {
    "node.status": () => Promise.resolve(node.status()),
    "node.stop": ({ force }) => {
      host.log.info("Stop requested at the control socket", { force });
      host.clock.after(STOP_DELAY_MS, () => node.requestStop({ force }));
      return Promise.resolve({ stopping: true });
    },
    "journal.status": () => node.journalStatus(),
    "config.show": () => Promise.resolve(node.configuration()),
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
