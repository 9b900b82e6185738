/** Goal: one question, a conversation, a private node and a running one; Ctrl-C ends the answer only. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bootIn, withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

const short = ["--temperature", "0", "--max-tokens", "8"];

test("skep chat asks a private node when none runs, and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const environment = { SKEP_HOME: join(folder, "none"), TMPDIR: folder };
    const first = await skep(["chat", ...short, "Once upon a time"], { environment });
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /\w+.*\n$/);
    assert.equal(first.err, "");
    const piped = await skep(["chat", ...short], { environment, input: "Once upon a time\n" });
    assert.equal(piped.out, first.out, "the prompt may come from standard input");
    const json = await skep(["chat", ...short, "--json", "Once upon a time"], { environment });
    const answer = JSON.parse(json.out);
    assert.equal(`${answer.text}\n`, first.out);
    assert.equal(answer.finishReason, "length");
    assert.equal(answer.usage.completion_tokens, 8);
    assert(Number.isSafeInteger(answer.seed));
    assert.match(answer.fingerprint, /^skep-[^:]+:stories260K:[0-9a-f]+$/);
    const whole = await skep(["chat", "--temperature", "0", "Once upon a time"], { environment });
    assert.equal(whole.code, 0);
    const cut = /^The answer was cut as the context of 128 tokens, [^\n]* is full: [^\n]*\n$/;
    assert.match(whole.err, cut);
    assert.deepEqual(readdirSync(folder), []);
  }));

test("skep chat asks the running node, with the sampling flags", () =>
  withFolder(async (home) => {
    await using node = await bootIn(home);
    const seeded = ["chat", "--home", home, "--seed", "7", "--max-tokens", "12", "Tom saw"];
    const one = await skep([...seeded, "--top-k", "40", "--top-p", "0.9", "--min-p", "0.01"]);
    const two = await skep([...seeded, "--top-k", "40", "--top-p", "0.9", "--min-p", "0.01"]);
    assert.equal(one.code, 0, one.err);
    assert.equal(one.out, two.out);
    const stop = await skep(["chat", "--home", home, ...short, "--stop", "a", "Once upon a time"]);
    assert.equal(stop.out.includes("a"), false);
    const journal = await node.call("control", "journal.status") as { seq: number };
    assert(journal.seq >= 2, "the running node answered");
  }));

test("skep chat --model asks the running node for what it answers for, and a private one for files", () =>
  withFolder(async (home) => {
    const ask = (model: string, prompt: string): ReturnType<typeof skep> =>
      skep(["chat", "--home", home, ...short, "--model", model, prompt], {
        environment: { TMPDIR: home },
      });
    {
      await using node = await bootIn(home);
      // Counted before the answer ends, which its word in the journal is not.
      const answers = async (): Promise<number> => {
        const text = await (await fetch(`${node.addresses["api"]}/metrics`)).text();
        return [...text.matchAll(/^skep_inference_requests_total\{.*\} (\d+)$/gm)]
          .reduce((sum, [, count]) => sum + Number(count), 0);
      };
      const named = await ask("stories260K", "Once upon a time");
      assert.equal(named.code, 0, named.err);
      assert.equal(await answers(), 1, "the running node answered");
      assert.equal((await ask("embedded", "Once upon a time")).out, named.out);
      assert.equal(await answers(), 1, "a private node answered");
      const none = await ask("nosuch", "hi");
      assert.deepEqual([none.code, none.out], [1, ""]);
      assert.match(none.err, /^Error: Cannot use model "nosuch" as .* only "stories260K"\n$/);
    }
    const alone = await ask("nosuch", "hi");
    assert.match(alone.err, /^Error: Cannot find model 'nosuch' as it is neither/);
    mkdirSync(join(home, "state/mesh"), { recursive: true });
    writeFileSync(join(home, "state/mesh/roster"), "");
    const member = await ask("nosuch", "hi");
    assert.equal(member.code, 3);
    assert.match(member.err, /"nosuch" as no file here .* start one with "skep up"\n$/);
  }));

test("skep chat says what the API refuses, with exit code 1", () =>
  withFolder(async (home) => {
    await using _node = await bootIn(home);
    const long = "Once upon a time ".repeat(100);
    const { code, out, err } = await skep(["chat", "--home", home, long]);
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.match(err, /^Error: .*128/);
  }));

test("skep chat holds a conversation on a terminal until an empty line", () =>
  withFolder(async (home) => {
    await using _node = await bootIn(home);
    const { code, out } = await skep(["chat", "--home", home, ...short, "--system", "Be kind"], {
      terminal: true,
      environment: { NO_COLOR: "1" },
      input: "Once upon a time\nAnd then\n\n",
    });
    assert.equal(code, 0);
    assert.match(out, /^Talking to stories260K\./);
    assert.equal(out.split("> ").length - 1, 3, out);
  }));

test("/help and /exit in a conversation are not asked of the model", () =>
  withFolder(async (home) => {
    await using node = await bootIn(home);
    const { code, out } = await skep(["chat", "--home", home, ...short], {
      terminal: true,
      environment: { NO_COLOR: "1" },
      input: "/help\n/exit\nOnce upon a time\n",
    });
    assert.equal(code, 0);
    assert.equal(out.match(/\/exit or Ctrl-D ends the conversation/g)?.length, 2, out);
    assert.equal(out.split("> ").length - 1, 2, out);
    const events = await node.call("journal", "journal.tail", { count: 10 });
    assert.equal(JSON.stringify(events).includes("chat."), false);
  }));

test("a conversation beyond the context goes on without its oldest turns, and says so", () =>
  withFolder(async (home) => {
    await using _node = await bootIn(home);
    const args = ["chat", "--home", home, "--temperature", "0", "--max-tokens", "40"];
    const lines = ["Once upon a time", "And then the dog", "Tom was sad", "The end of the day", ""];
    const { code, out, err } = await skep([...args, "--system", "Be kind"], {
      terminal: true,
      environment: { NO_COLOR: "1" },
      input: `${lines.join("\n")}\n`,
    });
    assert.equal(code, 0, err);
    assert.equal(out.split("> ").length - 1, 5, out);
    const said = err.trimEnd().split("\n");
    const notices = said.filter((line) =>
      !line.startsWith("The answer was cut as the context of ")
    );
    assert(notices.length >= 1, "128 tokens do not hold four turns of 40");
    for (const notice of notices) {
      assert.match(notice, /^The (oldest turn was|\d+ oldest turns were) left out, as .* context$/);
    }
  }));

test("a single message beyond the context is refused, also in a conversation", () =>
  withFolder(async (home) => {
    await using _node = await bootIn(home);
    const { code, err } = await skep(["chat", "--home", home, ...short], {
      terminal: true,
      environment: { NO_COLOR: "1" },
      input: `Once\n${"Once upon a time ".repeat(100)}\n\n`,
    });
    assert.equal(code, 1);
    assert.match(err, /^Error: Cannot answer as the prompt must leave room [^\n]*128[^\n]*\n$/);
  }));

test("skep chat with a broken model prints one sentence, and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const environment = { SKEP_HOME: join(folder, "none"), TMPDIR: folder };
    const model = join(folder, "broken.gguf");
    for (const bytes of ["", "This is a text", "GGUF\x03\0\0\0"]) {
      writeFileSync(model, bytes);
      const { code, out, err } = await skep(["chat", "--model", model, "Hi"], { environment });
      assert.equal(code, 1);
      assert.equal(out, "");
      assert.match(err, /^Error: Cannot read model [^\n]*\n$/);
    }
    assert.deepEqual(readdirSync(folder), ["broken.gguf"]);
  }));

test("Ctrl-C while skep chat starts a private node ends it, and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const environment = { SKEP_HOME: join(folder, "none"), TMPDIR: folder };
    for (const name of ["SIGINT", "SIGTERM"]) {
      const { code, out, err } = await skep(["chat", "Hi"], {
        environment,
        onListening: (heard, send) => void (heard === name && queueMicrotask(() => send(name))),
      });
      assert.deepEqual({ code, out, err }, { code: 130, out: "", err: "" });
    }
    const whole = await skep(["chat", "--temperature", "0", "Once upon a time"], { environment });
    assert.equal(whole.code, 0);
    const cut = /^The answer was cut as the context of 128 tokens, [^\n]* is full: [^\n]*\n$/;
    assert.match(whole.err, cut);
    assert.deepEqual(readdirSync(folder), []);
  }));

test("Ctrl-C ends the answer of skep chat with exit code 130, and its slot is free at once", () =>
  withFolder(async (home) => {
    await using node = await bootIn(home, { config: { inference: { slots: 1, queueMax: 0 } } });
    let sent = false;
    const { code, out } = await skep(["chat", "--home", home, "--max-tokens", "120", "Once"], {
      onOutput: (text, signal): void => {
        if (sent || text.length < 4) return;
        sent = true;
        signal("SIGINT");
      },
    });
    assert.equal(code, 130);
    assert(out.endsWith("\n"));
    const next = await skep(["chat", "--home", home, ...short, "Once"]);
    assert.equal(next.code, 0, next.err);
    assert(node.status().services.every(({ state }) => state === "ready"));
  }));
