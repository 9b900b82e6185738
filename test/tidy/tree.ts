/**
 * The repository as the tidy rules see it: text files by path, and their syntax trees.
 *
 * A tree is read from the disk once, or made from snippets by the tests that show a rule biting.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Names that hold nothing of ours: dependencies, results of builds, version control. */
const NAMES_SKIPPED: ReadonlySet<string> = new Set([
  ".git",
  ".tools",
  "build",
  "dist",
  "node_modules",
]);

/** Files that are read as text; others (models, compiled modules) are not looked at. */
const TEXT_FILE = /(\.(ts|js|mjs|json|jsonc|md|sh|toml|tsv|txt|yml|yaml|lock)|\/\.?[A-Za-z]+)$/;

/** Larger files are data, whatever their name. */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;

/** A repository's text files. Paths use forward slashes and start at the top folder. */
export class Tree {
  readonly files: ReadonlyMap<string, string>;
  readonly #parsed = new Map<string, ts.SourceFile>();

  constructor(files: Readonly<Record<string, string>> | ReadonlyMap<string, string>) {
    this.files = files instanceof Map ? files : new Map(Object.entries(files));
  }

  /** Paths that start with `prefix` and end in `.ts`, in order; declaration files left out. */
  sources(prefix: string): readonly string[] {
    return [...this.files.keys()]
      .filter((path) => path.startsWith(prefix) && path.endsWith(".ts") && !path.endsWith(".d.ts"))
      .sort();
  }

  /** The text of a file; empty when there is none. */
  text(path: string): string {
    return this.files.get(path) ?? "";
  }

  /** The syntax tree of a file, parsed once. */
  parse(path: string): ts.SourceFile {
    const known = this.#parsed.get(path);
    if (known !== undefined) return known;
    const parsed = ts.createSourceFile(path, this.text(path), ts.ScriptTarget.ESNext, true);
    this.#parsed.set(path, parsed);
    return parsed;
  }
}

/** Reads the text files under the top of this repository. */
export function readTree(): Tree {
  const top = fileURLToPath(new URL("../../", import.meta.url));
  const files = new Map<string, string>();
  readFolder(top, "", files);
  return new Tree(files);
}

function readFolder(top: string, folder: string, files: Map<string, string>): void {
  for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (NAMES_SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory()) {
      readFolder(top, path, files);
    } else if (entry.isFile() && TEXT_FILE.test(`/${path}`)) {
      if (statSync(join(top, path)).size > TEXT_BYTES_MAX) continue;
      files.set(path, readFileSync(join(top, path), "utf8"));
    }
  }
}

/** Calls `visit` for `node` and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** The line of a node, from 1. */
export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile();
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** An import or re-export of another module. */
export interface ModuleUse {
  /** As written: "../ports/mod.ts", "node:fs", "hono". */
  readonly specifier: string;
  readonly line: number;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
}

const usesOf = new WeakMap<ts.SourceFile, readonly ModuleUse[]>();

/** Every module that a file names: static, dynamic and type imports, and re-exports. */
export function modulesUsed(file: ts.SourceFile): readonly ModuleUse[] {
  const known = usesOf.get(file);
  if (known !== undefined) return known;
  const uses: ModuleUse[] = [];
  usesOf.set(file, uses);
  walk(file, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    uses.push({ specifier: specifier.text, line: lineOf(node), typeOnly: isTypeOnly(node) });
  });
  return uses;
}

function specifierOf(node: ts.Node): ts.StringLiteralLike | undefined {
  let found: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) found = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    found = node.argument.literal;
  } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    found = node.arguments[0];
  }
  return found !== undefined && ts.isStringLiteralLike(found) ? found : undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly === true;
  return ts.isExportDeclaration(node) && node.isTypeOnly;
}

/** The path that a relative specifier names, or undefined for packages and built-ins. */
export function resolveSpecifier(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
