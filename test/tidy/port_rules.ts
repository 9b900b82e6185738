/**
 * Rules on what may touch the outside: runtime names in `src/platform/`, and clock, timers,
 * randomness, files and sockets in the ports.
 */
import ts from "typescript";
import { areaOf } from "./areas.ts";
import type { Finding, Rule } from "./rule.ts";
import { lineOf, modulesUsed, walk } from "./tree.ts";
import type { Tree } from "./tree.ts";

const RUNTIME_NAMES: ReadonlySet<string> = new Set(["Deno", "process", "Buffer"]);
const RUNTIME_MODULES: ReadonlySet<string> = new Set(["node:process", "node:buffer"]);

/** Built-ins that reach outside, and the areas besides platform and ports that may use each. */
const OUTSIDE_MODULES: ReadonlyMap<string, readonly string[]> = new Map([
  ["node:child_process", []],
  ["node:cluster", []],
  ["node:dgram", []],
  ["node:dns", []],
  ["node:dns/promises", []],
  ["node:fs", []],
  ["node:fs/promises", []],
  ["node:http", ["wire", "kernel", "services/api", "node", "cli"]],
  ["node:http2", []],
  ["node:https", []],
  ["node:net", []],
  ["node:perf_hooks", []],
  ["node:sqlite", ["store"]],
  ["node:timers", ["sim"]],
  ["node:timers/promises", []],
  ["node:tls", []],
  ["node:worker_threads", ["engine", "kernel"]],
]);

/** Global functions that read the time, wait, draw, or reach the network when called. */
const OUTSIDE_CALLS: ReadonlySet<string> = new Set([
  "fetch",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);

/** `object.member` pairs that do the same. */
const OUTSIDE_MEMBERS: ReadonlySet<string> = new Set([
  "AbortSignal.timeout",
  "Date.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomBytes",
  "crypto.randomFillSync",
  "crypto.randomInt",
  "crypto.randomUUID",
  "performance.now",
  "performance.timeOrigin",
]);

/** Names of node:crypto that draw from the system. */
const RANDOM_IMPORTS: ReadonlySet<string> = new Set([
  "generateKeyPair",
  "generateKeyPairSync",
  "randomBytes",
  "randomFill",
  "randomFillSync",
  "randomInt",
  "randomUUID",
]);

function isEdge(path: string): boolean {
  return ["platform", "ports"].includes(areaOf(path));
}

/** Whether an identifier stands for a variable, not for a member, a property or a label. */
function isFreeName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return ts.isIdentifier(parent.expression) && parent.expression.text === "globalThis";
  }
  if (ts.isQualifiedName(parent)) return parent.left === node;
  const named = ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) || ts.isGetAccessor(parent) || ts.isSetAccessor(parent) ||
    ts.isEnumMember(parent);
  return !(named && parent.name === node) && !ts.isLabeledStatement(parent);
}

/** `Deno`, `process` and `Buffer` are named in `src/platform/` only. */
export const platformNames: Rule = {
  name: "platform-names",
  instead: "use a Web API or a node: built-in; else add a small function to src/platform/mod.ts",
  check(tree): readonly Finding[] {
    return tree.sources("src/").filter((path) => areaOf(path) !== "platform").flatMap((path) => {
      const findings: Finding[] = modulesUsed(tree.parse(path))
        .filter((use) => RUNTIME_MODULES.has(use.specifier))
        .map((use) => ({ path, line: use.line, what: `imports "${use.specifier}"` }));
      walk(tree.parse(path), (node) => {
        if (!ts.isIdentifier(node) || !RUNTIME_NAMES.has(node.text) || !isFreeName(node)) return;
        findings.push({ path, line: lineOf(node), what: `names ${node.text}` });
      });
      return findings;
    });
  },
};

/** Clock, timers, randomness, files and sockets are reached through ports. */
export const portsOnly: Rule = {
  name: "ports-only",
  instead: "take the Clock, Random, Disk or Network of src/ports as an argument; a new kind of " +
    "outside gets a new port or a function of src/platform",
  check(tree): readonly Finding[] {
    return tree.sources("src/")
      .filter((path) => !isEdge(path))
      .flatMap((path) => [...outsideModules(tree, path), ...outsideUses(tree, path)]);
  },
};

function outsideModules(tree: Tree, path: string): readonly Finding[] {
  return modulesUsed(tree.parse(path)).flatMap(({ specifier, line, typeOnly }) => {
    const areas = OUTSIDE_MODULES.get(specifier);
    if (areas === undefined || typeOnly || areas.includes(areaOf(path))) return [];
    return [{ path, line, what: `imports "${specifier}"` }];
  });
}

function outsideUses(tree: Tree, path: string): readonly Finding[] {
  const findings: Finding[] = [];
  walk(tree.parse(path), (node) => {
    const what = outsideUse(node, areaOf(path));
    if (what !== undefined) findings.push({ path, line: lineOf(node), what });
  });
  return findings;
}

function outsideUse(node: ts.Node, area: string): string | undefined {
  if (ts.isCallExpression(node)) return outsideCall(node, area);
  if (ts.isNewExpression(node)) {
    const bare = ts.isIdentifier(node.expression) && node.expression.text === "Date";
    return bare && (node.arguments?.length ?? 0) === 0 ? "reads the time by new Date()" : undefined;
  }
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const member = `${node.expression.text}.${node.name.text}`;
    return OUTSIDE_MEMBERS.has(member) ? `uses ${member}` : undefined;
  }
  if (ts.isImportSpecifier(node)) {
    const name = (node.propertyName ?? node.name).text;
    return RANDOM_IMPORTS.has(name) ? `imports ${name}` : undefined;
  }
  return undefined;
}

function outsideCall(node: ts.CallExpression, area: string): string | undefined {
  const callee = node.expression;
  if (ts.isPropertyAccessExpression(callee) && callee.name.text === "listen") {
    // The Network port has a method of this name; without an argument it is something else.
    const ours = /network$/i.test(callee.expression.getText()) || node.arguments.length === 0;
    return ours ? undefined : "opens a socket by listen()";
  }
  const name = ts.isPropertyAccessExpression(callee)
    ? (callee.expression.getText() === "globalThis" ? callee.name.text : "")
    : callee.getText();
  if (!OUTSIDE_CALLS.has(name)) return undefined;
  // The command line speaks to running nodes; the virtual clock lets the event loop turn.
  if ((name === "fetch" && area === "cli") || (name === "setImmediate" && area === "sim")) {
    return undefined;
  }
  return `calls ${name}()`;
}
