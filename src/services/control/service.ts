/**
 * The service "control": what the command line asks a running node. It decides nothing itself; the
 * node that it speaks for is handed in.
 */
import * as v from "valibot";
import { defineCall } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";

/** The node, as this service needs it. All answers are plain data. */
export interface ControlledNode {
  status(): unknown;
  /** Starts stopping; returns at once. */
  requestStop(options: { readonly force: boolean }): void;
  journalStatus(): Promise<unknown>;
  /** Every setting with its value and where it came from. */
  configuration(): unknown;
}

/** The section `control` has no settings. */
const controlConfig = v.strictObject({});

/** The time between the answer to `node.stop` and its effect, so that the answer gets out: 20 ms. */
const STOP_DELAY_MS = 20;

/** Makes the service for one node. */
export function createControlService(node: ControlledNode): Service {
  return {
    name: "control",
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

const noParams = v.optional(v.strictObject({}), {});

function methodsOf(host: Host, node: ControlledNode): Methods {
  return {
    "node.status": defineCall({
      summary: "Tells the node's version, id, addresses, folders and services.",
      params: noParams,
      run: () => Promise.resolve(node.status()),
    }),
    "node.stop": defineCall({
      summary: "Stops the node: it drains, then ends; `force` cuts the draining short.",
      params: v.optional(v.strictObject({ force: v.optional(v.boolean(), false) }), {}),
      run: ({ force }) => {
        host.log.info("Stop requested at the control socket", { force });
        host.clock.after(STOP_DELAY_MS, () => node.requestStop({ force }));
        return Promise.resolve({ stopping: true });
      },
    }),
    "journal.status": defineCall({
      summary: "Tells how far the journal has come.",
      params: noParams,
      run: () => node.journalStatus(),
    }),
    "config.show": defineCall({
      summary: "Lists every setting with its value and the place it came from.",
      params: noParams,
      run: () => Promise.resolve(node.configuration()),
    }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
