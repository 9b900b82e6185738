/**
 * Goal: whatever is wrong with the words of a command line ends with exit code 2 and one sentence,
 * whichever command it is; and a word that is nearly right gets the right one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withFolder } from "../node/_support.ts";
import { skep } from "./_support.ts";

/** Every command, and the arguments that make a whole line of it. */
const lines: readonly (readonly [path: string, rest?: string])[] = [
  ["up"],
  ["chat"],
  ["status"],
  ["down"],
  ["restart"],
  ["config show"],
  ["config schema"],
  ["config path"],
  ["model inspect"],
  ["model add", "x.gguf"],
  ["model list"],
  ["model verify"],
  ["log status"],
  ["log tail"],
  ["log range"],
  ["log verify"],
  ["log heads"],
  ["receipt list"],
  ["receipt show", "3f"],
  ["receipt export", "3f"],
  ["verify", "3f --model m"],
  ["invite"],
  ["join", "skep1a"],
  ["leave"],
  ["peer list"],
  ["peer add", "attic"],
  ["peer rm", "attic"],
  ["peer trust", "attic own"],
  ["plan"],
  ["top"],
  ["service list"],
  ["service info", "api"],
  ["call", "api x"],
  ["sim"],
  ["systemd-unit"],
];

async function refused(args: readonly string[]): Promise<string> {
  const { code, out, err } = await skep(args, { environment: { SKEP_HOME: "/nowhere/at/all" } });
  assert.equal(code, 2, `skep ${args.join(" ")}: ${code} ${out}${err}`);
  assert.equal(out, "");
  assert.match(err, /^Error: [^\n]*[^.\n]\n(See "skep [^\n]*--help"\n)?$/);
  return err;
}

test("the table has every command", async () => {
  const names = (text: string): string[] =>
    [...text.matchAll(/^(?:Usage:| {6}) skep ([a-z-]+(?: [a-z]+)?)/gm)].map(([, name = ""]) =>
      name
    );
  const { out } = await skep(["--help"]);
  const [, list = ""] = out.split(/^Usage:.*$/m);
  const top = [...list.matchAll(/^ {2}([a-z][a-z-]+) {2,}\S/gm)].map(([, name = ""]) => name);
  assert(top.length > 20, out);
  const mine = new Set(lines.map(([path]) => path));
  const firsts = new Set(lines.map(([path]) => path.split(" ")[0]));
  for (const name of top) {
    if (["help", "version", "completions"].includes(name)) continue;
    assert(firsts.has(name), name);
    if (mine.has(name)) continue;
    for (const one of names((await skep([name, "--help"])).out)) {
      if (one !== name) assert(mine.has(one), one);
    }
  }
});

for (const [path, rest = ""] of lines) {
  test(`skep ${path} refuses an unknown option, a value too few and a word too many`, async () => {
    const whole = [...path.split(" "), ...rest.split(" ").filter((word) => word !== "")];
    const help = `See "skep ${path} --help"\n`;
    const unknown = await refused([...whole, "--nope"]);
    assert(unknown.startsWith(`Error: Cannot use "--nope" as "skep ${path}" has no such option`));
    assert(unknown.endsWith(help), unknown);
    assert((await refused([...whole, "--hlep"])).includes('did you mean "--help"'));
    if (!path.startsWith("call")) {
      const more = await refused([...whole, "word", "too", "many"]);
      assert.match(more, /Cannot use "(word|too)" as .* takes no such argument/);
    }
    if (rest !== "") assert((await refused(path.split(" "))).endsWith(help));
    const { out } = await skep([...path.split(" "), "--help"]);
    const [, option] = /(--[a-z-]+) [A-Z][A-Z:=]+/.exec(out) ?? [];
    if (option === undefined) return;
    assert((await refused([...whole, option])).includes(option));
    if (out.includes("--home DIR")) {
      assert.match(await refused([...whole, "--home", ""]), /"--home": it must be a name/);
    }
  });
}

test("wrong values and contradictions end with exit code 2, in every command that has them", async () => {
  const cases: readonly (readonly [line: readonly string[], sentence: RegExp])[] = [
    [["up", "--log-level", "loud"], /"--log-level": Expected one of .*got "loud"/],
    [["up", "--listen", "nonsense"], /--listen: api\.listen: it must be host:port/],
    [["up", "--listen", "0.0.0.0:1"], /--listen: api\.listen: .*loopback/],
    [["up", "--layers", "foo"], /--layers: inference\.layers: it must be "all"/],
    [["up", "--set", "x"], /--set as it must be SECTION\.KEY=VALUE/],
    [["up", "--set", "api.listn=3"], /--set: api\.listn: .*did you mean "api\.listen"/],
    [["up", "--detach", "--set", "api.listen=3"], /--set: api\.listen: /],
    [["restart", "--layers", "foo"], /--layers: inference\.layers: /],
    [["restart", "--layers", "9-3"], /--layers: inference\.layers: FROM must be below TO/],
    [["join", "skep1a"], /Cannot use the ticket as /],
    [["join", "nonsense"], /it must begin with "skep1"/],
    [["service", "nope"], /Cannot start service "nope" as the node has api, /],
    [["service", "api", "--set", "x"], /SECTION\.KEY=VALUE/],
    [["chat", ""], /empty question/],
    [["chat", "--temperature", "9", "hi"], /"--temperature": Expected .*less than or equal to 2/],
    [["chat", "--top-p", "x", "hi"], /"--top-p": Expected a valid number/],
    [["chat", "--min-p", "-1", "hi"], /"--min-p"/],
    [["chat", "--top-k", "-1", "hi"], /"--top-k"/],
    [["chat", "--repeat-penalty", "0", "hi"], /"--repeat-penalty"/],
    [["chat", "--seed", "-5", "hi"], /"--seed"/],
    [["chat", "--seed", "1.5", "hi"], /"--seed": Expected a valid integer/],
    [["chat", "--max-tokens", "0", "hi"], /"--max-tokens"/],
    [["chat", "--stop", "", "hi"], /"--stop": it must be 1 to 512 characters/],
    [["down", "--wait", "0"], /"--wait"/],
    [["log", "tail", "-n", "0"], /"-n"\/"--count": /],
    [["log", "tail", "-n", "-1"], /"-n"/],
    [["log", "range", "--from", "x"], /"--from": Expected a valid integer/],
    [["log", "range", "--from", "3", "--to", "2"], /--to must not be before --from/],
    [["log", "range", "--author", "?"], /"--author": it must be an id/],
    [["receipt", "show", "zz"], /"ID": it must be 1 to 64 hex digits: current value is "zz"/],
    [["receipt", "export", "zz"], /1 to 64 hex digits/],
    [["verify", "./receipt.json", "--model", "m"], /without its transcript/],
    [["invite", "--expires", "9x"], /--expires as it must be a time from 1s to 30d/],
    [["invite", "--trust", "all"], /"--trust": Expected one of "own" and "member"/],
    [["peer", "trust", "attic", "all"], /"TRUST": Expected one of "own" and "member"/],
    [["peer", "rm", "a b"], /"PEER": it must be an id/],
    [["peer", "add", "attic", "--address", "nowhere"], /"--address": it must be host:port or/],
    [["peer", "add", "attic", "--alias", "two words"], /"--alias": it must be 1 to 64 letters/],
    [["model", "add", "x.gguf", "--name", "a/b"], /"--name": it must be 1 to 128 letters/],
    [["top", "--interval", "1"], /"--interval"/],
    [["call", "control", "node.status", "{"], /must be the JSON of an object or an array/],
    [["sim", "--nodes", "0"], /"--nodes"/],
    [["sim", "--loss", "2"], /"--loss"/],
    [["sim", "--for", "9x"], /Cannot read a time as it must be like/],
    [["systemd-unit", "--program", "skep"], /"--program": it must be an absolute path/],
    [["completions", "tcsh"], /Unsupported shell "tcsh"/],
    [["help", "nope"], /nope/],
  ];
  for (const [line, sentence] of cases) assert.match(await refused(line), sentence);
});

test("a word that is nearly right gets the right one", async () => {
  const cases = [
    ["up --modle x", "--modle", "up", "--model"],
    ["up --modle=x", "--modle", "up", "--model"],
    ["chat --temprature 1 hi", "--temprature", "chat", "--temperature"],
    ["log verify --jsn", "--jsn", "log verify", "--json"],
    ["peer add attic --adress a:1", "--adress", "peer add", "--address"],
  ] as const;
  for (const [line, word, path, meant] of cases) {
    const err = await refused(line.split(" "));
    const sentence = `Cannot use "${word}" as "skep ${path}" has no such option`;
    assert(err.startsWith(`Error: ${sentence}: did you mean "${meant}"`), err);
  }
  for (
    const [line, path, meant] of [
      ["chatt", "", "chat"],
      ["statsu", "", "status"],
      ["complentions", "", "completions"],
      ["log verfy", " log", "verify"],
      ["peer lst", " peer", "list"],
      ["model inspekt", " model", "inspect"],
    ] as const
  ) {
    const word = line.split(" ").at(-1);
    const err = await refused(line.split(" "));
    const sentence = `Cannot run "${word}" as "skep${path}" has no such command`;
    assert(err.startsWith(`Error: ${sentence}: did you mean "${meant}"`), err);
    assert(err.endsWith(`See "skep${path} --help"\n`), err);
  }
  // Nothing is near: no guess.
  assert.doesNotMatch(await refused(["quux", "--zzzzzzzz"]), /did you mean/);
});

test("what is right on the line and fails later is no wrong line", () =>
  withFolder(async (home) => {
    const place = ["--home", home];
    for (
      const [line, code] of [
        [["up", ...place, "--config", `${home}/none.toml`], 1],
        [["model", "inspect", `${home}/none.gguf`], 1],
        [["receipt", "show", "3f", ...place], 1],
        [["log", "verify", ...place], 1],
        [["verify", "3f", "--model", "m", ...place], 5],
        [["peer", "list", ...place], 3],
        [["status", ...place], 3],
      ] as const
    ) {
      assert.equal((await skep(line)).code, code, line.join(" "));
    }
  }));
