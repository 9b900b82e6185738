/** The link between threads, over a MessageChannel in one thread. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { KernelError, RpcError } from "../../src/kernel/mod.ts";
import { ThreadLink } from "../../src/kernel/thread_link.ts";
import type { LinkHandlers } from "../../src/kernel/thread_link.ts";

async function linked(
  handlers: Partial<LinkHandlers>,
  fn: (link: ThreadLink, far: ThreadLink, errors: unknown[]) => Promise<void>,
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const errors: unknown[] = [];
  const rest = {
    calls: {},
    streams: {},
    tells: {},
    onError: (error: unknown): void => void errors.push(error),
  };
  const near = new ThreadLink(port1, rest);
  const far = new ThreadLink(port2, { ...rest, ...handlers });
  try {
    await fn(near, far, errors);
  } finally {
    port1.close();
    port2.close();
  }
}

test("a call is answered with its value, or its error in its own class", async () => {
  const throwing: Record<string, () => Promise<never>> = {
    rpc: () => Promise.reject(new RpcError({ kind: "busy", message: "full", data: { n: 1n } })),
    uncloneable: () =>
      Promise.reject(new RpcError({ kind: "busy", message: "full", data: () => {} })),
    kernel: () =>
      Promise.reject(new KernelError({ code: "returned", message: "over", service: "s" })),
    other: () => Promise.reject(Object.assign(new RangeError("far"), { code: "ERR_FAR" })),
    odd: () => Promise.reject("a string"),
  };
  const calls = { ...throwing, twice: (n: number) => Promise.resolve(n * 2) };
  await linked({ calls }, async (link) => {
    assert.equal(await link.call("twice", 21), 42);
    const caught = async (name: string): Promise<Error> =>
      await link.call(name, undefined).then(() => new TypeError("no error"), (error) => error);
    const rpc = await caught("rpc");
    assert.ok(rpc instanceof RpcError);
    assert.deepEqual([rpc.kind, rpc.message, rpc.data], ["busy", "full", { n: 1n }]);
    const bare = await caught("uncloneable");
    assert.ok(bare instanceof RpcError && bare.data === undefined);
    const kernel = await caught("kernel");
    assert.ok(kernel instanceof KernelError);
    assert.deepEqual([kernel.code, kernel.service], ["returned", "s"]);
    const other = await caught("other");
    assert.deepEqual([other.name, other.message, Reflect.get(other, "code")], [
      "RangeError",
      "far",
      "ERR_FAR",
    ]);
    assert.equal((await caught("odd")).message, "a string");
    assert.match((await caught("missing")).message, /unknown "missing"/);
  });
});

test("what can't be cloned fails the call, on either side, and leaves the link whole", async () => {
  const calls = {
    give: () => Promise.resolve(() => {}),
    echo: (value: unknown) => Promise.resolve(value),
  };
  await linked({ calls }, async (link) => {
    await assert.rejects(link.call("echo", () => {}), { name: "DataCloneError" });
    await assert.rejects(link.call("give", 1), { name: "DataCloneError" });
    assert.equal(await link.call("echo", "fine"), "fine");
  });
});

test("a cancelled call is answered by what the other side makes of it", async () => {
  const calls = {
    wait: (_args: unknown, signal: AbortSignal) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve("gave up"))),
  };
  await linked({ calls }, async (link) => {
    const stop = new AbortController();
    const waiting = link.call("wait", 1, stop.signal);
    stop.abort();
    assert.equal(await waiting, "gave up");
    assert.equal(await link.call("wait", 1, stop.signal), "gave up");
  });
});

test("a stream never runs more than its window ahead of its consumer", async () => {
  let made = 0;
  const streams = {
    count: async function* (): AsyncGenerator<number> {
      for (;;) yield await Promise.resolve(++made);
    },
  };
  await linked({ streams }, async (link) => {
    const items = link.stream("count", undefined)[Symbol.asyncIterator]();
    assert.equal((await items.next()).value, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(made <= 34, `${made} items were made for one that was read`);
    for (let i = 2; i <= 500; i++) assert.equal((await items.next()).value, i);
    await items.return?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const after = made;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(made, after);
  });
});

test("a stream's error comes after the items before it", async () => {
  const streams = {
    few: async function* (): AsyncGenerator<number> {
      yield* [1, 2];
      await Promise.reject(new RpcError({ kind: "notFound", message: "no third" }));
    },
  };
  await linked({ streams }, async (link) => {
    const seen: unknown[] = [];
    await assert.rejects(async () => {
      for await (const item of link.stream("few", undefined)) seen.push(item);
    }, { kind: "notFound" });
    assert.deepEqual(seen, [1, 2]);
  });
});

test("close() fails what is waited for, and what is asked later", async () => {
  const calls = { wait: () => new Promise(() => {}) };
  const streams = {
    hang: async function* (): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => {});
    },
  };
  await linked({ calls, streams }, async (link) => {
    const waiting = link.call("wait", 1);
    const items = link.stream("hang", 1)[Symbol.asyncIterator]();
    await items.next();
    const reading = items.next();
    link.close(new TypeError("it died"));
    await assert.rejects(waiting, /it died/);
    await assert.rejects(reading, /it died/);
    await assert.rejects(link.call("wait", 1), /it died/);
    await assert.rejects(link.stream("hang", 1)[Symbol.asyncIterator]().next(), /it died/);
    link.tell("nothing", 1);
  });
});

test("a one-way message that its handler refuses is told to the owner only", async () => {
  const heard: number[] = [];
  const tells = {
    note: (n: number): void => void heard.push(n),
    refuse: (): void => {
      throw new TypeError("no");
    },
  };
  const calls = { after: () => Promise.resolve(heard.length) };
  await linked({ tells, calls }, async (link, _far, errors) => {
    link.tell("note", 1);
    link.tell("refuse", 2);
    link.tell("note", 3);
    assert.equal(await link.call("after", undefined), 2);
    assert.deepEqual([heard, errors.length], [[1, 3], 1]);
  });
});
