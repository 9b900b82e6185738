/** Rules on shape: documents on exports, headers, lengths of functions and files, parameters. */
import ts from "typescript";
import { headerOf, isAllowed } from "./allow.ts";
import { ratchetRule } from "./ratchet.ts";
import type { Measure } from "./ratchet.ts";
import type { Finding, Rule } from "./rule.ts";
import { lineOf, walk } from "./tree.ts";
import type { Tree } from "./tree.ts";

const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 320;
const POSITIONAL_PARAMETERS_MAX = 3;

/** Sources that people write: generated files are as long as they must be. */
function written(tree: Tree): readonly string[] {
  return [...tree.sources("src/"), ...tree.sources("mod.ts"), ...tree.sources("npm/")]
    .filter((path) => !/(_bytes|\.gen)\.ts$/.test(path));
}

/** Every export of `src/` says what it is. */
export const documentedExports: Rule = {
  name: "documented-exports",
  instead: "write a docstring: one sentence, then units, ranges, failure and source",
  check(tree): readonly Finding[] {
    return [...tree.sources("src/"), ...tree.sources("mod.ts")].flatMap((path) =>
      tree.parse(path).statements.flatMap((statement): readonly Finding[] => {
        if (!isExportedDeclaration(statement) || hasDocument(statement)) return [];
        return [{ path, line: lineOf(statement), what: `no docstring on ${nameOf(statement)}` }];
      })
    );
  },
};

function isExportedDeclaration(node: ts.Statement): boolean {
  return ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword) ?? false);
}

/** A JSDoc comment with some words in it. Overloads share the first one's. */
function hasDocument(node: ts.Statement): boolean {
  return overloadsOf(node)
    .flatMap((each) => ts.getJSDocCommentsAndTags(each).filter(ts.isJSDoc))
    .some((each) => /\w\w/.test(each.getText()));
}

function overloadsOf(node: ts.Statement): readonly ts.Statement[] {
  if (!ts.isFunctionDeclaration(node)) return [node];
  return node.getSourceFile().statements.filter((each) =>
    ts.isFunctionDeclaration(each) && each.name?.text === node.name?.text
  );
}

function nameOf(node: ts.Statement): string {
  if (ts.isVariableStatement(node)) {
    return node.declarationList.declarations.map((each) => each.name.getText()).join(", ");
  }
  const named = node as ts.Statement & { readonly name?: ts.Node };
  return named.name?.getText() ?? "export";
}

/** Every file of `src/` begins by saying what it is. */
export const fileHeaders: Rule = {
  name: "file-headers",
  instead:
    "begin the file with a comment: what it is, what it is not, which specification it follows",
  check(tree): readonly Finding[] {
    return [...tree.sources("src/"), ...tree.sources("mod.ts")]
      .filter((path) => !/\w+\s+\w+/.test(headerOf(tree.text(path))))
      .map((path) => ({ path, line: 1, what: "no header comment" }));
  },
};

/** A function and the name under which the ratchet knows it. */
interface NamedFunction {
  readonly node: ts.FunctionLikeDeclaration;
  readonly name: string;
}

function functionsOf(file: ts.SourceFile): readonly NamedFunction[] {
  const found: NamedFunction[] = [];
  walk(file, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return;
    const declaration = node as ts.FunctionLikeDeclaration;
    found.push({ node: declaration, name: `${file.fileName}#${functionName(declaration)}` });
  });
  return found;
}

function functionName(node: ts.FunctionLikeDeclaration): string {
  const own = ts.isConstructorDeclaration(node) ? "constructor" : node.name?.getText();
  const holder = ts.findAncestor(
    node.parent,
    (each) => ts.isClassLike(each) || ts.isVariableDeclaration(each) || ts.isFunctionLike(each),
  );
  const outer = holder !== undefined && "name" in holder
    ? (holder.name as ts.Node | undefined)?.getText()
    : undefined;
  return [outer, own ?? "(unnamed)"].filter((part) => part !== undefined).join(".");
}

function linesOf(node: ts.Node): number {
  const file = node.getSourceFile();
  const end = file.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
  return end - lineOf(node) + 1;
}

function functionLengths(tree: Tree): readonly Measure[] {
  return written(tree).flatMap((path) =>
    functionsOf(tree.parse(path))
      .filter(({ node }) => !isAllowed(node, "function-length"))
      .map(({ node, name }) => ({ key: name, path, line: lineOf(node), size: linesOf(node) }))
  );
}

/** Functions fit a screen. */
export const functionLength: Rule = ratchetRule({
  name: "function-length",
  instead: `split functions above ${FUNCTION_LINES_MAX} lines: branches up, leaves down`,
  sizeMax: FUNCTION_LINES_MAX,
  unit: "lines",
  measure: functionLengths,
});

/** Files hold one concept. */
export const fileLength: Rule = ratchetRule({
  name: "file-length",
  instead: `split files above ${FILE_LINES_MAX} lines by concept`,
  sizeMax: FILE_LINES_MAX,
  unit: "lines",
  measure: (tree) =>
    written(tree)
      .filter((path) => !isAllowed(tree.parse(path), "file-length"))
      .map((path) => ({
        key: path,
        path,
        line: 0,
        size: tree.text(path).split("\n").length - 1,
      })),
});

/** Longer parameter lists become an options object. */
export const positionalParameters: Rule = ratchetRule({
  name: "positional-parameters",
  instead: "take at most two positional parameters, then an options object whose type is exported",
  sizeMax: POSITIONAL_PARAMETERS_MAX,
  unit: "parameters",
  measure: (tree) =>
    written(tree).flatMap((path) =>
      functionsOf(tree.parse(path))
        .filter(({ node }) => !isAllowed(node, "positional-parameters"))
        .map(({ node, name }) => ({
          key: name,
          path,
          line: lineOf(node),
          size: node.parameters.length,
        }))
    ),
});
