/** How each contender is started, and why one can't be. */
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { denoCommand, findNode } from "../../npm/tools.ts";
import type { ContenderName } from "./rows.ts";

/** A contender's command, and the threads that it is to use. */
export interface Start {
  readonly command: readonly string[];
  readonly threads: number;
}

const peers = new URL("../peers/node_modules/", import.meta.url);
const narrowed = new URL("../peers/narrowed/node_modules/", import.meta.url);
/** Of the CPU libraries, those of a processor with AVX2, or with AVX-VNNI, but nothing wider. */
const narrowLibraries = /libggml-cpu-(haswell|alderlake|x64)\./;

/** How to start a contender, or a sentence that says why it is not measured. */
export function startOf(name: ContenderName): Start | string {
  const threads = name.endsWith("2 threads") ? 2 : 1;
  switch (name) {
    case "skep, Node":
    case "skep, Node, 2 threads":
      return { command: [...node(), script("run_skep.ts")], threads };
    case "skep, Deno":
    case "skep, Deno, 2 threads":
      return { command: [...denoCommand(), "run", "-A", script("run_skep.ts")], threads };
    case "node-llama-cpp as shipped":
      return llamaCpp(peers);
    case "node-llama-cpp, AVX2 or AVX-VNNI library":
      return narrow() ?? llamaCpp(narrowed);
    case "wllama, Deno":
      return wllama();
  }
}

function llamaCpp(modules: URL): Start | string {
  const folder = new URL("node-llama-cpp", modules);
  if (!existsSync(folder)) return notInstalled("node-llama-cpp");
  return {
    command: [...node(), script("run_node_llama_cpp.ts"), fileURLToPath(folder)],
    threads: 1,
  };
}

function wllama(): Start | string {
  const folder = new URL("@wllama/wllama", peers);
  if (!existsSync(folder)) return notInstalled("@wllama/wllama");
  const flags = ["run", "-A", "--no-config", "--node-modules-dir=manual"];
  const command = [...denoCommand(), ...flags, script("run_wllama.ts"), fileURLToPath(folder)];
  return { command, threads: 1 };
}

/** Copies the package and takes the wider libraries out of the copy; says why it can't. */
function narrow(): string | undefined {
  const bins = `@node-llama-cpp/${process.platform}-${process.arch}/bins`;
  if (!existsSync(new URL(bins, peers))) return notInstalled("node-llama-cpp for this platform");
  rmSync(narrowed, { recursive: true, force: true });
  cpSync(peers, narrowed, { recursive: true, verbatimSymlinks: true });
  for (const path of readdirSync(new URL(bins, narrowed), { recursive: true, encoding: "utf8" })) {
    if (!path.includes("libggml-cpu-") || narrowLibraries.test(path)) continue;
    rmSync(new URL(`${bins}/${path}`, narrowed));
  }
  return undefined;
}

function notInstalled(what: string): string {
  return `${what} is not installed: "deno task bench" installs it where npm can`;
}

function node(): readonly string[] {
  return [findNode(24), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
