/** Reads skep.toml and checks the whole configuration of a node; creates nothing. */
import { DiskError, readWholeFile } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import type { Service } from "../kernel/mod.ts";
import { configSchema } from "./config_schema.ts";
import { loadConfiguration } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import { NodeError } from "./node_error.ts";
import type { Environment, NodePaths } from "./paths.ts";
import { readRemembered } from "./remembered.ts";
import type { Remembered } from "./remembered.ts";

/** A megabyte of TOML is no configuration. */
const CONFIG_BYTES_MAX = 2 ** 20;

/** What `loadNodeConfiguration` needs. */
export interface NodeConfigurationInput {
  readonly paths: NodePaths;
  readonly environment: Environment;
  readonly disk: Disk;
  /** Whether skep.toml is not read, may be missing, or must be there. @default "optional" */
  readonly file?: "none" | "optional" | "required";
  /** Whether remembered.json is left aside. @default false */
  readonly ignoreRemembered?: boolean;
  /** What the caller asks for; wins over everything else. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Flag names by dotted path, for messages. */
  readonly flags?: Readonly<Record<string, string>>;
  /** The services whose sections there are. @default nodeServices() */
  readonly services?: readonly Service[];
}

/** The checked configuration. @throws {NodeError} code "config" with every violation */
export async function loadNodeConfiguration(input: NodeConfigurationInput): Promise<Configuration> {
  const { environment, config = {}, flags = {} } = input;
  const services = input.services ?? await loadNodeServices();
  const file = await readConfigFile(input);
  const remembered = await remembrance(input, schemaHasModel(services));
  const schema = configSchema(services);
  return loadConfiguration({ schema, environment, file, remembered, config, flags });
}

/** A node without the service that has a model remembers none. */
function schemaHasModel(services: readonly Service[]): boolean {
  return services.some(({ name }) => name === "inference");
}

/** Who reads no skep.toml begins with nothing. */
async function remembrance(
  { disk, paths: { rememberedFile: path }, file, ignoreRemembered = false }: NodeConfigurationInput,
  hasModel: boolean,
): Promise<{ readonly path: string; readonly remembered: Remembered } | undefined> {
  if (file === "none" || ignoreRemembered || !hasModel) return undefined;
  const remembered = await readRemembered({ disk, path });
  return remembered === undefined ? undefined : { path, remembered };
}

/** The JSON Schema (draft-07) of skep.toml. */
export async function configJsonSchema(
  services?: readonly Service[],
): Promise<Record<string, unknown>> {
  const { toJsonSchema } = await import("@valibot/to-json-schema");
  const schema = configSchema(services ?? await loadNodeServices());
  // Rules that JSON Schema cannot say (a valid address, say) are left to the node.
  const json = toJsonSchema(schema, { errorMode: "ignore", typeMode: "input" });
  return { ...json, title: "skep.toml" };
}

async function loadNodeServices(): Promise<readonly Service[]> {
  const { nodeServices } = await import("./node_services.ts");
  return nodeServices();
}

async function readConfigFile(
  input: NodeConfigurationInput,
): Promise<{ path: string; text: string } | undefined> {
  const { disk, paths: { configFile: path }, file = "optional" } = input;
  if (file === "none") return undefined;
  try {
    const bytes = await readWholeFile(disk, { path, bytesMax: CONFIG_BYTES_MAX });
    return { path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "not-found" && file === "optional") {
      return undefined;
    }
    const message = thrown instanceof TypeError ? "is not UTF-8 text" : reasonOf(thrown);
    const violation = { place: path, path: "", message };
    throw new NodeError({
      code: "config",
      message: `Cannot use the configuration: ${path}: ${message}`,
      violations: [violation],
      cause: thrown,
    });
  }
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
