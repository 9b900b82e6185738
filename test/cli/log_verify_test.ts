/** Goal: `skep log verify` finds an end that was cut off, by the head that the node keeps. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import type { Service } from "../../src/kernel/mod.ts";
import { bootIn, withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

interface Verdict {
  readonly state: string;
  readonly size: number;
  readonly missing: number;
}

/** Tells of one thing at each start. */
const teller: Service = {
  name: "teller",
  config: v.strictObject({}),
  needs: [],
  critical: true,
  run: async (_config, host) => {
    await host.journal.append({ chi: "told", rid: "r", body: {} });
    host.ready();
    await new Promise((resolve) => host.signal.addEventListener("abort", resolve));
  },
};

test("skep log verify tells what is missing from the end of a journal, also after the next start", () =>
  withFolder(async (home) => {
    const place = ["--home", home];
    const only = { only: ["teller"], services: [teller] };
    const logs: string[] = [];
    const log = { write: (line: string): void => void logs.push(line), form: "json" as const };
    for (let i = 0; i < 3; i++) await (await bootIn(home, only)).stop();
    const folder = join(home, "state/journal");
    const [day = ""] = readdirSync(folder);
    const file = join(folder, day);
    const whole = readFileSync(file, "utf8");
    const count = whole.split("\n").length - 1;
    assert(count >= 3, whole);
    const good = await skep(["log", "verify", ...place]);
    assert.equal(good.code, 0, good.out);
    assert(good.out.includes(`It has all of the ${count} events that were signed for last`));
    // At a boundary of two events: by itself the journal is as good as before.
    const put = (lines: readonly string[]): void => writeFileSync(file, `${lines.join("\n")}\n`);
    const lines = whole.trimEnd().split("\n");
    put(lines.slice(0, -2));
    const cut = await skep(["log", "verify", ...place]);
    assert.equal(cut.code, 1);
    assert.match(cut.out, /^The journal is not what this node has signed for: /);
    assert(cut.out.includes(`events ${count - 1} to ${count} are missing from its end`), cut.out);
    const { ok, heads, problems } = JSON.parse(
      (await skep(["log", "verify", "--json", ...place])).out,
    );
    assert.deepEqual([ok, problems.length], [false, 0]);
    assert.deepEqual(heads.map(({ state, missing }: Verdict) => [state, missing]), [["cut", 2]]);
    // The node itself finds it at its start, goes on, and does not forget it.
    await (await bootIn(home, { ...only, log })).stop();
    assert.match(logs.join(""), /The journal is not what this node signed/);
    await (await bootIn(home, only)).stop();
    await (await bootIn(home, only)).stop();
    const later = await skep(["log", "verify", "--json", ...place]);
    assert.equal(later.code, 1);
    const states = JSON.parse(later.out).heads.map(({ state, size }: Verdict) => [state, size]);
    assert.deepEqual(states.slice(1), [["other", count]]);
    assert.equal(states[0][0], "contained");
    assert.match((await skep(["log", "verify", ...place])).out, /are others than those signed for/);
    // Without the file nobody here can know, and that is what is said.
    rmSync(join(home, "state/journal-head.json"));
    const blind = await skep(["log", "verify", ...place]);
    assert.equal(blind.code, 0);
    assert.match(blind.out, /Whether its end was cut can't be told here/);
    // A journal that is gone altogether.
    put(lines);
    await (await bootIn(home, only)).stop();
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    assert.match((await skep(["log", "verify", ...place])).out, /events 1 to \d+ are missing/);
  }));
