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
