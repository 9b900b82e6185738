/**
 * Makes the npm tarball: `npm/dist/skep-skep-<version>.tgz`.
 *
 * `deno pack` turns the sources into ESM and writes a package.json. It knows no `bin` and no
 * `engines`, has no declarations where types are inferred, counts only the packages that emitted
 * JavaScript imports, and takes every file of the folder along. So its tarball is opened, completed,
 * checked and closed again by `npm pack`.
 *
 * Usage: `deno task pack`.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { specifiersOf, writeDeclarations } from "./declarations.ts";
import { DEVELOPMENT_PACKAGES, OPTIONAL_PACKAGES, PACKAGE_FACTS } from "./package_facts.ts";
import {
  denoCommand,
  PACK_FOLDER,
  readManifest,
  runCommand,
  runScript,
  StepError,
  TOP,
} from "./tools.ts";
import type { Manifest } from "./tools.ts";

/** Folders that are no part of the package, so that `deno pack` need not copy them. */
const IGNORED = ["test", "bench", "wasm", "npm", "docs", "dist", ".ci"];

/** Documents that go along, where they exist. */
const DOCUMENTS = [
  "README.md",
  "LICENSE",
  ...["ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY"].map((name) => `${name}.md`),
  ...readdirSync(join(TOP, "docs")).map((name) => `docs/${name}`),
];

/** The folder from which `npm pack` packs. */
const STAGE = join(PACK_FOLDER, "package");

await runScript(async () => {
  await Promise.resolve();
  const manifest = readManifest();
  unpackDenoTarball();
  removeStrays();
  pointAtEmittedFiles();
  mkdirSync(join(STAGE, "docs"));
  for (const name of DOCUMENTS) {
    if (existsSync(join(TOP, name))) copyFileSync(join(TOP, name), join(STAGE, name));
  }
  const main = jsPath(manifest.exports["./main"] ?? "");
  addShebang(main);
  const entries = Object.values(manifest.exports).map((path) => path.replace(/^\.\//, ""));
  const declared = writeDeclarations({ entries, output: STAGE });
  completeManifest(manifest, { main, dependencies: dependenciesOf(manifest, declared) });
  const printed = runCommand(["npm", "pack", "--json", "--pack-destination", PACK_FOLDER], {
    cwd: STAGE,
  });
  const [made] = JSON.parse(printed.stdout);
  console.log(
    `${relative(TOP, join(PACK_FOLDER, made.filename))}: ${made.entryCount} files, ` +
      `${made.size} bytes packed, ${made.unpackedSize} bytes unpacked`,
  );
});

function unpackDenoTarball(): void {
  rmSync(PACK_FOLDER, { recursive: true, force: true });
  mkdirSync(PACK_FOLDER, { recursive: true });
  const raw = join(PACK_FOLDER, "deno-pack.tgz");
  // Source maps would carry the sources, embedded model included, a second time.
  const flags = [
    "--allow-dirty",
    "--allow-slow-types",
    "--no-source-maps",
    `--ignore=${IGNORED.join(",")}`,
  ];
  runCommand([...denoCommand(), "pack", ...flags, "--output", raw]);
  runCommand(["tar", "-xzf", raw, "-C", PACK_FOLDER]);
  rmSync(raw);
}

/** Keeps what the package's programs and their declarations need. */
function removeStrays(): void {
  const kept = /^(package\.json|(mod|src\/.*)\.(js|d\.ts))$/;
  for (const path of filesOf(STAGE)) {
    if (!kept.test(path)) rmSync(join(STAGE, path));
  }
}

/** `deno pack` rewrites imports, but no `new URL("./x.ts", import.meta.url)`, as workers have it. */
function pointAtEmittedFiles(): void {
  for (const path of filesOf(STAGE).filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(join(STAGE, path), "utf8");
    const pointed = text.replace(
      /new URL\("(\.[^"]+)\.ts", import\.meta\.url\)/g,
      (_, name: string) => {
        const target = join(path, "..", `${name}.js`);
        if (!existsSync(join(STAGE, target))) {
          throw new StepError(`Cannot pack as "${path}" names "${target}", which is not emitted`);
        }
        return `new URL("${name}.js", import.meta.url)`;
      },
    );
    if (pointed !== text) writeFileSync(join(STAGE, path), pointed);
  }
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function jsPath(path: string): string {
  return path.replace(/^\.\//, "").replace(/\.ts$/, ".js");
}

function addShebang(main: string): void {
  const path = join(STAGE, main);
  const text = readFileSync(path, "utf8").replace(/^#![^\n]*\n/, "");
  writeFileSync(path, `#!/usr/bin/env node\n${text}`);
  chmodSync(path, 0o755);
}

function completeManifest(
  manifest: Manifest,
  { main, dependencies }: {
    readonly main: string;
    readonly dependencies: Readonly<Record<string, string>>;
  },
): void {
  const path = join(STAGE, "package.json");
  const made: Readonly<Record<string, unknown>> = JSON.parse(readFileSync(path, "utf8"));
  const exported = Object.entries(manifest.exports).map(([name, source]) => {
    const program = `./${jsPath(source)}`;
    // The first condition that fits is taken, so types come first.
    return [name, { types: program.replace(/\.js$/, ".d.ts"), default: program }];
  });
  const complete = {
    ...made,
    ...PACKAGE_FACTS,
    types: "./mod.d.ts",
    exports: Object.fromEntries(exported),
    bin: { skep: `./${main}` },
    files: ["mod.js", "mod.d.ts", "src", ...DOCUMENTS.filter((name) => name !== "LICENSE")],
    dependencies,
    optionalDependencies: OPTIONAL_PACKAGES,
  };
  writeFileSync(path, `${JSON.stringify(complete, undefined, 2)}\n`);
}

/** Ranges of the packages that the programs and the declarations name, in order. */
function dependenciesOf(
  manifest: Manifest,
  declared: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const specifiers = filesOf(STAGE).filter((path) => path.endsWith(".js"))
    .flatMap((path) => specifiersOf(readFileSync(join(STAGE, path), "utf8")));
  const names = [...specifiers, ...declared]
    .filter((specifier) => !/^(\.|node:)/.test(specifier) && specifier !== "node")
    .map((specifier) => specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/"));
  const tool = names.find((name) => DEVELOPMENT_PACKAGES.includes(name));
  if (tool !== undefined) throw new StepError(`Cannot pack as the library imports "${tool}"`);
  return Object.fromEntries(
    [...new Set(names)].sort().map((name) => [name, rangeOf(manifest, name)]),
  );
}

function rangeOf(manifest: Manifest, name: string): string {
  const range = new RegExp(`^npm:${name}@(.+)$`).exec(manifest.imports[name] ?? "")?.[1];
  if (range !== undefined) return range;
  throw new StepError(`Cannot pack as "${name}" has no npm: range in deno.json`);
}
