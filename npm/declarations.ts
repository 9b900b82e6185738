/**
 * Writes the package's declarations with the TypeScript compiler.
 *
 * `deno pack` writes declarations without inferring types, so it has none for a package whose public
 * types come from schemas, as the configuration's do. The compiler infers them. Only declarations
 * that the entry points reach are kept.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { StepError, TOP } from "./tools.ts";

/** Types only: what the sources may say is checked by `deno task check`, under stricter options. */
const OPTIONS: ts.CompilerOptions = {
  allowImportingTsExtensions: true,
  declaration: true,
  emitDeclarationOnly: true,
  exactOptionalPropertyTypes: true,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  noCheck: true,
  rootDir: TOP,
  skipLibCheck: true,
  strict: true,
  target: ts.ScriptTarget.ESNext,
  types: ["node"],
  verbatimModuleSyntax: true,
};

/** What `writeDeclarations` needs. */
export interface DeclarationOptions {
  /** Entry points from the top of the repository: "mod.ts", "src/main.ts". */
  readonly entries: readonly string[];
  /** Where the declarations go, in the folders that their sources have. */
  readonly output: string;
}

/**
 * Writes the declarations of the entry points and of what they reach.
 *
 * @returns the packages that the declarations name
 * @throws {StepError} when a type can't be written down
 */
export function writeDeclarations({ entries, output }: DeclarationOptions): ReadonlySet<string> {
  const emitted = emitDeclarations(entries);
  const packages = new Set<string>();
  const waiting = entries.map(declarationOf);
  const written = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (written.has(path)) continue;
    written.add(path);
    const text = emitted.get(path);
    if (text === undefined) throw new StepError(`Cannot declare as no "${path}" was emitted`);
    mkdirSync(dirname(join(output, path)), { recursive: true });
    writeFileSync(join(output, path), withJsSpecifiers(text));
    for (const specifier of specifiersOf(text)) {
      if (specifier.startsWith(".")) waiting.push(declarationOf(join(path, "..", specifier)));
      else packages.add(specifier);
    }
  }
  return packages;
}

/** Declarations by path; a consumer's compiler looks for "x.d.ts" when it is told "x.js". */
function emitDeclarations(entries: readonly string[]): ReadonlyMap<string, string> {
  const program = ts.createProgram(entries.map((path) => join(TOP, path)), OPTIONS);
  const emitted = new Map<string, string>();
  const { diagnostics } = program.emit(undefined, (path, text) => {
    emitted.set(relative(TOP, path), text);
  });
  if (diagnostics.length === 0) return emitted;
  const format = {
    getCanonicalFileName: String,
    getCurrentDirectory: () => TOP,
    getNewLine: () => "\n",
  };
  throw new StepError(`Cannot declare all types:\n${ts.formatDiagnostics(diagnostics, format)}`);
}

function declarationOf(path: string): string {
  return path.replace(/^\.\//, "").replace(/(\.d)?\.ts$|\.js$/, ".d.ts");
}

function withJsSpecifiers(text: string): string {
  return text.replace(/(["'])(\.{1,2}\/[^"'\n]+)\.ts\1/g, "$1$2.js$1");
}

/** All modules that a text names: imports and re-exports, static, dynamic and of types. */
export function specifiersOf(text: string): readonly string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}
