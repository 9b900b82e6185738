/**
 * Smoke test of the npm tarball: installed into an empty project by npm, its library example runs
 * under Node 24 and under Deno, its `skep` program under Node 24, and a strict TypeScript program is
 * checked against its declarations.
 *
 * Usage: `deno run <permissions> npm/smoke_pack.ts`; CI runs it after `pack`.
 */
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import {
  askChat,
  expectMatch,
  freshEnvironment,
  runtimeFileOf,
  startProgram,
  stopCleanly,
  waitUntilReady,
  withEmptyFolder,
} from "./smoke.ts";
import {
  denoCommand,
  findNode,
  PACK_FOLDER,
  readManifest,
  runCommand,
  runScript,
  StepError,
  TOP,
} from "./tools.ts";
import type { Manifest } from "./tools.ts";

/** Installed beside the package, as a project that uses it would have them. */
const PROJECT_PACKAGES = ["@types/node", "openai", "typescript"];

/** What a careful project compiles with; `skipLibCheck` off, so that our declarations are checked. */
const PROJECT_TSCONFIG = {
  compilerOptions: {
    exactOptionalPropertyTypes: true,
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    module: "nodenext",
    noEmit: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    strict: true,
    target: "esnext",
    types: ["node"],
  },
  files: ["consumer.ts"],
};

await runScript(() =>
  withEmptyFolder(async (folder) => {
    const manifest = readManifest();
    // The programs that npm and the bin's first line start are Node 24's, too.
    const node = findNode(24);
    process.env["PATH"] = `${dirname(node)}:${process.env["PATH"]}`;
    install({ folder, manifest });
    const env = freshEnvironment(folder);

    const denoFlags = ["net", "read", "write", "env", "sys"].map((name) => `--allow-${name}`);
    for (const runtime of [[node], [...denoCommand(), "run", "--no-prompt", ...denoFlags]]) {
      const example = runCommand([...runtime, "library.mjs"], { cwd: folder, env });
      expectMatch(example.stdout, { pattern: /^answer: .+/m, what: "the library example" });
    }

    const bin = join(folder, "node_modules", ".bin", "skep");
    const printed = runCommand([bin, "--version"], { cwd: folder }).stdout;
    const pattern = new RegExp(`^skep ${manifest.version.replaceAll(".", "\\.")} \\(thrum `);
    expectMatch(printed, { pattern, what: "skep --version" });
    const running = startProgram([bin, "up"], { cwd: folder, env });
    const answer = await askChat(await waitUntilReady(running, runtimeFileOf(folder)));
    await stopCleanly(running);

    checkTypes(folder);
    console.log(
      `the tarball's library and program answer (${JSON.stringify(answer)}), types check`,
    );
  })
);

function install({ folder, manifest }: { folder: string; manifest: Manifest }): void {
  const tarball = readdirSync(PACK_FOLDER).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) {
    throw new StepError("Cannot find a tarball: run `deno task pack` first");
  }
  copyFileSync(join(PACK_FOLDER, tarball), join(folder, tarball));
  const project = { name: "consumer", version: "1.0.0", private: true, type: "module" };
  writeFileSync(join(folder, "package.json"), JSON.stringify(project));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(PROJECT_TSCONFIG));
  for (const name of ["library.mjs", "consumer.ts"]) {
    copyFileSync(join(TOP, "npm", "consumer", name), join(folder, name));
  }
  const others = PROJECT_PACKAGES.map((name) =>
    manifest.imports[name]?.replace(/^npm:/, "") ?? name
  );
  runCommand(["npm", "install", "--no-audit", "--no-fund", `./${tarball}`, ...others], {
    cwd: folder,
  });
}

function checkTypes(folder: string): void {
  const compiler = join(folder, "node_modules", "typescript", "lib", "tsc.js");
  runCommand([findNode(24), compiler, "--project", folder], { cwd: folder });
}
