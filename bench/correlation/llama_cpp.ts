/** llama.cpp in a process of its own, which runs Node: one model after the other. */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findNode } from "../../npm/tools.ts";
import type { Ask } from "./run_llama_cpp.ts";

/** A running peer. */
export class LlamaCpp {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  /** @param folder of the package node-llama-cpp */
  constructor(folder: string) {
    const script = fileURLToPath(new URL("run_llama_cpp.ts", import.meta.url));
    const flags = ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
    this.#child = spawn(findNode(24), [...flags, script, folder]);
    const lines: Interface = createInterface({ input: this.#child.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
    this.#child.stderr.on("data", (data: Uint8Array) => {
      this.#errors = (this.#errors + new TextDecoder().decode(data)).slice(-4000);
    });
  }

  /**
   * The numbers that are asked for.
   *
   * @throws {TypeError} when the peer can't give them
   */
  async ask(ask: Ask): Promise<Float32Array> {
    this.#child.stdin.write(`${JSON.stringify(ask)}\n`);
    const line = await this.#lines.next();
    const answer = line.done === true ? { error: this.#errors } : JSON.parse(line.value);
    if (typeof answer.error === "string") {
      throw new TypeError(`Cannot compare as llama.cpp says: ${answer.error}`);
    }
    return new Float32Array(new Uint8Array(readFileSync(ask.output)).buffer);
  }

  /** Ends the process. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.stdin.end();
    await exit;
  }
}
