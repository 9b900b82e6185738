import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../src/services/api/api_error.ts";
import {
  checkCaller,
  hostName,
  isLoopbackName,
  preflightHeaders,
} from "../../../src/services/api/guard.ts";

const options = { hosts: ["skep.lan"], origins: ["https://chat.example"] };

function refused(code: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof ApiError && thrown.status === 403 && thrown.code === code;
}

test("isLoopbackName() takes 127.0.0.0/8, ::1 and localhost, and nothing that looks like them", () => {
  for (const name of ["127.0.0.1", "127.255.0.9", "localhost", "LocalHost", "::1", "[::1]"]) {
    assert.ok(isLoopbackName(name), name);
  }
  for (
    const name of [
      "127.0.0.1.evil.example",
      "127.1",
      "127.0.0.256",
      "128.0.0.1",
      "0.0.0.0",
      "localhost.evil.example",
      "::2",
      "[::ffff:7f00:1]",
      "",
    ]
  ) assert.ok(!isLoopbackName(name), name);
});

test("hostName() takes the port off and refuses what is no host", () => {
  assert.equal(hostName("127.0.0.1:7737"), "127.0.0.1");
  assert.equal(hostName("[::1]:7737"), "[::1]");
  assert.equal(hostName("LOCALHOST"), "localhost");
  for (const header of ["", "a b", "localhost:", "localhost:99999999", "user@localhost", "a/b"]) {
    assert.equal(hostName(header), undefined, header);
  }
});

test("checkCaller() refuses foreign hosts and foreign origins, and takes those allowed", () => {
  assert.equal(checkCaller({ host: "localhost:1", origin: undefined }, options), undefined);
  assert.equal(checkCaller({ host: "SKEP.lan:1", origin: undefined }, options), undefined);
  const allowed = checkCaller({ host: "[::1]", origin: "https://chat.example" }, options);
  assert.equal(allowed, "https://chat.example");
  const none = { host: undefined, origin: undefined };
  assert.throws(() => checkCaller(none, options), refused("host_not_allowed"));
  const rebound = { host: "evil.example", origin: undefined };
  assert.throws(() => checkCaller(rebound, options), refused("host_not_allowed"));
  for (const origin of ["https://evil.example", "null", "https://chat.example.evil", ""]) {
    const foreign = { host: "localhost", origin };
    assert.throws(() => checkCaller(foreign, options), refused("origin_not_allowed"), origin);
  }
});

test("preflightHeaders() allows the headers that were asked for, if they are header names", () => {
  const headers = preflightHeaders("https://chat.example", "content-type, x-stainless-os, a b");
  assert.equal(headers["access-control-allow-headers"], "content-type, x-stainless-os");
  assert.equal(headers["access-control-allow-origin"], "https://chat.example");
});
