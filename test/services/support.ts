/**
 * A kernel with the inference and api services on real sockets, for tests: everything of a node but
 * what is on disk.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { createKernel, createLog, silentLog } from "../../src/kernel/mod.ts";
import type { Kernel, SupervisorLimits } from "../../src/kernel/mod.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../../src/ports/mod.ts";
import { apiConfig, apiService } from "../../src/services/api/mod.ts";
import { createInferenceService, inferenceConfig } from "../../src/services/inference/mod.ts";
import type { Engine } from "../../src/services/inference/mod.ts";

/** What a test may change. */
export interface TestNodeOptions {
  readonly inference?: v.InferInput<typeof inferenceConfig>;
  readonly api?: v.InferInput<typeof apiConfig>;
  readonly engine?: Engine;
  readonly limits?: Partial<SupervisorLimits>;
  /** The models directory. @default a folder of the test's own */
  readonly models?: string;
}

/** An event that a service journalled. */
export interface JournalledEvent {
  readonly chi: string;
  readonly rid: string;
  readonly body: unknown;
}

/** A running node. */
export interface TestNode {
  /** "http://127.0.0.1:PORT/v1" */
  readonly baseUrl: string;
  readonly port: number;
  readonly kernel: Kernel;
  readonly journal: readonly JournalledEvent[];
  readonly directory: string;
  /** One sample of /metrics, by its full name with labels; 0 when there is none. */
  metric(name: string): Promise<number>;
  /** Waits until `condition` holds, asking every few milliseconds. */
  until(what: string, condition: () => Promise<boolean> | boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a node on a free port; `stop` removes its directory. */
export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const directory = mkdtempSync(join(tmpdir(), "skep-services-"));
  const journal: JournalledEvent[] = [];
  const clock = realClock();
  const kernel = createKernel({
    services: [
      {
        service: createInferenceService(
          options.engine === undefined ? {} : { engine: options.engine },
        ),
        config: v.parse(inferenceConfig, options.inference ?? {}),
      },
      {
        service: apiService,
        config: v.parse(apiConfig, { listen: "127.0.0.1:0", ...options.api }),
      },
    ],
    clock,
    random: realRandom(),
    disk: realDisk(),
    network: realNetwork(),
    directories: {
      config: directory,
      state: directory,
      data: directory,
      models: options.models ?? directory,
      sockets: join(directory, "s"),
    },
    log: process.env["SKEP_TEST_LOG"] === undefined
      ? silentLog(clock)
      : createLog({ clock, level: "debug", write: (line) => void process.stderr.write(line) }),
    version: "0.0.0",
    journalFor: () => ({
      append: (event): Promise<{ readonly sequence: number }> => {
        journal.push(event);
        return Promise.resolve({ sequence: journal.length });
      },
    }),
    storeFor: () => ({ run: noStore, all: noStore }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  try {
    await kernel.start();
  } catch (thrown) {
    rmSync(directory, { recursive: true, force: true });
    throw thrown;
  }
  const api = kernel.announcements().find(({ name }) => name === "api")?.address ?? "";
  return {
    baseUrl: `${api}/v1`,
    port: Number(new URL(api).port),
    kernel,
    journal,
    directory,
    metric: async (name): Promise<number> => sampleOf(await textOf(`${api}/metrics`), name),
    until,
    stop: async (): Promise<void> => {
      await kernel.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  return await response.text();
}

function sampleOf(text: string, name: string): number {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Waited too long until ${what}`);
}

function noStore(): never {
  throw new TypeError("These services have no tables");
}
