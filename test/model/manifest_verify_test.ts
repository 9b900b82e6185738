/** Goal: whatever byte is wrong, its group is named; whatever is missing, that is said. */
import assert from "node:assert/strict";
import { appendFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fileSource, openGguf, verifyModel } from "../../src/model/mod.ts";
import type { ModelVerdict } from "../../src/model/mod.ts";
import { PIECE_BYTES } from "../../src/model/_hash_pieces.ts";
import { runs } from "./_files.ts";
import { add, getFile, putFile, withModel } from "./_manifests.ts";
import type { ModelPlace } from "./_manifests.ts";

const GROUP = 16_384;

async function verify(place: ModelPlace): Promise<ModelVerdict> {
  const manifest = await add(place);
  return await verifyModel({ ...place, manifest });
}

test("verifyModel() finds a file intact, and tells how far it is", async () => {
  await withModel(async (place) => {
    const manifest = await add(place);
    const seen: number[] = [];
    const onProgress = (done: number, total: number): void => void seen.push(done, total);
    const verdict = await verifyModel({ ...place, manifest, onProgress });
    assert.deepEqual(verdict, { state: "intact", sizeBytes: place.bytes.length });
    assert.deepEqual(seen, [place.bytes.length, place.bytes.length]);
  });
});

test("verifyModel() holds for files of any length up to several pieces", async () => {
  await withModel(async (place) => {
    const lengths = [
      ...[PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 2 * PIECE_BYTES - 1],
      ...[1_000_000, 393_216, 2_500_000],
    ];
    for (const length of lengths) {
      const bytes = new Uint8Array(length).map((_, i) => i * 31 + (i >> 9));
      bytes.set(place.bytes);
      writeFileSync(place.path, bytes);
      assert.deepEqual(await verify(place), { state: "intact", sizeBytes: length }, `${length}`);
      const manifest = await add(place);
      bytes[length - 1] = 1 ^ (bytes[length - 1] ?? 0);
      writeFileSync(place.path, bytes);
      const verdict = await verifyModel({ ...place, manifest });
      assert.ok(verdict.state === "damaged");
      assert.equal(verdict.offsetBytes, Math.floor((length - 1) / GROUP) * GROUP);
    }
  });
});

test("verifyModel() names the group of any wrong byte, and the parts that need it", async () => {
  await withModel(async (place) => {
    const manifest = await add(place);
    const file = await openGguf(await fileSource(place.disk, place.path));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: place.bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const spoiled = place.bytes.slice();
          spoiled[at] = flip ^ (spoiled[at] ?? 0);
          writeFileSync(place.path, spoiled);
          const verdict = await verifyModel({ ...place, manifest });
          const offsetBytes = at - at % GROUP;
          assert.ok(verdict.state === "damaged");
          assert.equal(verdict.offsetBytes, offsetBytes);
          for (const { name, offset, sizeBytes } of file.tensors.values()) {
            const layer = /^blk\.(\d+)/.exec(name)?.[1];
            if (layer === undefined || at < offset || at >= offset + sizeBytes) continue;
            assert.ok(verdict.parts.includes(`layer ${layer}`), `${verdict.parts}`);
          }
        },
      ),
      { numRuns: runs(40) },
    );
  });
});

test("verifyModel() reads nothing behind the first wrong piece but what was under way", async () => {
  await withModel(async (place) => {
    const bytes = new Uint8Array(8 * PIECE_BYTES);
    bytes.set(place.bytes);
    writeFileSync(place.path, bytes);
    const manifest = await add(place);
    bytes[PIECE_BYTES + 8480] = 1;
    writeFileSync(place.path, bytes);
    const { disk } = place;
    let read = 0;
    const counting = {
      ...disk,
      open: async (...args: Parameters<typeof disk.open>): ReturnType<typeof disk.open> => {
        const file = await disk.open(...args);
        return Object.assign(Object.create(file), {
          sizeBytes: () => file.sizeBytes(),
          close: () => file.close(),
          read: (into: Uint8Array, at: number) => {
            if (args[0] === place.path) read += into.length;
            return file.read(into, at);
          },
        });
      },
    };
    const verdict = await verifyModel({ ...place, disk: counting, manifest });
    assert.equal(verdict.state === "damaged" && verdict.offsetBytes, PIECE_BYTES);
    assert.equal(read, 3 * PIECE_BYTES);
  });
});

test("verifyModel() tells a missing file, a wrong length, and an outboard that leads elsewhere", async () => {
  await withModel(async (place) => {
    const manifest = await add(place);
    const { path } = manifest.outboard;
    const pairs = getFile(place, path);
    for (const at of [0, 63, 64, 700, pairs.length - 1]) {
      const spoiled = pairs.slice();
      spoiled[at] = 1 ^ (spoiled[at] ?? 0);
      writeFileSync(join(place.directory, path), spoiled);
      const { state } = await verifyModel({ ...place, manifest });
      assert.equal(state, "outboard-damaged", `byte ${at}`);
    }
    putFile(place, path, "short");
    const cut = { state: "outboard-damaged", offsetBytes: 0 };
    assert.deepEqual(await verifyModel({ ...place, manifest }), cut);
    rmSync(join(place.directory, path));
    assert.deepEqual(await verifyModel({ ...place, manifest }), cut);
    appendFileSync(place.path, "x");
    const sizeBytes = place.bytes.length;
    assert.deepEqual(await verifyModel({ ...place, manifest }), {
      state: "wrong-length",
      sizeBytes: sizeBytes + 1,
    });
    truncateSync(place.path, 5);
    assert.equal((await verifyModel({ ...place, manifest })).state, "wrong-length");
    rmSync(place.path);
    assert.deepEqual(await verifyModel({ ...place, manifest }), { state: "missing" });
  });
});

test("verifyModel() stops when it is told to", async () => {
  await withModel(async (place) => {
    const manifest = await add(place);
    const signal = AbortSignal.abort(new RangeError("enough"));
    await assert.rejects(verifyModel({ ...place, manifest, signal }), /enough/);
  });
});
