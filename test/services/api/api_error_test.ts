import assert from "node:assert/strict";
import { test } from "node:test";
import { rpcCodes, RpcError } from "../../../src/kernel/mod.ts";
import type { RpcErrorName } from "../../../src/kernel/mod.ts";
import { ApiError } from "../../../src/services/api/api_error.ts";

test("ApiError.from() has a status and a body of OpenAI's shape for every kind of RpcError", () => {
  for (const kind of Object.keys(rpcCodes) as RpcErrorName[]) {
    const error = ApiError.from(new RpcError({ kind, message: "why" }));
    assert.ok(error.status >= 400 && error.status < 600, kind);
    assert.deepEqual(Object.keys(error.body.error), ["message", "type", "param", "code"]);
    assert.equal(error.body.error.message, "why");
  }
});

test("ApiError.from() says when to come back after a full queue", () => {
  const error = ApiError.from(new RpcError({ kind: "busy", message: "full" }));
  assert.equal(error.status, 429);
  assert.equal(error.headers["retry-after"], "1");
  assert.equal(error.body.error.type, "rate_limit_error");
});

test("ApiError.from() names the field of the endpoint, and passes a finer code on", () => {
  const error = ApiError.from(
    new RpcError({
      kind: "invalidParams",
      message: "long",
      data: { field: "prompt", code: "context_length_exceeded" },
    }),
    (field) => `my ${field}`,
  );
  assert.equal(error.param, "my prompt");
  assert.equal(error.code, "context_length_exceeded");
});

test("ApiError.from() reads an RpcError that crossed a worker as a plain object", () => {
  assert.equal(ApiError.from({ kind: "busy", message: "full" }).status, 429);
  assert.equal(ApiError.from({ kind: "toString", message: "x" }).status, 500);
});

test("ApiError.from() does not show the client what it was not meant to see", () => {
  const secret = new TypeError("secret path /home/x");
  const error = ApiError.from(secret);
  assert.equal(error.status, 500);
  assert.ok(!JSON.stringify(error.body).includes("secret"));
  assert.equal(error.cause, secret);
});
