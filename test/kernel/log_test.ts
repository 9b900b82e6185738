/** Log lines: levels, one line each, secrets hidden, values bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, isSecretName, redactProperties } from "../../src/kernel/mod.ts";
import type { LogOptions, NodeLog } from "../../src/kernel/mod.ts";
import { VirtualClock } from "../../src/sim/mod.ts";

function make(options: Partial<LogOptions> = {}): { log: NodeLog; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({
    clock: new VirtualClock(),
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

test("a text line has time, level, source, message and properties", () => {
  const { log, lines } = make();
  log.withSource("api").warn("Slow answer", { path: "/v1/models", tookMs: 12, why: 'said "no"' });
  assert.deepEqual(lines, [
    "2026-01-01T00:00:00.000Z [WRN] skep·api: Slow answer path=/v1/models tookMs=12 " +
    'why="said \\"no\\""\n',
  ]);
});

test("a JSON line is one object with the same content", () => {
  const { log, lines } = make({ form: "json" });
  log.error("Failed", { n: 10n, error: new RangeError("too far") });
  const { properties, ...line } = JSON.parse(lines[0] ?? "");
  assert.deepEqual(line, {
    "@timestamp": "2026-01-01T00:00:00.000Z",
    level: "ERROR",
    message: "Failed",
    logger: "skep",
  });
  assert.deepEqual([properties.n, properties.error.name, properties.error.message], [
    "10",
    "RangeError",
    "too far",
  ]);
  assert.match(properties.error.stack, /log_test/);
});

test("the level drops what is below it", () => {
  for (
    const [level, expected] of [["debug", 4], ["info", 3], ["warn", 2], ["error", 1], [
      "off",
      0,
    ]] as const
  ) {
    const { log, lines } = make({ level });
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e");
    assert.equal(lines.length, expected, level);
  }
});

test("no message or property can make a second line or reach the terminal", () => {
  for (const form of ["text", "ansi", "json"] as const) {
    const { log, lines } = make({ form });
    const evil = "a\nFAKE \r\u001b[2J\u009b31m\u0000";
    log.info(evil, { evil, deep: { evil } });
    assert.equal(lines.length, 1);
    const line = (lines[0] ?? "").slice(0, -1);
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    const plain = form === "ansi" ? line.replace(/\u001b\[\d+m/g, "") : line;
    // deno-lint-ignore no-control-regex -- as above
    assert.doesNotMatch(plain, /[\u0000-\u001f\u007f-\u009f]/, form);
  }
});

test("secrets are hidden by the words of their names, at any depth, and counts are not", () => {
  const secret = ["key", "apiKey", "API_KEY", "x-api-key", "token", "authToken", "Authorization"];
  const more = ["seed", "password", "dbPassword", "clientSecret", "privateKey", "cookie"];
  for (const name of [...secret, ...more]) assert.equal(isSecretName(name), true, name);
  const plain = ["tokens", "tokensPerSecond", "monkey", "keyboard", "author", "seedling", "path"];
  for (const name of plain) assert.equal(isSecretName(name), false, name);
  const { log, lines } = make({ form: "json" });
  log.info("m", {
    token: "hush",
    list: [{ password: "hush" }],
    map: new Map([["apiKey", "hush"]]),
    cause: new TypeError("x", { cause: { secret: "hush" } }),
  });
  assert.doesNotMatch(lines[0] ?? "", /hush/);
});

test("redactProperties() bounds depth, length and size, and survives odd values", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const safe = redactProperties({
    cyclic,
    long: "x".repeat(100_000),
    list: Array.from({ length: 1_000 }, (_, i) => i),
    bytes: new Uint8Array(50),
    fn: (): void => {},
    symbol: Symbol("s"),
    set: new Set([1n]),
    none: undefined,
    url: new URL("http://a/"),
  });
  assert.ok(JSON.stringify(safe).length < 20_000);
  assert.deepEqual([safe["bytes"], safe["symbol"], safe["set"], safe["url"]], [
    "[50 bytes]",
    "Symbol(s)",
    ["1"],
    "http://a/",
  ]);
});
