/**
 * The threads that run the program (wasm/executor/program.ts) over one shared memory.
 *
 * A thread is a worker that does nothing but run commands: it sleeps in WebAssembly until the
 * command word grows, and the first thread says so when all are done: under Node by a message, under
 * Deno, whose messages take 0.1 ms longer, by a word that is awaited. So the thread that starts them
 * stays free, and a pass costs one wake-up there and one back. Threads keep the process alive while a
 * command runs, and only then. A worker says once that it is there, as a runtime takes
 * some 100 ms to start one.
 */
import { Worker } from "node:worker_threads";
import { runtimeName } from "../platform/mod.ts";
import { controlPtr } from "./_scratch.ts";
import { EngineError } from "./errors.ts";

/** Words of the control block, in i32 (wasm/executor/barrier.ts has the same offsets in bytes). */
const word = {
  command: 0,
  generation: 32,
  stop: 64,
  dead: 80,
  bad: 96,
  agreed: 112,
  threads: 128,
  /** Commands that have been finished, where no message says so. */
  finished: 136,
} as const;

const controlWords = 144;

/** What a worker posts. */
const message = { finished: 0, started: 1 } as const;

/** What a worker runs; a trap is how it leaves a barrier that others will never reach. */
const script = `
import { parentPort, workerData } from "node:worker_threads";
const { module, memory, control, thread, posts } = workerData;
const dead = new Int32Array(memory.buffer, control + ${word.dead * 4}, 1);
try {
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  parentPort.postMessage(${message.started});
  const finished = new Int32Array(memory.buffer, control + ${word.finished * 4}, 1);
  while (run(control, thread)) {
    if (thread > 0) continue;
    if (posts) parentPort.postMessage(${message.finished});
    else {
      Atomics.add(finished, 0, 1);
      Atomics.notify(finished, 0);
    }
  }
} catch (error) {
  if (Atomics.load(dead, 0) === 0) throw error;
}
`;

const scriptUrl = new URL(`data:text/javascript,${encodeURIComponent(script)}`);

/**
 * How a command ended: 0, a local layer + 1 whose result is not finite, or -1 for the head; of packing
 * commands the number of the first whose weights are not finite.
 */
export type Outcome = { readonly bad: number; readonly stopped: boolean };

/** What threads run. */
export interface ThreadsOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly count: number;
}

/** Threads of one executor. They start at once and are ready when the first command is given. */
export class Threads {
  readonly count: number;
  /** Settles when no command can be run any more: with the reason, unless `close` was called. */
  readonly closed: Promise<EngineError | undefined>;
  readonly #words: Int32Array;
  readonly #workers: readonly Worker[];
  readonly #ended = Promise.withResolvers<EngineError | undefined>();
  /** Of commands that have been given and have not ended, in their order. */
  readonly #pending: PromiseWithResolvers<Outcome>[] = [];
  /** Whether the end of a command is a message. */
  readonly #posts = runtimeName() === "node";
  /** Commands that were seen to be finished, as the word counts them. */
  #finished = 0;
  #started = 0;
  #reason: EngineError | undefined;

  constructor({ module, memory, count }: ThreadsOptions) {
    this.count = count;
    this.closed = this.#ended.promise;
    this.#words = new Int32Array(memory.buffer, controlPtr, controlWords);
    this.#words[word.threads] = count;
    this.#workers = Array.from({ length: count }, (_, thread) => {
      const workerData = { module, memory, control: controlPtr, thread, posts: this.#posts };
      const worker = new Worker(scriptUrl, { workerData, name: `engine ${thread}` });
      worker.once("error", (cause) => this.#died(thread, cause));
      worker.once("exit", () => this.#died(thread));
      worker.on("message", (what: number) => {
        if (what === message.started) this.#started++;
        else this.#finish();
      });
      worker.unref();
      return worker;
    });
  }

  /** Whether threads are still being started, so that a command would wait for them. */
  get isStarting(): boolean {
    return this.#reason === undefined && this.#started < this.count;
  }

  /** The number of the command that `run` gives next: 1, 2 and so on. */
  get nextCommand(): number {
    return (this.#words[word.command] ?? 0) + 1;
  }

  /**
   * Runs the command whose tables have been written: a pass when nothing else runs; a packing command
   * may be given while another runs, and begins when that ends.
   *
   * @throws {EngineError} "thread-died" or "closed"
   */
  run(): Promise<Outcome> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    const pending = Promise.withResolvers<Outcome>();
    if (this.#pending.push(pending) === 1) {
      this.#words[word.stop] = 0;
      this.#words[word.bad] = 0;
      this.#words[word.agreed] = 0;
      this.#workers[0]?.ref();
    }
    if (!this.#posts && this.#pending.length === 1) this.#awaitFinished();
    Atomics.add(this.#words, word.command, 1);
    Atomics.notify(this.#words, word.command);
    return pending.promise;
  }

  /** Asks the running command to end at the next layer. */
  stop(): void {
    Atomics.store(this.#words, word.stop, 1);
  }

  /** Ends the threads; what is running rejects with "closed". */
  close(): void {
    this.#end(
      new EngineError({ code: "closed", message: "Cannot go on as the executor was closed" }),
    );
    this.#ended.resolve(undefined);
  }

  /** Ends one thread as a crash would, for tests. */
  kill(thread: number): void {
    void this.#workers[thread]?.terminate();
  }

  /** Finishes commands as the word of the finished ones grows, until none is pending. */
  #awaitFinished(): void {
    const { async, value } = Atomics.waitAsync(this.#words, word.finished, this.#finished);
    if (async) void value.then(() => this.#onFinished());
    else queueMicrotask(() => this.#onFinished());
  }

  #onFinished(): void {
    const finished = Atomics.load(this.#words, word.finished);
    for (; this.#finished !== finished; this.#finished = (this.#finished + 1) | 0) this.#finish();
    if (this.#pending.length > 0) this.#awaitFinished();
  }

  #finish(): void {
    const pending = this.#pending.shift();
    if (this.#pending.length === 0) this.#workers[0]?.unref();
    pending?.resolve({
      bad: this.#words[word.bad] ?? 0,
      stopped: this.#words[word.agreed] !== 0,
    });
  }

  #died(thread: number, cause?: unknown): void {
    const reason = new EngineError({
      code: "thread-died",
      cause,
      message: `Cannot go on as thread ${thread} of the executor died: load the model again`,
    });
    if (this.#end(reason)) this.#ended.resolve(reason);
  }

  /** Returns whether it was this call that ended the threads. */
  #end(reason: EngineError): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    Atomics.store(this.#words, word.dead, 1);
    Atomics.notify(this.#words, word.command);
    Atomics.notify(this.#words, word.generation);
    Atomics.notify(this.#words, word.finished);
    for (const worker of this.#workers) void worker.terminate();
    for (const pending of this.#pending.splice(0)) pending.reject(reason);
    return true;
  }
}
