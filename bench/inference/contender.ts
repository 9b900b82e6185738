/** Starts a contender's process, and asks it. */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Answer, Ask } from "./protocol.ts";

/** A process that holds one model, or a part of one; it speaks lines of JSON. */
export class Contender<Question = Ask, Reply extends object = Answer> {
  readonly name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** @param command program and arguments of a `run_*.ts` */
  constructor(name: string, command: readonly string[]) {
    const [program = "", ...args] = command;
    this.name = name;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @throws {TypeError} with what the contender said of its failure, or that it ended */
  async ask(question: Question): Promise<Reply> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new TypeError(`Cannot ask ${this.name} as its process ended`);
      if (!value.startsWith("{")) continue; // what libraries print
      const answer = JSON.parse(value) as Reply | { readonly error: string };
      if (!("error" in answer)) return answer;
      throw new TypeError(`Cannot measure ${this.name} as it failed: ${answer.error}`);
    }
  }

  /** Ends the process. */
  end(): void {
    this.#child.kill("SIGKILL");
  }
}
