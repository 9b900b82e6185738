/**
 * Goal: what `skep up` greets with fits its model; a node that is stopped, or can't be asked, while
 * it greets is no failed `skep up`.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { familyShape } from "../../bench/models/family_shapes.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import type { Network } from "../../src/ports/mod.ts";
import { realNetwork } from "../../src/ports/mod.ts";
import { withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";
import type { CliOptions, CliResult } from "./_support.ts";

/** Runs `skep up` on a free port below `home`. */
function up(
  home: string,
  { more = [], ...options }: CliOptions & { readonly more?: readonly string[] },
): Promise<CliResult> {
  return skep(["up", "--home", home, "--listen", "127.0.0.1:0", ...more], options);
}

/** The real network, where the API is reached only after `before`; it rejects to cut the line. */
function slowToReach(before: () => Promise<void>): Network {
  const real = realNetwork();
  return {
    listen: (address, onStream) => real.listen(address, onStream),
    dial: async (address, signal, into) => {
      if (address.kind === "tcp") await before();
      return await real.dial(address, signal, into);
    },
  };
}

test("up --detach leaves a name that no file has to the node, where that is in a mesh", () =>
  withFolder(async (home) => {
    const started = /Error: Cannot start a program in this test\n$/;
    const alone = await up(home, { more: ["--detach", "--model", "big"] });
    assert.match(alone.err, /Cannot find model 'big' as it is neither/);
    mkdirSync(join(home, "state/mesh"), { recursive: true });
    writeFileSync(join(home, "state/mesh/roster"), "");
    assert.match((await up(home, { more: ["--detach", "--model", "big"] })).err, started);
    const file = await up(home, { more: ["--detach", "--model", "./big.gguf"] });
    assert.doesNotMatch(file.err, started);
  }));

test("up ends with 0 when a signal stops the node while it is asked for its model", () =>
  withFolder(async (home) => {
    let sendSignal: (name: string) => void = () => {};
    const network = slowToReach(async () => {
      assert(existsSync(join(home, "state/runtime.json")), "it is ready");
      sendSignal("SIGTERM");
      while (existsSync(join(home, "state/runtime.json"))) await sleep(5);
    });
    const onListening: CliOptions["onListening"] = (_name, signal) => sendSignal = signal;
    const { code, out, err } = await up(home, { network, onListening });
    assert.equal(code, 0, err);
    assert.equal(out, "", "a stopped node is not said to be up");
    assert.match(err, /"Stopping"[^]*"Stopped"/);
    assert.doesNotMatch(err, /Error:/);
  }));

test("up goes on without a model in its banner when the model can't be asked", () =>
  withFolder(async (home) => {
    let sendSignal: (name: string) => void = () => {};
    const network = slowToReach(() => Promise.reject(new TypeError("No way there")));
    const { code, out, err } = await up(home, {
      network,
      onListening: (_name, signal) => sendSignal = signal,
      onOutput: () => sendSignal("SIGTERM"),
    });
    assert.equal(code, 0, err);
    assert.match(out, /is up.*\n {2}model +unknown: No way there\n/);
    assert.match(err, /"Stopped"/, "it was not left behind while it ran");
  }));

test("up shows a line that asks an encoder for embeddings, and it works", () =>
  withFolder(async (home) => {
    const path = join(home, "bee's encoder.gguf");
    writeRandomModel({ shape: familyShape("bert", encoder), type: "q8_0", seed: 2, path });
    let sendSignal: (name: string) => void = () => {};
    let answer: unknown;
    const { code, err } = await up(home, {
      more: ["--model", path],
      onListening: (_name, signal) => sendSignal = signal,
      onOutput: (out) => {
        const curl = /^ {2}curl (\S+\/v1\/embeddings) .* -d '(.*)'$/m.exec(out);
        assert(curl !== null, out);
        const [, url = "", data = ""] = curl;
        const headers = { "content-type": "application/json" };
        fetch(url, { method: "POST", headers, body: unquoted(data) })
          .then(async (response) => answer = await response.json())
          .finally(() => sendSignal("SIGTERM"));
      },
    });
    assert.equal(code, 0, err);
    const [first] = (answer as { data: readonly { embedding: readonly number[] }[] }).data;
    assert.equal(first?.embedding.length, encoder.width);
  }));

const encoder = {
  ...{ layerCount: 1, width: 64, ffnWidth: 96, headCount: 4, kvHeadCount: 4, headWidth: 16 },
  ...{ vocabularySize: 361, contextMax: 96, tiedOutput: false },
};

/** What a POSIX shell makes of text between single quotes. */
function unquoted(text: string): string {
  return text.replaceAll(`'\\''`, "'");
}
