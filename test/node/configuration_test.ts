/** Goal: every source is read, the later wins, and each violation names its own place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { loadConfiguration } from "../../src/node/configuration.ts";
import type { ConfigurationInput } from "../../src/node/configuration.ts";
import { NodeError } from "../../src/node/node_error.ts";

const schema = v.strictObject({
  api: v.optional(
    v.strictObject({
      listen: v.optional(v.union([v.literal(false), v.string()]), "127.0.0.1:1"),
      origins: v.optional(v.array(v.pipe(v.string(), v.startsWith("http"))), []),
      bodyBytesMax: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 10),
    }),
    {},
  ),
  log: v.optional(v.strictObject({ level: v.optional(v.picklist(["info", "debug"]), "info") }), {}),
});

function load(
  rest: Partial<Omit<ConfigurationInput, "environment">> & { env?: Record<string, string> },
): ReturnType<typeof loadConfiguration> {
  const { env = {}, ...input } = rest;
  return loadConfiguration({ schema, environment: (name) => env[name], ...input });
}

function violationsOf(rest: Parameters<typeof load>[0]): string[] {
  try {
    load(rest);
  } catch (thrown) {
    assert(thrown instanceof NodeError);
    assert.equal(thrown.code, "config");
    for (const violation of thrown.violations) assert(thrown.message.includes(violation.message));
    return thrown.violations.map((one) => `${one.place}|${one.path}|${one.message}`);
  }
  assert.fail("no violation");
}

test("loadConfiguration() gives defaults when nothing is set", () => {
  const { values, settings } = load({});
  assert.deepEqual(values, {
    api: { listen: "127.0.0.1:1", origins: [], bodyBytesMax: 10 },
    log: { level: "info" },
  });
  assert.deepEqual(settings.map((one) => one.from), ["default", "default", "default", "default"]);
  assert.equal(settings[2]?.environmentName, "SKEP_API_BODY_BYTES_MAX");
});

test("loadConfiguration() lets flags win over the environment, and that over the file", () => {
  const file = { path: "/c/skep.toml", text: '[api]\nlisten = "a:1"\nbodyBytesMax = 5\n' };
  const first = load({ file });
  assert.deepEqual(first.settings.map((one) => `${one.value} ${one.from}`).slice(0, 3), [
    "a:1 /c/skep.toml:2",
    " default",
    "5 /c/skep.toml:3",
  ]);
  const env = { SKEP_API_LISTEN: "false", SKEP_API_BODY_BYTES_MAX: "7" };
  const second = load({ file, env });
  assert.equal(second.settings[0]?.value, false);
  assert.equal(second.settings[0]?.from, "SKEP_API_LISTEN");
  assert.equal(second.settings[2]?.value, 7);
  const third = load({
    file,
    env,
    config: { api: { listen: "c:3" } },
    flags: { "api.listen": "--listen" },
  });
  assert.equal(third.settings[0]?.value, "c:3");
  assert.equal(third.settings[0]?.from, "--listen");
  assert.equal(third.settings[2]?.from, "SKEP_API_BODY_BYTES_MAX");
});

test("loadConfiguration() reports every violation with its place", () => {
  const text = [
    "# comment with = and [brackets]",
    'title = """',
    "[api]",
    'listen = "not this one" """',
    "",
    "[api]",
    'origins = ["http://a", # one',
    '  "ftp://b"]',
    "bodyBytesMax = 0",
    "listn = 'x'",
    "[log]",
    'level = "loud"',
  ].join("\n");
  const found = violationsOf({ file: { path: "/c/skep.toml", text }, config: { api: { x: 1 } } });
  const places = found.map((one) => one.split("|").slice(0, 2).join("|")).sort();
  assert.deepEqual(places, [
    "/c/skep.toml:10|api.listn",
    "/c/skep.toml:12|log.level",
    "/c/skep.toml:2|title",
    "/c/skep.toml:7|api.origins.1",
    "/c/skep.toml:9|api.bodyBytesMax",
    "run(config)|api.x",
  ]);
  assert(found.some((one) => one.includes('did you mean "api.listen"?')));
});

test("loadConfiguration() names the environment variable and the flag of a bad value", () => {
  assert.match(violationsOf({ env: { SKEP_LOG_LEVEL: "loud" } })[0] ?? "", /^SKEP_LOG_LEVEL\|log/);
  const config = { api: { bodyBytesMax: -1 } };
  const flags = { "api.bodyBytesMax": "--body-bytes-max" };
  assert.match(violationsOf({ config, flags })[0] ?? "", /^--body-bytes-max\|api\.bodyBytesMax/);
});

test("loadConfiguration() says where a file stops being TOML", () => {
  const file = { path: "/c/skep.toml", text: "[api]\nlisten = \n" };
  assert.match(violationsOf({ file })[0] ?? "", /^\/c\/skep\.toml:2\|\|is not TOML: /);
});

test("loadConfiguration() treats __proto__ as an unknown key", () => {
  const file = { path: "/c/skep.toml", text: "[__proto__]\nx = 1\n" };
  assert.match(violationsOf({ file })[0] ?? "", /skep\.toml:1\|__proto__\|is not a setting/);
  assert.equal(Reflect.get({}, "x"), undefined);
});
