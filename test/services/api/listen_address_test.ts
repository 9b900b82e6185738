import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { apiConfig } from "../../../src/services/api/config.ts";
import {
  formatAddress,
  listenProblem,
  parseListenAddress,
} from "../../../src/services/api/listen_address.ts";

test("parseListenAddress() reads IPv4, names and bracketed IPv6", () => {
  assert.deepEqual(parseListenAddress("127.0.0.1:7737"), {
    kind: "tcp",
    host: "127.0.0.1",
    port: 7737,
  });
  assert.deepEqual(parseListenAddress("[::1]:0"), { kind: "tcp", host: "::1", port: 0 });
  assert.equal(formatAddress(parseListenAddress("[::1]:80")), "[::1]:80");
  for (const text of ["7737", ":7737", "localhost", "localhost:x", "localhost:70000", "::1:80"]) {
    assert.throws(() => parseListenAddress(text), SyntaxError, text);
  }
});

test("listenProblem() refuses whatever is not loopback, in a sentence that says what to do", () => {
  assert.equal(listenProblem("localhost:0"), undefined);
  for (const text of ["0.0.0.0:7737", "192.168.1.5:7737", "[::]:7737", "example.org:80"]) {
    assert.match(listenProblem(text) ?? "", /loopback.*no API keys/, text);
  }
});

test("The api section has defaults, refuses unknown keys and non-loopback listeners", () => {
  const defaults = v.parse(apiConfig, {});
  assert.equal(defaults.listen, "127.0.0.1:7737");
  assert.equal(defaults.bodyBytesMax, 4 * 1024 * 1024);
  assert.equal(v.safeParse(apiConfig, { lisen: "x" }).success, false);
  for (const key of ["listen", "metricsListen"]) {
    const { issues } = v.safeParse(apiConfig, { [key]: "0.0.0.0:80" });
    assert.match(issues?.[0]?.message ?? "", /loopback/);
  }
});
