/** Rules on who imports whom: direction, doors, private files, cycles, packages, dead files. */
import { areaOf, AREAS, PACKAGES_BELOW } from "./areas.ts";
import type { Finding, Rule } from "./rule.ts";
import { modulesUsed, resolveSpecifier } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** One import inside the repository. */
interface Edge {
  readonly from: string;
  readonly to: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

function edgesOf(tree: Tree, prefix: string): readonly Edge[] {
  return tree.sources(prefix).flatMap((from) =>
    modulesUsed(tree.parse(from)).flatMap((use) => {
      const to = resolveSpecifier(from, use.specifier);
      return to === undefined ? [] : [{ from, to, line: use.line, typeOnly: use.typeOnly }];
    })
  );
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Areas import lower areas only. */
export const importDirection: Rule = {
  name: "import-direction",
  instead: "import from lower areas only (test/tidy/areas.ts has the order); hand the rest in as " +
    "an argument whose interface lives with its consumer",
  check(tree): readonly Finding[] {
    const unknown = tree.sources("src/")
      .filter((path) => !AREAS.includes(areaOf(path)))
      .map((path) => ({ path, line: 0, what: `area "${areaOf(path)}" is not in AREAS` }));
    const upward = edgesOf(tree, "src/").flatMap(({ from, to, line }): readonly Finding[] => {
      if (!to.startsWith("src/")) {
        return [{ path: from, line, what: `src imports ${to}, which is outside src` }];
      }
      const own = AREAS.indexOf(areaOf(from));
      const other = AREAS.indexOf(areaOf(to));
      return other <= own
        ? []
        : [{ path: from, line, what: `${areaOf(from)} imports ${areaOf(to)}, which is higher` }];
    });
    return [...unknown, ...upward];
  },
};

/** Other areas see an area's `mod.ts` only. */
export const doorsOnly: Rule = {
  name: "doors-only",
  instead: "import ../<area>/mod.ts; export what is missing there if others may have it",
  check(tree): readonly Finding[] {
    const inside = edgesOf(tree, "src/").filter(({ from, to }) => areaOf(from) !== areaOf(to));
    return [...inside, ...edgesOf(tree, "mod.ts")]
      .filter(({ to }) => to.startsWith("src/") && to !== `src/${areaOf(to)}/mod.ts`)
      .map(({ from, to, line }) => ({ path: from, line, what: `goes past the door to ${to}` }));
  },
};

/** `_name.ts` is imported from its own folder, folders below it, and its mirror test. */
export const privateFiles: Rule = {
  name: "private-files",
  instead: "move what is shared into a file without the underscore",
  check(tree): readonly Finding[] {
    return edgesOf(tree, "")
      .filter(({ to }) => to.startsWith("src/"))
      .filter(({ from, to }) =>
        nameOf(to).startsWith("_") && !folderOf(from).startsWith(folderOf(to)) &&
        !folderOf(from).startsWith(folderOf(to).replace(/^src\//, "test/"))
      )
      .map(({ from, to, line }) => ({ path: from, line, what: `imports the private ${to}` }));
  },
};

/** Files of `src/` form no cycle of values. (Between areas, types form none either.) */
export const noCycles: Rule = {
  name: "no-cycles",
  instead: "move what both need into a third file, hand one to the other as an argument, or use " +
    "`import type` where a type is all that is needed",
  check(tree): readonly Finding[] {
    const edges = edgesOf(tree, "src/").filter(({ typeOnly }) => !typeOnly);
    const next = Map.groupBy(edges, (edge) => edge.from);
    const done = new Set<string>();
    const findings: Finding[] = [];
    function visit(path: string, trail: readonly string[]): void {
      const start = trail.indexOf(path);
      if (start >= 0) {
        const ring = [...trail.slice(start), path].join(" -> ");
        findings.push({ path, line: 0, what: `imports itself: ${ring}` });
        return;
      }
      if (done.has(path)) return;
      for (const edge of next.get(path) ?? []) visit(edge.to, [...trail, path]);
      done.add(path);
    }
    for (const path of next.keys()) visit(path, []);
    return findings;
  },
};

/** Names of packages that `deno.json` gives, and which of them DEPENDENCIES.md calls runtime. */
function declaredPackages(tree: Tree): ReadonlySet<string> {
  const manifest: unknown = JSON.parse(tree.text("deno.json") || "{}");
  const imports = typeof manifest === "object" && manifest !== null && "imports" in manifest
    ? manifest.imports
    : {};
  return new Set(Object.keys(imports ?? {}));
}

/** The package of a bare specifier: "hono/streaming" is "hono", "@hono/node-server" is itself. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return undefined;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Packages named under a heading of docs/DEPENDENCIES.md, as `name` in a table's first column. */
function documentedPackages(tree: Tree, heading: string): ReadonlySet<string> {
  const section = tree.text("docs/DEPENDENCIES.md").split(/^## /m)
    .find((part) => part.startsWith(heading)) ?? "";
  return new Set([...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? ""));
}

/**
 * Every package is declared and documented; development tools stay out of `src/`, which loads optional
 * ones by name, so that it runs without them.
 */
export const packagesDocumented: Rule = {
  name: "packages-documented",
  instead: "declare the package in deno.json and give it a row in docs/DEPENDENCIES.md, under " +
    '"Runtime" or "Development"; src/ uses the runtime ones only',
  check(tree): readonly Finding[] {
    const declared = declaredPackages(tree);
    const runtime = documentedPackages(tree, "Runtime");
    const development = documentedPackages(tree, "Development");
    const optional = documentedPackages(tree, "Optional");
    const rows = [...declared]
      .filter((name) => !runtime.has(name) && !development.has(name) && !optional.has(name))
      .map((name) => ({ path: "deno.json", line: 0, what: `"${name}" has no row` }));
    const gone = [...runtime, ...development, ...optional]
      .filter((name) => !declared.has(name))
      .map((name) => ({ path: "docs/DEPENDENCIES.md", line: 0, what: `"${name}" is not used` }));
    const used = tree.sources("src/").flatMap((path) =>
      modulesUsed(tree.parse(path)).flatMap(({ specifier, line }) => {
        const name = packageOf(specifier);
        return name === undefined ? [] : [{ path, line, name }];
      })
    );
    const wrong = used
      .filter(({ name }) => !declared.has(name) || !runtime.has(name))
      .map(({ path, line, name }) => ({
        path,
        line,
        what: `uses "${name}", which is not a runtime dependency`,
      }));
    const idle = [...runtime]
      .filter((name) => declared.has(name) && !used.some((use) => use.name === name))
      .map((name) => ({ path: "deno.json", line: 0, what: `"${name}" is not used by src/` }));
    return [...rows, ...gone, ...wrong, ...idle];
  },
};

/** The low areas and the kernel use no package at run time but those that are theirs by name. */
export const noPackagesBelow: Rule = {
  name: "no-packages-below",
  instead: "write it with Web and node: built-ins, or take it as an argument (test/tidy/areas.ts " +
    "lists the areas that are to be small); `import type` is free",
  check(tree): readonly Finding[] {
    return tree.sources("src/").flatMap((path) => {
      const allowed = PACKAGES_BELOW.get(areaOf(path));
      if (allowed === undefined) return [];
      return modulesUsed(tree.parse(path)).flatMap(({ specifier, line, typeOnly }) => {
        const name = packageOf(specifier);
        if (typeOnly || name === undefined || allowed.includes(name)) return [];
        return [{ path, line, what: `imports "${specifier}"` }];
      });
    });
  },
};

/** Every file of `src/` is imported by another one or by `mod.ts`, or is a door or the executable. */
export const noDeadFiles: Rule = {
  name: "no-dead-files",
  instead: "use the file or delete it; a test double belongs to src/sim or test",
  check(tree): readonly Finding[] {
    const entries = new Set(["src/main.ts"]);
    const used = new Set(
      [...edgesOf(tree, "src/"), ...edgesOf(tree, "mod.ts")]
        .filter(({ from, to }) => from !== to)
        .map(({ to }) => to),
    );
    return tree.sources("src/")
      .filter((path) => !used.has(path) && !entries.has(path) && nameOf(path) !== "mod.ts")
      .filter((path) => areaOf(path) !== "sim")
      .map((path) => ({ path, line: 0, what: "nobody imports it" }));
  },
};

/** What `deno.json` exports exists. */
export const exportsExist: Rule = {
  name: "exports-exist",
  instead: "correct the path in deno.json",
  check(tree): readonly Finding[] {
    const manifest: unknown = JSON.parse(tree.text("deno.json") || "{}");
    const exported = typeof manifest === "object" && manifest !== null && "exports" in manifest
      ? manifest.exports
      : {};
    return Object.entries(exported ?? {})
      .filter(([, path]) => !tree.files.has(String(path).replace(/^\.\//, "")))
      .map(([name, path]) => ({ path: "deno.json", line: 0, what: `"${name}" is ${path}` }));
  },
};
