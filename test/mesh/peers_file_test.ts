/** Goal: a file that a person edits is read as far as it goes, and nothing of it is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPeersFile, parsePeersFile, putPeerRow } from "../../src/mesh/peers_file.ts";
import { keyOf } from "./_mutations.ts";

const key = keyOf(2);

test("parsePeersFile() keeps good rows beside bad ones, and tells of these", () => {
  const rows = [{ key, alias: "attic", hints: ["192.0.2.1:9"] }, { key: "x" }, 7, { key }, {
    key: keyOf(3),
  }];
  const file = parsePeersFile(JSON.stringify({ peers: rows }));
  assert.deepEqual(file.rows.map((row) => row.key), [key, keyOf(3)]);
  assert.equal(file.problems.length, 3);
  assert.match(file.problems[0] ?? "", /^row 2: "key"/);
  assert.match(file.problems[2] ?? "", /^row 4: its key has a row already/);
  const again = parsePeersFile(formatPeersFile(file));
  assert.deepEqual(again.rows, file.rows);
  assert.deepEqual(again.others, file.others);
});

test("parsePeersFile() says of a text that is no such file what is wrong", () => {
  assert.match(parsePeersFile("nothing").problems[0] ?? "", /no JSON/);
  assert.match(parsePeersFile("[]").problems[0] ?? "", /"peers"/);
  assert.deepEqual(parsePeersFile('{"peers":[]}'), { rows: [], problems: [], others: [] });
});

test("putPeerRow() keeps what is not said, and gives an alias to one peer only", () => {
  let rows = putPeerRow([], { key, alias: "attic", hints: ["a:1"] });
  rows = putPeerRow(rows, { key, hints: ["b:2"] });
  assert.deepEqual(rows, [{ key, alias: "attic", hints: ["b:2"] }]);
  rows = putPeerRow(rows, { key: keyOf(3), alias: "attic" });
  assert.deepEqual(rows, [{ key, hints: ["b:2"] }, { key: keyOf(3), alias: "attic", hints: [] }]);
});
