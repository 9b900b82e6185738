/** Rules on text: what may not be named, the form of a TODO, names of generated files, mirrors. */
import { MIRROR_EXCEPTIONS, TEST_FOLDERS_FREE } from "./mirror.ts";
import type { Finding, Rule } from "./rule.ts";
import type { Tree } from "./tree.ts";

/** Lines of all text files that match, except in the files that must name what they forbid. */
function linesMatching(tree: Tree, pattern: RegExp): readonly Finding[] {
  return [...tree.files].flatMap(([path, text]) => {
    if (path === "test/tidy/text_rules.ts") return [];
    if (!pattern.test(text)) return [];
    return text.split("\n").flatMap((line, index) => {
      const match = line.match(pattern)?.[0];
      return match === undefined ? [] : [{ path, line: index + 1, what: `has "${match}"` }];
    });
  });
}

/** Nothing refers to folders that a clone does not have. */
export const ownFilesOnly: Rule = {
  name: "own-files-only",
  instead:
    "copy what is needed into the repository (fixtures with their licence), and refer to that",
  check: (tree) => linesMatching(tree, /\.\.\/shared\b|\/work\/(main|shared)\b|\/opt\/t\b/),
};

/** No package registry is named: each machine has its own configured. */
export const noRegistryHosts: Rule = {
  name: "no-registry-hosts",
  instead: "leave the registry to the machine's npm configuration",
  check: (tree) =>
    linesMatching(
      tree,
      /\bregistry\.[a-z0-9-]+\.[a-z]+|\bnpmjs\.(org|com)|\bnpm\.jsr\.io|_authToken|\bartifactory\b/i,
    ),
};

/** A TODO has an owner or an issue. */
export const todoForm: Rule = {
  name: "todo-form",
  instead: "write TODO(#12) or TODO(name), or do it now",
  check: (tree) =>
    linesMatching(tree, /(?:\/\/|\*|#).*\b(TODO(?!\((#\d+|[a-z][\w-]*)\))|FIXME|XXX|HACK)\b/)
      .filter(({ path }) => !path.endsWith(".md")),
};

/** Generated files say so in their name. */
export const generatedNames: Rule = {
  name: "generated-names",
  instead: "let generators write *_bytes.ts or *.gen.ts, headed by a comment with `Do not edit`",
  check(tree): readonly Finding[] {
    return tree.sources("").filter((path) => !path.startsWith("wasm/")).flatMap((path) => {
      const named = /(_bytes|\.gen)\.ts$/.test(path);
      const headed = /^(\/\/|\/\*)[^]{0,400}\bdo not edit\b/i.test(tree.text(path));
      if (named === headed || path.startsWith("test/tidy")) return [];
      const what = named ? "lacks the `Do not edit` header" : "is headed `Do not edit`";
      return [{ path, line: 0, what }];
    });
  },
};

/** `test/<area>/<file>_test.ts` mirrors `src/<area>/<file>.ts`. */
export const testMirror: Rule = {
  name: "test-mirror",
  instead:
    "name the test after the file that it tests (<file>_test.ts or <file>_<aspect>_test.ts), " +
    "or list it with its reason in test/tidy/mirror.ts",
  check(tree): readonly Finding[] {
    const listed = [...MIRROR_EXCEPTIONS.keys()]
      .filter((path) => !tree.files.has(path))
      .map((path) => ({ path: "test/tidy/mirror.ts", line: 0, what: `${path} is gone` }));
    const strays = tree.sources("test/")
      .filter((path) => path.endsWith("_test.ts") && !MIRROR_EXCEPTIONS.has(path))
      .filter((path) => !TEST_FOLDERS_FREE.some((folder) => path.startsWith(folder)))
      .filter((path) => path.split("/").length > 2 && !hasSource(tree, path))
      .map((path) => ({ path, line: 0, what: "no source file has this name" }));
    return [...listed, ...strays];
  },
};

function hasSource(tree: Tree, test: string): boolean {
  const folder = test.slice(0, test.lastIndexOf("/") + 1).replace(/^test\//, "src/");
  const words = test.slice(test.lastIndexOf("/") + 1)
    .replace(/_test\.ts$/, "").replace(/^slow_/, "").split("_");
  return words.some((_, index) => {
    const stem = words.slice(0, index + 1).join("_");
    return tree.files.has(`${folder}${stem}.ts`) || tree.files.has(`${folder}_${stem}.ts`);
  });
}
