/**
 * What only the `Deno` global can tell. Everything else is the same in both runtimes: node.ts.
 */

/** The part of the `Deno` global that is used here. */
interface DenoGlobal {
  readonly version: { readonly deno: string };
  readonly build: { readonly standalone?: boolean };
  readonly permissions: {
    querySync(
      asked:
        | { readonly name: "sys"; readonly kind: string }
        | { readonly name: "ffi"; readonly path: string },
    ): { readonly state: string };
    query(asked: { readonly name: "run"; readonly command: string }): Promise<{
      readonly state: string;
    }>;
  };
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

/** Whether Deno's permissions let this process start `program`; `undefined` when this is not Deno. */
export async function denoMayRun(program: string): Promise<boolean | undefined> {
  const deno = (globalThis as { readonly Deno?: DenoGlobal }).Deno;
  if (deno === undefined) return undefined;
  return (await deno.permissions.query({ name: "run", command: program })).state === "granted";
}

/** Whether Deno lets this process load native code from a folder; true when this is not Deno. */
export function denoMayLoad(folder: string): boolean {
  const deno = (globalThis as { readonly Deno?: DenoGlobal }).Deno;
  return deno === undefined ||
    deno.permissions.querySync({ name: "ffi", path: folder }).state === "granted";
}

/** Whether Deno tells how much memory there is without asking anybody; true when this is not Deno. */
export function maySeeMemory(): boolean {
  return maySee("systemMemoryInfo");
}

/** Whether Deno tells which addresses this machine has; true when this is not Deno. */
export function maySeeAddresses(): boolean {
  return maySee("networkInterfaces");
}

function maySee(kind: string): boolean {
  const deno = (globalThis as { readonly Deno?: DenoGlobal }).Deno;
  return deno === undefined ||
    deno.permissions.querySync({ name: "sys", kind }).state === "granted";
}
