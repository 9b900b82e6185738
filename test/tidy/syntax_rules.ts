/** Rules on the language used: erasable TypeScript, no `any`, named exports, functions, messages. */
import ts from "typescript";
import { areaOf } from "./areas.ts";
import type { Finding, Rule } from "./rule.ts";
import { lineOf, walk } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** Files that people write and the runtimes run: everything but AssemblyScript and fixtures. */
function runSources(tree: Tree): readonly string[] {
  const prefixes = ["src/", "mod.ts", "bench/", "npm/", "test/"];
  return prefixes.flatMap((prefix) => tree.sources(prefix))
    .filter((path) => !path.startsWith("test/fixtures/") && !path.startsWith("test/tidy/snippets"));
}

/** A rule that looks at one node at a time. */
function nodeRule(
  options: Pick<Rule, "name" | "instead"> & {
    readonly files: (tree: Tree) => readonly string[];
    readonly look: (node: ts.Node) => string | undefined;
  },
): Rule {
  const { name, instead, files, look } = options;
  return {
    name,
    instead,
    check(tree): readonly Finding[] {
      return files(tree).flatMap((path) => {
        const findings: Finding[] = [];
        walk(tree.parse(path), (node) => {
          const what = look(node);
          if (what !== undefined) findings.push({ path, line: lineOf(node), what });
        });
        return findings;
      });
    },
  };
}

function srcSources(tree: Tree): readonly string[] {
  return [...tree.sources("src/"), ...tree.sources("mod.ts")];
}

/** Only syntax that Node removes without a build. */
export const erasableOnly: Rule = nodeRule({
  name: "erasable-only",
  instead: "use a union of literals for an enum, a module for a namespace, fields for parameter " +
    "properties, `as` for <T>x, and import/export for the CommonJS forms",
  files: runSources,
  look(node): string | undefined {
    if (ts.isEnumDeclaration(node)) return "enum";
    if (ts.isModuleDeclaration(node) && !isAmbient(node)) return "namespace";
    if (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent)) {
      return "parameter property";
    }
    if (ts.isImportEqualsDeclaration(node)) return "import =";
    if (ts.isExportAssignment(node) && node.isExportEquals === true) return "export =";
    return ts.isTypeAssertionExpression(node) ? "<T>x assertion" : undefined;
  },
});

function isAmbient(node: ts.ModuleDeclaration): boolean {
  return node.modifiers?.some((each) => each.kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

/** No `any` anywhere. */
export const noAny: Rule = nodeRule({
  name: "no-any",
  instead: "use unknown and narrow it, or name the type",
  files: runSources,
  look: (node) => node.kind === ts.SyntaxKind.AnyKeyword ? "any" : undefined,
});

/** Types have an import of their own, which goes as a whole when types are stripped. */
export const typesApart: Rule = nodeRule({
  name: "types-apart",
  instead: "write `import type { T } from` beside `import { value } from`, and so for exports",
  files: runSources,
  look: (node) =>
    (ts.isImportSpecifier(node) || ts.isExportSpecifier(node)) && node.isTypeOnly
      ? `\`type ${node.name.text}\` among values`
      : undefined,
});

/** Exports have names; functions at the top are declarations; hidden members are `#private`. */
export const plainDeclarations: Rule = nodeRule({
  name: "plain-declarations",
  instead: "use named exports, top-level `function` declarations and #private members",
  files: srcSources,
  look(node): string | undefined {
    if (ts.isExportAssignment(node)) return "default export";
    if (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)) {
      return "default export";
    }
    if (node.kind === ts.SyntaxKind.PrivateKeyword) return "private keyword";
    if (!ts.isVariableDeclaration(node) || !isTopLevel(node)) return undefined;
    const value = node.initializer;
    const isFunction = value !== undefined &&
      (ts.isArrowFunction(value) || ts.isFunctionExpression(value));
    return isFunction ? `top-level arrow or function value ${node.name.getText()}` : undefined;
  },
});

function isTopLevel(node: ts.VariableDeclaration): boolean {
  return ts.isSourceFile(node.parent.parent.parent);
}

/** Error messages are sentences without a full stop. */
export const errorMessages: Rule = nodeRule({
  name: "error-messages",
  instead:
    'write "Cannot <verb> <thing> as <rule>: current value is <x>": sentence case, no full ' +
    "stop at the end, no contraction",
  files: srcSources,
  look(node): string | undefined {
    if (!ts.isNewExpression(node) || !/Error$/.test(node.expression.getText())) return undefined;
    for (const argument of node.arguments ?? []) {
      const fault = messageFault(argument);
      if (fault !== undefined) return fault;
    }
    return undefined;
  },
});

function messageFault(argument: ts.Expression): string | undefined {
  const [head, tail] = messageEnds(argument);
  if (!/\s/.test(head + tail)) return undefined;
  if (/^[a-z]/.test(head)) return `message begins in lower case: "${head}"`;
  if (/\.$/.test(tail)) return `message ends with a full stop: "${tail}"`;
  return /\b(\w+n't|it's|can't)\b/i.test(head + tail) ? "message has a contraction" : undefined;
}

/** First and last literal text of a message; empty where it begins or ends with a value. */
function messageEnds(argument: ts.Expression): readonly [string, string] {
  if (ts.isStringLiteralLike(argument)) return [argument.text, argument.text];
  if (ts.isTemplateExpression(argument)) {
    return [argument.head.text, argument.templateSpans.at(-1)?.literal.text ?? ""];
  }
  if (ts.isBinaryExpression(argument)) {
    return [messageEnds(argument.left)[0], messageEnds(argument.right)[1]];
  }
  return ["", ""];
}

/** Plain `Error` says nothing that a caller can act on. */
export const noPlainError: Rule = nodeRule({
  name: "no-plain-error",
  instead: "throw TypeError, RangeError or SyntaxError for a caller's mistake, else the area's " +
    "error class with a code",
  files: (tree) => tree.sources("src/").filter((path) => areaOf(path) !== "sim"),
  look(node): string | undefined {
    const plain = ts.isNewExpression(node) && node.expression.getText() === "Error";
    return plain && ts.isThrowStatement(node.parent) ? "throws a plain Error" : undefined;
  },
});
