/**
 * The areas of `src/` from low to high. A file imports from its own area and from lower ones.
 *
 * The order is total, so that areas cannot form a cycle. ARCHITECTURE.md tells what each is for.
 */

/** Areas from low to high. A new area or service is added here, with its place thought about. */
export const AREAS: readonly string[] = [
  "platform",
  "ports",
  "hot",
  "wire",
  "identity",
  "model",
  "engine",
  "grammar",
  "journal",
  "store",
  "mesh",
  "receipts",
  "placement",
  "parts",
  "stages",
  "kernel",
  "services/journal",
  "services/control",
  "services/network",
  "services/placement",
  "services/parts",
  "services/inference",
  "services/models",
  "services/api",
  "node",
  "sim",
  "simulation",
  "cli",
  "main.ts",
];

/**
 * Areas that have to be small, and the packages that each may use at run time all the same. Types
 * are free. The kernel has schemas and their documents, and a log and metrics of its own for each node, made by these.
 */
export const PACKAGES_BELOW: ReadonlyMap<string, readonly string[]> = new Map([
  ["platform", []],
  ["ports", []],
  ["wire", []],
  ["hot", []],
  ["kernel", ["@logtape/logtape", "@valibot/to-json-schema", "prom-client", "valibot"]],
]);

/** The area of a path below `src/`: "kernel", "services/api", "main.ts". */
export function areaOf(path: string): string {
  const parts = path.split("/").slice(1);
  if (parts[0] === "services") return parts.slice(0, 2).join("/");
  return parts[0] ?? "";
}
