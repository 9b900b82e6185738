/** What package.json says beyond deno.json; used by `deno pack`'s completion and by dnt's build. */

/** Fields that are the same in both packages. */
export const PACKAGE_FACTS = {
  description: "One executable, and one library, that houses a whole AI node",
  keywords: ["ai", "gguf", "inference", "llm", "mesh", "openai", "wasm"],
  type: "module",
  sideEffects: ["./src/main.js"],
  // node:sqlite and `import.meta.main` without a flag; older versions are not tested.
  engines: { node: ">=24" },
  os: ["linux", "darwin"],
} as const;

/** The version of iroh's native part whose face the sources declare. */
const IROH_VERSION = "1.1.0";

/** Packages that only the repository's own tests, tools and benchmarks may use. */
export const DEVELOPMENT_PACKAGES: readonly string[] = [
  "@huggingface/gguf",
  "@types/node",
  "ajv",
  "ajv-formats",
  "assemblyscript",
  "fast-check",
  "hash-wasm",
  "openai",
  "typescript",
];

/**
 * Packages that npm installs where they fit the platform and exist, and goes on without elsewhere. The
 * sources load them by name (src/mesh/libp2p/iroh_native.ts), so no import shows them.
 */
export const OPTIONAL_PACKAGES: Readonly<Record<string, string>> = Object.fromEntries(
  ["darwin-arm64", "linux-arm64-gnu", "linux-arm64-musl", "linux-x64-gnu", "linux-x64-musl"]
    .map((platform) => [`@number0/iroh-${platform}`, IROH_VERSION]),
);
