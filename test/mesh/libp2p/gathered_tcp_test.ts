import assert from "node:assert/strict";
import { test } from "node:test";
import type { MultiaddrConnection } from "@libp2p/interface";
import { gathered } from "../../../src/mesh/libp2p/gathered_tcp.ts";

type Result = { readonly sentBytes: number; readonly canSendMore: boolean };
type Connection = MultiaddrConnection & { sendData(pieces: Iterable<Uint8Array>): Result };

test("gathered() writes what is sent at once in one piece, and says what the socket says", () => {
  const written: Uint8Array[][] = [];
  const connection = {
    sendData: (pieces: Iterable<Uint8Array>): Result => {
      written.push([...pieces]);
      return { sentBytes: 6, canSendMore: false };
    },
  } as unknown as Connection;
  assert.equal(gathered(connection), connection);
  const pieces = [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4, 5, 6)];
  assert.deepEqual(connection.sendData(pieces), { sentBytes: 6, canSendMore: false });
  connection.sendData(pieces.slice(1, 2));
  assert.deepEqual(written, [[Uint8Array.of(1, 2, 3, 4, 5, 6)], [Uint8Array.of(3)]]);
});

test("gathered() leaves a connection alone that writes in another way", () => {
  const connection = { send: () => true } as unknown as MultiaddrConnection;
  assert.deepEqual(Object.keys(gathered(connection)), ["send"]);
});
