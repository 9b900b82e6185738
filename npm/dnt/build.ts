/**
 * Builds the npm package with dnt, into `npm/dist/dnt`: the same library, declarations and `skep`
 * program as `npm/pack.ts` makes.
 *
 * Not run in CI: dnt comes from JSR, which may be out of reach, so this is written by dnt's
 * documentation and the package that is proven is the other one. Types are checked by
 * `deno task check`, under stricter options than dnt's.
 *
 * Usage: `deno task pack:dnt`, from the top of the repository.
 */
import { build, emptyDir } from "@deno/dnt";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DEVELOPMENT_PACKAGES, OPTIONAL_PACKAGES, PACKAGE_FACTS } from "../package_facts.ts";
import { PACK_FOLDER, readManifest, TOP } from "../tools.ts";

const OUTPUT = join(PACK_FOLDER, "dnt");
const IMPORT_MAP = join(PACK_FOLDER, "dnt_import_map.json");

const manifest = readManifest();
await emptyDir(OUTPUT);
writeFileSync(IMPORT_MAP, JSON.stringify({ imports: importsWithSubpaths() }));

await build({
  entryPoints: [
    ...Object.entries(manifest.exports).map(([name, path]) => ({ name, path: join(TOP, path) })),
    { kind: "bin", name: "skep", path: join(TOP, "src/main.ts") },
  ],
  outDir: OUTPUT,
  importMap: pathToFileURL(IMPORT_MAP).href,
  shims: {},
  // The executable awaits at its top, which CommonJS can't, and every supported Node loads ESM.
  scriptModule: false,
  declaration: "inline",
  skipSourceOutput: true,
  typeCheck: false,
  test: false,
  compilerOptions: { target: "Latest", lib: ["ESNext", "DOM", "DOM.Iterable"] },
  package: {
    name: manifest.name,
    version: manifest.version,
    license: manifest.license,
    description: PACKAGE_FACTS.description,
    keywords: [...PACKAGE_FACTS.keywords],
    engines: PACKAGE_FACTS.engines,
    os: [...PACKAGE_FACTS.os],
    sideEffects: PACKAGE_FACTS.sideEffects.map((path) => path.replace("./", "./esm/")),
    optionalDependencies: { ...OPTIONAL_PACKAGES },
    devDependencies: { "@types/node": rangeOf(manifest.imports["@types/node"] ?? "") },
  },
  postBuild(): void {
    for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) {
      if (existsSync(join(TOP, name))) copyFileSync(join(TOP, name), join(OUTPUT, name));
    }
  },
});

/** Deno lets "hono" of deno.json serve "hono/streaming" too; a plain import map has to say so. */
function importsWithSubpaths(): Record<string, string> {
  const runtime = Object.entries(manifest.imports)
    .filter(([name]) => !DEVELOPMENT_PACKAGES.includes(name) && !(name in OPTIONAL_PACKAGES));
  return Object.fromEntries(runtime.flatMap(([name, target]) => [
    [name, target],
    [`${name}/`, `${target.replace(/^npm:/, "npm:/")}/`],
  ]));
}

/** "^26.6.6" of "npm:@types/node@^26.6.6". */
function rangeOf(target: string): string {
  return target.slice(target.lastIndexOf("@") + 1);
}
