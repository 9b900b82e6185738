/** Goal: `skep receipt` lists, shows and exports what a node keeps, and its exports are what `skep verify` reads. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { blake3 } from "hash-wasm";
import { loadExecutor } from "../../src/engine/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { receiptDirectory, ReceiptStore } from "../../src/receipts/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { openFixture } from "../engine/_fixtures.ts";
import { answer } from "../receipts/_parties.ts";
import type { Answer } from "../receipts/_parties.ts";
import { skep } from "./_support.ts";
import type { CliResult } from "./_support.ts";

const model = fileURLToPath(
  new URL("../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);

interface Place {
  readonly directory: string;
  readonly receipt: (...args: string[]) => Promise<CliResult>;
}

async function withStore(use: (place: Place, store: ReceiptStore) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-receipt-"));
  const environment = { SKEP_HOME: directory };
  const store = new ReceiptStore({
    disk: realDisk(),
    directory: receiptDirectory(join(directory, "state")),
  });
  await realDisk().makeDirectory(join(directory, "state"));
  try {
    await use({
      directory,
      receipt: (...args) => skep(["receipt", ...args], { environment }),
    }, store);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function made(): Promise<Answer> {
  const fixture = await openFixture("stories260K-q8_0");
  const executor = await loadExecutor({ ...fixture, contextMax: 64, threads: 1 });
  try {
    const root = await blake3(readFileSync(model));
    const random = new SeededRandom(1);
    return await answer({ executor, other: executor, root, random, alteration: "none" });
  } finally {
    executor.close();
  }
}

test("skep receipt lists, shows and exports, also by the first digits of an id", () =>
  withStore(async ({ directory, receipt }, store) => {
    const none = await receipt("list");
    assert.deepEqual([none.code, none.out, none.err], [0, "", "No receipt is kept yet\n"]);
    const { receipt: one, transcript, opened } = await made();
    const [first, second] = ["3f".repeat(32), "4e".repeat(32)];
    await store.keep(first, { receipt: one, transcript }, 1_000);
    await store.keep(second, { receipt: one, transcript }, 2_000);
    const list = await receipt("list");
    assert.equal(
      list.out.replace(/ +/g, " "),
      `${first.slice(0, 16)} 1970-01-01T00:00:01.000Z\n` +
        `${second.slice(0, 16)} 1970-01-01T00:00:02.000Z\n`,
    );
    const listed = JSON.parse((await receipt("list", "--json")).out);
    assert.deepEqual(listed.map(({ id }: { id: string }) => id), [first, second]);
    const shown = await receipt("show", "3f3f");
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, new RegExp(`^receipt +${first}\nrequester +skep_[0-9a-f]{12}\n`));
    const stages = shown.out.match(/^stage \d+ +skep_[0-9a-f]{12}, layers \d to \d, positions /gm);
    assert.equal(stages?.length, opened.stages.length);
    const { request } = JSON.parse((await receipt("show", "3f", "--json")).out);
    assert.equal(request.outputTokens, transcript.outputTokens.length);
    const to = join(directory, "answer");
    const exported = await receipt("export", "4e4e4e", "--to", to);
    const files = ["receipt.json", "transcript.json"].map((name) => join(to, name));
    assert.equal(exported.out, files.map((path) => `${path}\n`).join(""));
    const [receiptFile = "", transcriptFile = ""] = files;
    // The transcript tells the prompt: it is the user's alone.
    assert.equal(statSync(transcriptFile).mode & 0o777, 0o600);
    // The same once more is no loss; another's files would be one.
    assert.equal((await receipt("export", "4e4e4e", "--to", to)).code, 0);
    writeFileSync(receiptFile, "another's");
    const taken = await receipt("export", "4e4e4e", "--to", to);
    assert.deepEqual([taken.code, readFileSync(receiptFile, "utf8")], [1, "another's"]);
    assert.match(taken.err, /Cannot export to ".*receipt.json" as it is another receipt's/);
    rmSync(receiptFile);
    assert.equal((await receipt("export", "4e4e4e", "--to", to)).code, 0);
    const verified = await skep(
      ["verify", receiptFile, "--transcript", transcriptFile, "--model", model],
      { environment: { SKEP_HOME: directory } },
    );
    assert.equal(verified.code, 0, verified.err);
    assert.match(verified.out, /The receipt tells the truth\n$/);
    // The kept one, by its id: nothing needs to be exported.
    const place = { environment: { SKEP_HOME: directory } };
    const byId = await skep(["verify", "4e4e", "--model", model, "--json"], place);
    assert.equal(byId.code, 0, byId.err);
    assert.equal(JSON.parse(byId.out).verdict, "good");
    const unknown = await skep(["verify", "77", "--model", model], place);
    assert.deepEqual([unknown.code, unknown.out], [5, ""]);
    assert.match(unknown.err, /Cannot find receipt "77" as 0 of those/);
    const alone = await skep(["verify", receiptFile, "--model", model], place);
    assert.equal(alone.code, 2);
    assert.match(alone.err, /without its transcript: pass --transcript FILE/);
  }));

test("skep receipt refuses an id that names none, or several", () =>
  withStore(async ({ receipt }, store) => {
    const { receipt: one, transcript } = await made();
    await store.keep("3f".repeat(32), { receipt: one, transcript }, 1_000);
    await store.keep("3e".repeat(32), { receipt: one, transcript }, 2_000);
    for (const [id, count] of [["9", 0], ["3", 2]] as const) {
      for (const command of ["show", "export"]) {
        const { code, out, err } = await receipt(command, id);
        assert.deepEqual([code, out], [1, ""]);
        assert.match(
          err,
          new RegExp(`Cannot find receipt "${id}" as ${count} of those in .* begin so`),
        );
      }
    }
  }));
