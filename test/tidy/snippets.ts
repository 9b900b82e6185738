/**
 * Small trees that break one rule each, with the findings expected, and neighbours that keep it.
 *
 * Words that a text rule forbids are put together from pieces, as these files are looked at too.
 */

/** A tree and what a rule must say about it. */
export interface Snippet {
  readonly rule: string;
  readonly files: Readonly<Record<string, string>>;
  /** "path:line" of each finding, in order; empty where the rule must keep quiet. */
  readonly places: readonly string[];
}

const MANIFEST = JSON.stringify({ imports: { hono: "npm:hono@^4", typescript: "npm:typescript" } });
const DEPENDENCIES = "## Runtime\n\n| `hono` | HTTP |\n\n## Development\n\n| `typescript` | x |\n";

const IMPORTS: readonly Snippet[] = [
  {
    rule: "import-direction",
    files: {
      "src/wire/a.ts": 'import type { B } from "../kernel/mod.ts";',
      "src/kernel/b.ts": 'import { A } from "../wire/mod.ts";',
      "src/kernel/c.ts": 'export { T } from "../../test/t.ts";',
      "src/attic/d.ts": "",
    },
    places: ["src/attic/d.ts:0", "src/kernel/c.ts:1", "src/wire/a.ts:1"],
  },
  {
    rule: "doors-only",
    files: {
      "mod.ts": 'export * from "./src/node/run.ts";',
      "src/node/a.ts": 'import { B } from "../kernel/b.ts";\nimport { C } from "../kernel/mod.ts";',
      "src/node/run.ts": 'import { A } from "./a.ts";',
    },
    places: ["src/node/a.ts:1", "mod.ts:1"],
  },
  {
    rule: "private-files",
    files: {
      "src/node/a.ts": 'import { B } from "./_b.ts";',
      "src/wire/a.ts": 'const b = await import("../node/_b.ts");',
      "test/node/b_test.ts": 'import { B } from "../../src/node/_b.ts";',
    },
    places: ["src/wire/a.ts:1"],
  },
  {
    rule: "no-cycles",
    files: {
      "src/wire/a.ts": 'import { B } from "./b.ts";',
      "src/wire/b.ts": 'export { C } from "./c.ts";',
      "src/wire/c.ts": 'const a = await import("./a.ts");',
      "src/wire/d.ts": 'import type { E } from "./e.ts";',
      "src/wire/e.ts": 'import { D } from "./d.ts";',
    },
    places: ["src/wire/a.ts:0"],
  },
  {
    rule: "no-packages-below",
    files: {
      "src/kernel/a.ts": 'import { Hono } from "hono";',
      "src/wire/b.ts": 'import type { Hono } from "hono";',
      "src/node/c.ts": 'import { Hono } from "hono";',
    },
    places: ["src/kernel/a.ts:1"],
  },
  {
    rule: "packages-documented",
    files: {
      "deno.json": MANIFEST,
      "docs/DEPENDENCIES.md": DEPENDENCIES,
      "src/node/a.ts": 'import ts from "typescript";\nimport { s } from "hono/streaming";',
    },
    places: ["src/node/a.ts:1"],
  },
  {
    rule: "packages-documented",
    files: { "deno.json": MANIFEST, "docs/DEPENDENCIES.md": "## Runtime\n\n| `old` | gone |\n" },
    places: ["deno.json:0", "deno.json:0", "docs/DEPENDENCIES.md:0"],
  },
  {
    rule: "packages-documented",
    files: {
      "deno.json": MANIFEST,
      "docs/DEPENDENCIES.md": DEPENDENCIES,
      "test/node/a_test.ts": 'import { Hono } from "hono";',
    },
    places: ["deno.json:0"],
  },
  {
    rule: "no-dead-files",
    files: {
      "mod.ts": 'export * from "./src/node/mod.ts";',
      "src/node/mod.ts": "",
      "src/node/left.ts": 'import "./left.ts";',
    },
    places: ["src/node/left.ts:0"],
  },
  {
    rule: "exports-exist",
    files: { "deno.json": JSON.stringify({ exports: { ".": "./mod.ts" } }) },
    places: ["deno.json:0"],
  },
];

const OUTSIDE: readonly Snippet[] = [
  {
    rule: "platform-names",
    files: {
      "src/node/a.ts": 'import process from "node:process";\nprocess.exit();\nDeno.cwd();',
      "src/node/b.ts": "const raw: Buffer = globalThis.process.stdin;",
      "src/node/c.ts": "interface A { process: string }\nexport const x = (a: A) => a.process;",
      "src/platform/d.ts": "Deno.exit();",
    },
    places: [
      "src/node/a.ts:1",
      "src/node/a.ts:1",
      "src/node/a.ts:2",
      "src/node/a.ts:3",
      "src/node/b.ts:1",
      "src/node/b.ts:1",
    ],
  },
  {
    rule: "ports-only",
    files: {
      "src/node/a.ts": "const now = Date.now();\nconst day = new Date();\nconst old = new Date(0);",
      "src/node/b.ts": "setTimeout(f, 1);\nglobalThis.setInterval(f);\nclock.setTimeout(f);",
      "src/node/c.ts": 'import { readFile } from "node:fs/promises";\nserver.listen(1);\n' +
        "await network.listen(address);\nawait this.listen();",
      "src/node/d.ts": 'import { randomBytes, createHash } from "node:crypto";\nMath.random();',
      "src/node/e.ts": 'await fetch("x");\nawait app.fetch("x");\nAbortSignal.timeout(1);',
      "src/node/f.ts": 'import { DatabaseSync } from "node:sqlite";',
      "src/node/g.ts": 'const fs = await import("node:fs");\nimport type { Stats } from "node:fs";',
      "src/cli/h.ts": 'await fetch("x");\nperformance.now();',
      "src/ports/i.ts": 'import { readFile } from "node:fs";\nDate.now();',
      "src/store/j.ts": 'import { DatabaseSync } from "node:sqlite";',
    },
    places: [
      "src/cli/h.ts:2",
      "src/node/a.ts:1",
      "src/node/a.ts:2",
      "src/node/b.ts:1",
      "src/node/b.ts:2",
      "src/node/c.ts:1",
      "src/node/c.ts:2",
      "src/node/d.ts:1",
      "src/node/d.ts:2",
      "src/node/e.ts:1",
      "src/node/e.ts:3",
      "src/node/f.ts:1",
      "src/node/g.ts:1",
    ],
  },
];

const BODY_OF_80_LINES = "  f();\n".repeat(78);

const SHAPE: readonly Snippet[] = [
  {
    rule: "documented-exports",
    files: {
      "src/node/a.ts": "/** Header words here. */\nimport a from 'a';\nexport const x = 1;\n" +
        "/** Says what it is. */\nexport function f(): void {}\n/** */\nexport interface I {}\n" +
        "/** One for all. */\nexport function g(a: 1): void;\nexport function g(a: 2): void {}",
    },
    places: ["src/node/a.ts:3", "src/node/a.ts:7"],
  },
  {
    rule: "file-headers",
    files: {
      "src/node/a.ts": "import a from 'a';",
      "src/node/b.ts": "/** Runs a node. */\nimport a from 'a';",
    },
    places: ["src/node/a.ts:1"],
  },
  {
    rule: "function-length",
    files: {
      "src/node/a.ts": `function f() {\n${BODY_OF_80_LINES}}`,
      "src/node/b.ts": `// tidy: allow function-length as one switch over all states\n` +
        `class A {\n  // tidy: allow function-length as it reads in one go\n  m() {\n${BODY_OF_80_LINES}}}`,
      "src/node/c.ts": `function f() {\n}`,
      "src/node/d_bytes.ts": `function f() {\n${BODY_OF_80_LINES}}`,
    },
    places: ["src/node/a.ts:1"],
  },
  {
    rule: "file-length",
    files: {
      "src/node/a.ts": "//\n".repeat(321),
      "src/node/b.ts": "//\n".repeat(320),
      "src/node/c.ts": "// tidy: allow file-length as the table is one concept\n" +
        "//\n".repeat(321),
      "src/node/d.ts": "// tidy: allow file-length as long\n" + "//\n".repeat(321),
    },
    places: ["src/node/a.ts:0", "src/node/d.ts:0"],
  },
  {
    rule: "positional-parameters",
    files: {
      "src/engine/a.ts": "/** Words. */\nfunction f(a: 1, b: 2, c: 3, d: 4) {}\n" +
        "// tidy: allow positional-parameters as this is a hot numeric kernel\n" +
        "function g(a: 1, b: 2, c: 3, d: 4) {}\nfunction h(a: 1, b: 2, c: 3) {}",
    },
    places: ["src/engine/a.ts:2"],
  },
];

const SYNTAX: readonly Snippet[] = [
  {
    rule: "erasable-only",
    files: {
      "src/node/a.ts":
        "enum A { B }\nnamespace N { f(); }\nclass C { constructor(readonly a: 1) {} }",
      "test/node/b.ts": "const a = <string>b;\nimport x = require('x');",
      "src/node/c.ts": "declare module 'x' {}\nconst a = b as string;",
    },
    places: [
      "src/node/a.ts:1",
      "src/node/a.ts:2",
      "src/node/a.ts:3",
      "test/node/b.ts:1",
      "test/node/b.ts:2",
    ],
  },
  {
    rule: "no-any",
    files: { "src/node/a.ts": "let a: any;\nlet b: unknown;\nconst any = 1;" },
    places: ["src/node/a.ts:1"],
  },
  {
    rule: "types-apart",
    files: {
      "src/node/a.ts": 'import { b, type B } from "./b.ts";\nimport type { C } from "./c.ts";',
      "src/node/d.ts": 'export { e } from "./e.ts";\nexport { type E } from "./e.ts";',
    },
    places: ["src/node/a.ts:1", "src/node/d.ts:2"],
  },
  {
    rule: "plain-declarations",
    files: {
      "src/node/a.ts":
        "export default function f() {}\nconst g = () => 1;\nclass A { private b = 1 }",
      "src/node/b.ts":
        "export default 1;\nfunction f() { const g = () => 1; switch (1) { default: } }",
    },
    places: ["src/node/a.ts:1", "src/node/a.ts:2", "src/node/a.ts:3", "src/node/b.ts:1"],
  },
  {
    rule: "error-messages",
    files: {
      "src/node/a.ts":
        'throw new TypeError("cannot open it");\nthrow new RangeError(`Cannot ${x}.`);\n' +
        'throw new XError("code", "Cannot open it");\nthrow new XError("Can\'t open it");\n' +
        'throw new XError("truncated");\nthrow new XError("Cannot " + y + " twice.");',
    },
    places: ["src/node/a.ts:1", "src/node/a.ts:2", "src/node/a.ts:4", "src/node/a.ts:6"],
  },
  {
    rule: "no-plain-error",
    files: { "src/node/a.ts": 'throw new Error("Broken");\nthrow new TypeError("Wrong");' },
    places: ["src/node/a.ts:1"],
  },
];

const SHARED = ["..", "shared"].join("/");
const REGISTRY = ["registry", "example", "org"].join(".");
const MARK = ["TO", "DO"].join("");

const TEXT: readonly Snippet[] = [
  {
    rule: "own-files-only",
    files: { "docs/a.md": `fine\nsee ${SHARED}/spec\n`, "docs/b.md": "shared pages" },
    places: ["docs/a.md:2"],
  },
  {
    rule: "no-registry-hosts",
    files: { ".ci/run": `npm --registry=https://${REGISTRY}\n`, "src/a.ts": "registry.counter()" },
    places: [".ci/run:1"],
  },
  {
    rule: "todo-form",
    files: {
      "src/a.ts":
        `// ${MARK}: later\n// ${MARK}(#12): with an issue\n// ${MARK}(ada): with an owner\n`,
      ".ci/run": `# ${["FIX", "ME"].join("")} soon\n`,
    },
    places: ["src/a.ts:1", ".ci/run:1"],
  },
  {
    rule: "generated-names",
    files: {
      "src/hot/a.ts": "// Generated by wasm/build.ts. Do not edit.\n",
      "src/hot/b_bytes.ts": "// By hand.\n",
      "src/hot/c_bytes.ts": "// Generated by wasm/build.ts. Do not edit.\n",
    },
    places: ["src/hot/a.ts:0", "src/hot/b_bytes.ts:0"],
  },
  {
    rule: "test-mirror",
    files: {
      "src/wire/frame.ts": "",
      "src/wire/_scan.ts": "",
      "test/wire/frame_test.ts": "",
      "test/wire/frame_cuts_test.ts": "",
      "test/wire/slow_frame_test.ts": "",
      "test/wire/scan_test.ts": "",
      "test/wire/lost_test.ts": "",
      "test/e2e/chat_test.ts": "",
      "test/tidy_test.ts": "",
    },
    places: ["test/wire/lost_test.ts:0"],
  },
];

/** All snippets; each rule has at least one that it must complain about. */
export const SNIPPETS: readonly Snippet[] = [...IMPORTS, ...OUTSIDE, ...SHAPE, ...SYNTAX, ...TEXT];
