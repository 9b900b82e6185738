/**
 * What only the `Deno` global can tell. Everything else is the same in both runtimes: node.ts.
 */

/** The part of the `Deno` global that is used here. */
interface DenoGlobal {
  readonly version: { readonly deno: string };
  readonly build: { readonly standalone?: boolean };
}

/** Deno's own version, or `undefined` when this is not Deno. */
export function denoVersion(): string | undefined {
  const deno = (globalThis as { readonly Deno?: DenoGlobal }).Deno;
  return deno?.version.deno;
}

/** Whether this is an executable made by `deno compile`. */
export function isStandaloneDeno(): boolean {
  const deno = (globalThis as { readonly Deno?: DenoGlobal }).Deno;
  return deno?.build.standalone === true;
}
